"""What workflows do because time passed: due steps, ages, schedules, limits, and facts that no subscription names."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import Select, String, cast, func, or_, select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import AWAY, session, transaction
from app.core.events import Event, caused_by
from app.core.forms import duration
from app.core.lanes import Lane, drained, looked
from app.core.retention import Kept
from app.core.schedules import next_time
from app.core.worker import alive
from app.incidents.models import Incident
from app.workflows import matching, running, working
from app.workflows.models import Workflow, WorkflowCursor, WorkflowRun, WorkflowStep
from app.workflows.running import Cause

log = structlog.get_logger()
THREADS, BATCH = 8, 200
LOG, LATE = "log", timedelta(seconds=30)


def work() -> int:
    """Do whatever is due, several steps at a time. Runs in clocks and never in workers, so that no page waits for it."""
    if not looked(working.due, 1):
        return 0
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(THREADS, "workflow") as pool:
        return drained(Lane(app, pool, THREADS * 2, working.due, work=working.work, failed=working.failed))


def limit() -> int:
    """End the runs that were at work for too long, each by itself."""
    keys = looked(_over, BATCH)
    for key in keys:
        with transaction():
            run = running.held(key)
            if run is not None and run.ended_at is None and run.deadline_at is not None and run.deadline_at <= clock.now():
                running.cancel(run, "timed_out", f"It was at work for more than {run.version.definition['timeout']}")
    return len(keys)


def _over(limit: int) -> list[int]:
    return list(session.scalars(select(WorkflowRun.id).where(
        WorkflowRun.deadline_at <= clock.now(), WorkflowRun.ended_at.is_(None)).order_by(WorkflowRun.id).limit(limit)))


def ages() -> int:
    """Incidents that have reached an age that a workflow waits for. Each moment is looked at once, by one clock."""
    begun = 0
    for key in _keys(Workflow.event == "age"):
        with transaction():
            begun += _aged(key)
    return begun


def _keys(*wanted: object) -> list[int]:
    try:
        return list(session.scalars(select(Workflow.id).where(
            Workflow.enabled, Workflow.archived_at.is_(None), *wanted)))  # type: ignore[arg-type]
    finally:
        session.rollback()


def _aged(key: int) -> int:
    workflow = session.get(Workflow, key, with_for_update=True, populate_existing=True)
    if workflow is None or not workflow.enabled or workflow.age_until is None:
        return 0
    trigger = workflow.trigger
    age, now = timedelta(seconds=duration(trigger["after"])), clock.now()
    found = session.scalars(select(Incident).where(
        Incident.opened_at > workflow.age_until - age, Incident.opened_at <= now - age).order_by(Incident.id))
    begun = [run for incident in found if (run := matching.of_age(workflow, trigger, incident)) is not None]
    workflow.age_until = now
    return len(begun)


def schedules() -> int:
    """Workflows whose time has come; what was missed while nothing ran is made up for once."""
    keys = _keys(Workflow.next_at <= clock.now())
    for key in keys:
        with transaction():
            _scheduled(key)
    return len(keys)


def _scheduled(key: int) -> None:
    workflow = session.get(Workflow, key, with_for_update=True, populate_existing=True)
    now = clock.now()
    if workflow is None or not workflow.enabled or workflow.next_at is None or workflow.next_at > now:
        return
    due, trigger = workflow.next_at, workflow.trigger
    workflow.next_at = next_time(trigger["cron"], trigger.get("time_zone") or "UTC", now)
    if workflow.team is not None and workflow.team.archived_at is not None:
        return  # nobody answers for it meanwhile; what passes is not made up for
    said = {"kind": "schedule", "actor": SYSTEM.name, "at": clock.rfc3339(due), "from": None, "to": None}
    running.begin(workflow, None, Cause(f"schedule:{due:%Y-%m-%dT%H:%M:%S}", "its time has come", said))


def hear() -> int:
    """Facts that workflows wait for by name and no subscription brings. The last half minute is looked at again, since a
    fact of an earlier number may be committed later; the same fact begins nothing twice."""
    with transaction():
        kinds, cursor = matching.wanted_kinds(), _cursor()
        facts = matching.facts_of(kinds, cursor.event_id, BATCH) if kinds else []
        keys, known = [fact.id for fact in facts], _settled(cursor.event_id, facts)
        if not keys:
            cursor.event_id = known
    if not keys:
        return 0
    begun = _considered(keys)
    with transaction():
        cursor = _cursor()
        cursor.event_id = max(cursor.event_id, known)
    return begun


def _cursor() -> WorkflowCursor:
    cursor = session.get(WorkflowCursor, LOG, with_for_update=True)
    if cursor is None:
        cursor = WorkflowCursor(name=LOG, event_id=session.scalar(select(func.max(Event.id))) or 0)
        session.add(cursor)
    return cursor


def _considered(keys: list[int]) -> int:
    """All in one transaction; where one of them raises, each in its own, and that one is passed over."""
    try:
        return _begun(keys)
    except AWAY:
        raise
    except Exception:
        log.exception("facts.failed_together", facts=len(keys))
        return sum(_begun_alone(key) for key in keys)


def _begun_alone(key: int) -> int:
    try:
        return _begun([key])
    except AWAY:
        raise
    except Exception:
        log.exception("fact.failed", event_id=key)
        return 0


def _begun(keys: Iterable[int]) -> int:
    begun = 0
    with transaction():
        for fact in session.scalars(select(Event).where(Event.id.in_(list(keys))).order_by(Event.id)).all():
            with caused_by(fact):
                begun += len(matching.consider(fact))
    return begun


def _settled(known: int, facts: list[Event]) -> int:
    """Up to where nothing can come any more."""
    if len(facts) == BATCH:
        return facts[-1].id
    old = session.scalar(select(Event.id).where(Event.at < clock.now() - LATE).order_by(Event.at.desc()).limit(1))
    return max(known, old or 0)


def release_dead() -> int:
    """At a start: steps that a dead process of this machine had claimed are due at once."""
    with transaction():
        owners = session.scalars(select(WorkflowStep.lease_owner).where(
            WorkflowStep.state == "running",
            WorkflowStep.lease_owner.startswith(f"{socket.gethostname()}:")).distinct()).all()
        dead = [one for one in owners if one is not None and not alive(one)]
        if not dead:
            return 0
        result = session.execute(update(WorkflowStep).where(
            WorkflowStep.state == "running", WorkflowStep.lease_owner.in_(dead)).values(next_at=clock.now()))
    return int(result.rowcount)


def _told(before: datetime) -> Select[Any]:
    return select(WorkflowStep.id).join(WorkflowRun).where(WorkflowRun.ended_at < before, TOLD)


def _empty(ids: Sequence[int]) -> None:
    session.execute(update(WorkflowStep).where(WorkflowStep.id.in_(ids)).values(
        output={}, request={}, response={}).execution_options(synchronize_session=False))


TOLD = or_(*(cast(part, String) != "{}" for part in (WorkflowStep.output, WorkflowStep.request, WorkflowStep.response)))
OUTPUTS = Kept("run_outputs", "Requests, answers and outputs of workflows’ steps", "The runs, their states and errors stay.",
               "RUN_DAYS", select(WorkflowStep.id), _told, _empty)
