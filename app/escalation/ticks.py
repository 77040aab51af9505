"""What escalation does because time passed: due levels, ended snoozes, incidents without a run."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.escalation import holds, queries, service, turns
from app.escalation.models import Hold, Run
from app.incidents import service as incidents
from app.incidents.models import Incident

BATCH = 50
INSIST = timedelta(minutes=60)
LATE = timedelta(seconds=5)


def advance() -> int:
    """Page the next level of every due run. Claimed by row locks, so any number of processes may run it."""
    done = 0
    while _any_due():
        with transaction():
            batch = _due()
            turns.lock(level for run, _ in batch for level in run.levels)
            for run, incident in batch:
                _step(run, incident)
        done += len(batch)
        if len(batch) < BATCH:
            break
    return done


def _any_due() -> bool:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return session.scalar(select(Run.id).where(Run.state == "running", Run.next_at <= clock.now()).limit(1)) is not None
    finally:
        session.rollback()


def _due() -> list[tuple[Run, Incident]]:
    query = (select(Run, Incident).join(Incident, Incident.id == Run.incident_id)
             .where(Run.state == "running", Run.next_at <= clock.now()).order_by(Run.next_at, Run.id).limit(BATCH)
             .with_for_update(skip_locked=True).execution_options(populate_existing=True))
    return [(run, incident) for run, incident in session.execute(query)]


def _step(run: Run, incident: Incident) -> None:
    """An acknowledged, resolved or snoozed incident needs no further page: its run ends here at the latest."""
    if incident.status != "triggered" or incident.snoozed_until is not None:
        run.state, run.ended_at = "voided", clock.now()
        return
    service.advance(run, incident)


def end_snoozes() -> int:
    """A snooze whose time is over pages from the first level."""
    query = (select(Incident).where(Incident.snoozed_until <= clock.now(), Incident.status == "triggered")
             .limit(BATCH).with_for_update(skip_locked=True))
    with transaction():
        over = list(session.scalars(query))
        for incident in over:
            incidents.end_snooze(incident)
            service.void(incident)
            service.start(incident)
    return len(over)


def end_holds() -> int:
    """What held pages is looked at when its time has come: what is still open is then paged, or held by the next cause."""
    query = (select(Hold, Incident).join(Incident, Incident.id == Hold.incident_id)
             .where(Hold.ended_at.is_(None), Hold.next_at <= clock.now()).order_by(Hold.next_at, Hold.id).limit(BATCH)
             .with_for_update(skip_locked=True).execution_options(populate_existing=True))
    if not _any_held():
        return 0
    with transaction():
        due = [(hold, incident) for hold, incident in session.execute(query)]
        for hold, incident in due:
            if incident.status != "triggered" or incident.snoozed_until is not None:
                holds.end(hold, incident, by=SYSTEM, told=False)
            elif service.start(incident) is None and hold.ended_at is None and hold.next_at <= clock.now():
                hold.next_at = clock.now() + LATE
    return len(due)


def _any_held() -> bool:
    try:
        return session.scalar(select(Hold.id).where(Hold.ended_at.is_(None), Hold.next_at <= clock.now()).limit(1)) is not (
            None)
    finally:
        session.rollback()


def start_missing() -> int:
    """A triggered incident that nobody escalates is started: whatever was lost on the way, nobody is forgotten."""
    run = exists().where(Run.incident_id == Incident.id, Run.started_at >= Incident.triggered_at)
    held = exists().where(Hold.incident_id == Incident.id, Hold.ended_at.is_(None))
    query = (select(Incident).where(Incident.status == "triggered", Incident.snoozed_until.is_(None), ~run, ~held,
                                    ~Incident.quiet, Incident.triggered_at < clock.now() - LATE)
             .limit(BATCH).with_for_update(skip_locked=True, of=Incident))
    with transaction():
        found = list(session.scalars(query))
        for incident in found:
            service.void(incident)
            service.start(incident)
    return len(found)


def insist() -> int:
    """A critical incident that even the catch-all could not hand over is paged again every 60 minutes."""
    any_run = aliased(Run)
    newest = (select(func.max(any_run.id)).where(any_run.incident_id == Incident.id)
              .correlate(Incident).scalar_subquery())
    query = (select(Incident).join(Run, Run.id == newest).where(
        Incident.status == "triggered", Incident.severity == "critical", Incident.snoozed_until.is_(None),
        Run.state == "exhausted", Run.catch_all, Run.ended_at < clock.now() - INSIST)
        .limit(BATCH).with_for_update(skip_locked=True, of=Incident))
    with transaction():
        found = list(session.scalars(query))
        for incident in found:
            service.start(incident, policy=queries.catch_all())
    return len(found)
