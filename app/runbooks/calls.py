"""One step of one execution: claim it, call the target with nothing open, record what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import format_tb
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import CursorResult, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.metrics import FAULTS
from app.core.secrets import Unreadable
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.core.worker import owner
from app.plugin_api import NoAccess, Outcome, Rejected, Retry
from app.runbooks import executions, outcomes, queries, requests, rules, vault
from app.runbooks.models import Execution
from app.shadow import queries as shadows
from app.shadow.service import Held, note

log = structlog.get_logger()
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Work:
    """An execution that is ours to bring one step further."""

    execution_id: int
    phase: str
    ready: requests.Ready
    handle: Mapping[str, Any]
    shadows: int


def due(phases: tuple[str, ...], limit: int) -> list[int]:
    """Ids of executions in one of these phases that are due and nobody's, the oldest first."""
    return list(session.scalars(select(Execution.id).where(
        Execution.next_at <= clock.now(), Execution.lease_until.is_(None), Execution.phase.in_(phases)).order_by(
        Execution.next_at, Execution.id).limit(limit)))


def advance(execution_id: int, *, call: Callable[[Work], Outcome | Exception] | None = None) -> bool:
    """Bring it one step further. Says whether it was ours. `call` plays the target, for an example organisation."""
    with transaction():
        work = _claim(execution_id)
    session.remove()
    if work is None or (work.phase == "start" and not _leaves(work)):
        return False
    began, at = time.monotonic(), clock.now()
    outcome = (call or _call)(work)
    took = round((time.monotonic() - began) * 1000)
    with transaction():
        outcomes.note(work.execution_id, work.phase, outcomes.Said(outcome, at, took, work.ready.masks))
    return True


def renew(execution_ids: list[int]) -> None:
    """They are still being worked on here."""
    with transaction():
        session.execute(update(Execution).where(
            Execution.id.in_(execution_ids), Execution.lease_owner == owner(), Execution.lease_until.is_not(None)).values(
            lease_until=clock.now() + LEASE).execution_options(synchronize_session=False))


def _claim(execution_id: int) -> Work | None:
    """Ours by compare-and-set; approval, right and time are asked again in the same transaction."""
    now, seen = clock.now(), newest()
    result = session.execute(update(Execution).where(
        Execution.id == execution_id, Execution.next_at <= now, Execution.lease_until.is_(None)).values(
        lease_until=now + LEASE, lease_owner=owner()).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    execution = session.get_one(Execution, execution_id, populate_existing=True)
    if (shadow := _shadow(execution)) is not None:
        _withhold(execution, shadow, now)
        return None
    if execution.state == "pending" and not _begin(execution, now):
        return None
    if execution.state == "running" and execution.deadline_at is not None and execution.deadline_at <= now:
        outcomes.time_over(execution)
        return None
    try:
        return Work(execution.id, execution.phase, _ready(execution, now), dict(execution.handle), seen)
    except (ValueError, Unreadable) as fault:
        if not executions.end(execution, executions.Result("failed", error=str(fault))):
            outcomes.note(execution.id, execution.phase, outcomes.Said(Rejected(str(fault)), now, 0, ()))
        return None


def _shadow(execution: Execution) -> Shadow | None:
    """The shadow of its incident, or of the team for which it runs."""
    incident, since = execution.incident, execution.created_at
    return (shadows.of_incident(incident, since) if incident is not None else None) or shadows.of_team(
        execution.team_id, since)


def _withhold(execution: Execution, shadow: Shadow, now: datetime) -> None:
    """It ends here, called or not; what was begun outside goes on there, unseen."""
    note(shadow, Held(f"execution:{execution.id}", now, "runbook", execution.runbook.target,
                      f"started by {execution.started_name}", whom=execution.runbook.name, incident=execution.incident,
                      team_id=execution.team_id))
    begun = "" if execution.calling_at is None and not execution.handle else "; what it began may still go on"
    if not executions.end(execution, executions.Result("cancelled", error=f"Not run, {shadow.words}{begun}")):
        execution.next_at = execution.lease_until = execution.lease_owner = None


def _begin(execution: Execution, now: datetime) -> bool:
    """From waiting to running, if it is still approved and whoever started it still may."""
    if why := executions.still_wanted(execution):
        executions.end(execution, executions.Result("failed", error=why))
        return False
    document = queries.version_of(execution.runbook_id, execution.version).document
    execution.state, execution.started_at = "running", now
    execution.deadline_at = now + executions.timeout_of(document)
    executions.tell(executions.events.STARTED, execution)
    return True


def _ready(execution: Execution, now: datetime) -> requests.Ready:
    """Everything rendered. Raises ValueError with a sentence."""
    document = queries.version_of(execution.runbook_id, execution.version).document
    wanted = queries.secrets_named(document)
    values = vault.values(wanted, execution.runbook.team_id)
    if missing := sorted(wanted - values.keys()):
        raise ValueError(f"It names secrets that are not there: {', '.join(missing)}")
    back = f"{current_app.config['BASE_URL']}/runbooks/callback/{executions.token_of(execution)}"
    given = requests.Given(document, executions.given(execution), execution.subject, values, execution.key,
                           str(execution.id), back if document["wait_for"] == "callback" else "")
    left = (execution.deadline_at - now).total_seconds() if execution.deadline_at else float(rules.DEFAULT_TIMEOUT)
    found = requests.ready(given, timeout=left)
    execution.warnings = list(found.warnings)
    return found


def _leaves(work: Work) -> bool:
    """Note that the request leaves now: from here on a crash means that its outcome is unknown."""
    with transaction():
        result = session.execute(update(Execution).where(
            Execution.id == work.execution_id, Execution.state == "running", Execution.lease_owner == owner()).values(
            calling_at=clock.now()).execution_options(synchronize_session=False))
        ours = isinstance(result, CursorResult) and result.rowcount == 1
    session.remove()
    return ours


def _call(work: Work) -> Outcome | Exception:
    """The one place where something acts outside."""
    target: Any = work.ready.target
    if begun_since(work.shadows):
        return Retry(JUST_NOW, after=1)
    try:
        if work.phase == "follow":
            return _outcome(target.follow(work.handle, work.ready.config))
        if work.phase == "cancel":
            target.cancel(work.handle, work.ready.config)
            return Outcome("running")
        return _outcome(target.run(work.ready.step, work.ready.config))
    except (Retry, Rejected, NoAccess) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; nobody knows what it did before
        FAULTS.labels(target.slug).inc()
        # Not the fault's own words: they may hold a secret.
        log.error("target.failed", target=target.slug, execution=work.execution_id, fault=type(fault).__name__,
                  trace="".join(format_tb(fault.__traceback__)))
        return Rejected(f"The target {target.name} has a fault ({type(fault).__name__})")


def _outcome(said: Any) -> Outcome:
    if not isinstance(said, Outcome):
        raise TypeError("a target answers with an Outcome")
    return said
