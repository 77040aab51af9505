"""What escalation does because time passed: due levels, ended snoozes, incidents without a run.

Each looks for what is due without a lock, then works on it by `isolated`: whatever is wrong with one incident, the others
are paged in time, and that one goes on with its next level.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.isolation import isolated
from app.core.metrics import LATE as LATENESS
from app.escalation import holds, queries, service, stumbles, turns
from app.escalation.models import Hold, Run
from app.incidents import service as incidents
from app.incidents.models import Incident

BATCH = 50
INSIST = timedelta(minutes=60)
LATE = timedelta(seconds=5)


def _keys(query: Select[tuple[int]]) -> list[int]:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return list(session.scalars(query.limit(BATCH)))
    finally:
        session.rollback()


def _claimed(query: Select[Any]) -> Select[Any]:
    """Row locks: any number of processes may work at once."""
    return query.with_for_update(skip_locked=True).execution_options(populate_existing=True)


def advance() -> int:
    """Page the next level of every due run."""
    done = 0
    while keys := _keys(select(Run.id).where(_due()).order_by(Run.next_at, Run.id)):
        moved = isolated(keys, _advance, stumbles.stumble)
        done += moved
        if len(keys) < BATCH or not moved:
            break
    return done


def _due() -> ColumnElement[bool]:
    return and_(Run.state == "running", Run.next_at <= clock.now())


def _advance(keys: Sequence[int]) -> int:
    batch = session.execute(_claimed(
        select(Run, Incident).join(Incident, Incident.id == Run.incident_id).where(Run.id.in_(keys), _due())
        .order_by(Run.next_at, Run.id))).all()
    turns.lock(level for run, _ in batch for level in run.levels)
    for run, incident in batch:
        LATENESS.labels("escalation").observe(max(0.0, (clock.now() - run.next_at).total_seconds()) if run.next_at else 0.0)
        _step(run, incident)
    return len(batch)


def _step(run: Run, incident: Incident) -> None:
    """An acknowledged, resolved or snoozed incident needs no further page: its run ends here at the latest."""
    if incident.status != "triggered" or incident.snoozed_until is not None:
        run.state, run.ended_at = "voided", clock.now()
        return
    service.advance(run, incident)


def end_snoozes() -> int:
    """A snooze whose time is over pages from the first level."""
    return isolated(_keys(select(Incident.id).where(_snooze_over())), _end_snoozes, _begin_anyway)


def _snooze_over() -> ColumnElement[bool]:
    return and_(Incident.snoozed_until <= clock.now(), Incident.status == "triggered")


def _end_snoozes(keys: Sequence[int]) -> int:
    over = session.scalars(_claimed(select(Incident).where(Incident.id.in_(keys), _snooze_over()))).all()
    for incident in over:
        incidents.end_snooze(incident)
        service.void(incident)
        service.start(incident)
    return len(over)


def end_holds() -> int:
    """What held pages is looked at when its time has come: what is still open is then paged, or held by the next cause."""
    return isolated(_keys(select(Hold.incident_id).where(_hold_over()).order_by(Hold.next_at, Hold.id)), _end_holds,
                 _begin_anyway)


def _hold_over() -> ColumnElement[bool]:
    return and_(Hold.ended_at.is_(None), Hold.next_at <= clock.now())


def _end_holds(keys: Sequence[int]) -> int:
    due = session.execute(_claimed(
        select(Hold, Incident).join(Incident, Incident.id == Hold.incident_id).where(Incident.id.in_(keys), _hold_over())
        .order_by(Hold.next_at, Hold.id))).all()
    for hold, incident in due:
        if incident.status != "triggered" or incident.snoozed_until is not None:
            holds.end(hold, incident, by=SYSTEM, told=False)
        elif service.start(incident) is None and hold.ended_at is None and hold.next_at <= clock.now():
            hold.next_at = clock.now() + LATE
    return len(due)


def start_missing() -> int:
    """A triggered incident that nobody escalates is started: whatever was lost on the way, nobody is forgotten."""
    return isolated(_keys(select(Incident.id).where(_missing())), _start_missing, _begin_anyway)


def _missing() -> ColumnElement[bool]:
    run = exists().where(Run.incident_id == Incident.id, Run.started_at >= Incident.triggered_at)
    held = exists().where(Hold.incident_id == Incident.id, Hold.ended_at.is_(None))
    return and_(Incident.status == "triggered", Incident.snoozed_until.is_(None), ~run, ~held, ~Incident.quiet,
                Incident.triggered_at < clock.now() - LATE)


def _start_missing(keys: Sequence[int]) -> int:
    found = session.scalars(_claimed(select(Incident).where(Incident.id.in_(keys), _missing()))).all()
    for incident in found:
        service.void(incident)
        service.start(incident)
    return len(found)


def insist() -> int:
    """A critical incident that even the catch-all could not hand over is paged again every 60 minutes."""
    return isolated(_keys(select(Incident.id).where(_unheard())), _insist, _begin_anyway)


def _unheard() -> ColumnElement[bool]:
    any_run, last = aliased(Run), aliased(Run)
    newest = (select(func.max(any_run.id)).where(any_run.incident_id == Incident.id)
              .correlate(Incident).scalar_subquery())
    given_up = exists().where(last.id == newest, last.state == "exhausted", last.catch_all,
                              last.ended_at < clock.now() - INSIST)
    return and_(Incident.status == "triggered", Incident.severity == "critical", Incident.snoozed_until.is_(None), given_up)


def _insist(keys: Sequence[int]) -> int:
    found = session.scalars(_claimed(select(Incident).where(Incident.id.in_(keys), _unheard()))).all()
    for incident in found:
        service.start(incident, policy=queries.catch_all())
    return len(found)


def _begin_anyway(key: int, fault: Exception) -> None:
    """It could not be started as usual: nothing holds it any more, and its levels are gone through one by one."""
    stumbles.begin_anyway(incidents.lock(key), fault)
