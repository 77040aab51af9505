"""What becomes of executions because time passed, or because a wake-up said that one waits."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, String, cast, delete, or_, select, update

from app.core import clock
from app.core.db import locked, session, transaction
from app.core.retention import Kept
from app.core.worker import alive
from app.runbooks import outcomes
from app.runbooks.models import CallbackHeard, Execution
from app.runbooks.runner import runner

log = structlog.get_logger()
BATCH = 200
PAST = timedelta(seconds=1)


def run() -> int:
    """Begin what is due, as far as this process has threads free; a call that lasts keeps none of the others waiting."""
    return runner().fill()


def expire() -> int:
    """End what ran out of time, whoever is busy with it."""
    return _each(select(Execution.id).where(Execution.state == "running", Execution.deadline_at <= clock.now()),
                 lambda one: outcomes.time_over(one) if one.state == "running" else None)


def decide_lost() -> int:
    """Decide what becomes of executions whose worker let its lease run out."""
    return _each(select(Execution.id).where(Execution.lease_until < clock.now()),
                 lambda one: outcomes.lost(one) if one.lease_until and one.lease_until < clock.now() else None)


def release_dead() -> int:
    """At a start: what a dead process of this machine had leased is decided at once."""
    with transaction():
        owners = session.scalars(select(Execution.lease_owner).where(
            Execution.lease_owner.startswith(f"{socket.gethostname()}:")).distinct()).all()
        dead = [owner for owner in owners if owner is not None and not alive(owner)]
        if not dead:
            return 0
        session.execute(update(Execution).where(Execution.lease_owner.in_(dead)).values(
            lease_until=clock.now() - PAST).execution_options(synchronize_session=False))
    return decide_lost()


def _said(before: datetime) -> Select[Any]:
    return select(Execution.id).where(Execution.ended_at < before, SAID)


def _empty(ids: Sequence[int]) -> None:
    session.execute(update(Execution).where(Execution.id.in_(ids)).values(
        output="", progress=[], parameters_sealed="").execution_options(synchronize_session=False))


def _heard(before: datetime) -> Select[Any]:
    return select(CallbackHeard.id).where(CallbackHeard.at < before)


def _remove(ids: Sequence[int]) -> None:
    session.execute(delete(CallbackHeard).where(CallbackHeard.id.in_(ids)))


SAID = or_(Execution.output != "", Execution.parameters_sealed != "", cast(Execution.progress, String) != "[]")
OUTPUTS = Kept("execution_outputs", "Outputs and progress of runbooks", "The executions and what was told of them stay.",
               "EXECUTION_DAYS", select(Execution.id), _said, _empty)
CALLBACKS = Kept("callbacks_heard", "Marks of reports that runbooks’ targets sent", "The executions stay.", 1,
                 select(CallbackHeard.id), _heard, _remove)


def _each(query: Select[tuple[int]], act: Callable[[Execution], None]) -> int:
    """`act` on each row, locked, in a transaction of its own: one bad row blocks no other."""
    try:
        keys = list(session.scalars(query.limit(BATCH)))
    finally:
        session.rollback()
    for key in keys:
        try:
            _one(key, act)
        except Exception:
            log.exception("execution.tick_failed", execution=key)
    return len(keys)


def _one(key: int, act: Callable[[Execution], None]) -> None:
    with transaction():
        if (found := locked(Execution, key)) is not None:
            act(found)
