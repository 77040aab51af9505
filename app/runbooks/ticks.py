"""What becomes of executions because time passed, or because a wake-up said that one waits."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import current_app
from sqlalchemy import Select, String, cast, delete, or_, select, update

from app.core import clock
from app.core.db import locked, session, transaction
from app.core.worker import alive
from app.runbooks import outcomes
from app.runbooks.models import CallbackHeard, Execution
from app.runbooks.runner import runner

log = structlog.get_logger()
BATCH = 200
PAST, DAY = timedelta(seconds=1), timedelta(days=1)


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


def forget() -> int:
    """Outputs and progress of executions that ended long ago; what was told of them stays. And callbacks long heard."""
    now, days = clock.now(), timedelta(days=int(current_app.config["EXECUTION_DAYS"]))
    with transaction():
        old = session.scalars(select(Execution.id).where(
            Execution.ended_at < now - days, or_(Execution.output != "", Execution.parameters_sealed != "",
                                                 cast(Execution.progress, String) != "[]"))
            .limit(1000)).all()
        session.execute(update(Execution).where(Execution.id.in_(old)).values(
            output="", progress=[], parameters_sealed="").execution_options(synchronize_session=False))
        session.execute(delete(CallbackHeard).where(CallbackHeard.at < now - DAY))
    return len(old)


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
