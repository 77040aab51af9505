"""What holds the pages of an incident: a window, something it depends on, or a delay. Held is visible, and ends by time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, exists, select, update

from app.catalog import window_queries, windows
from app.catalog.noise import noise
from app.catalog.queries import dependency_edges
from app.catalog.rules import distances
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.events import record
from app.core.isolation import FAILS_ALL
from app.core.jobs import wake
from app.escalation import events
from app.escalation.models import Hold, Run
from app.incidents.models import Incident
from app.incidents.rules import OPEN

log = structlog.get_logger()
STEPS = 5
TICK = "app.escalation.ticks.end_holds"


@dataclass(frozen=True)
class Cause:
    """Why pages wait now, and when that is looked at again at the latest."""

    kind: str
    reason: str
    until: datetime
    source: str = ""


def cause(incident: Incident, at: datetime) -> Cause | None:
    """What holds its pages at `at`: an open window, a dependency that is down, or the delay before the first page."""
    try:
        return _window(incident, at) or _dependency(incident, at) or _delay(incident, at)
    except FAILS_ALL:
        raise
    except Exception:  # what can't be worked out holds nobody's page
        log.exception("hold.failed", incident=incident.id)
        return None


def _window(incident: Incident, at: datetime) -> Cause | None:
    concern = windows.Concern(incident.service_id, incident.team_id, str((incident.route or {}).get("integration", "")),
                              incident.labels or {}, incident.title)
    found = window_queries.holding(concern, at, severity=incident.severity)
    if found is None:
        return None
    window, until = found
    words = f"maintenance {window.name}" if window.kind == "maintenance" else f"silenced: {window.reason}"
    return Cause(window.kind, words, until, window.ref)


def _dependency(incident: Incident, at: datetime) -> Cause | None:
    """An open incident of severity high or above, at most 5 steps down, that is not held itself."""
    settings = noise(incident.service.noise) if incident.service else noise(None)
    until = incident.opened_at + timedelta(seconds=settings.dependency_hold)
    if until <= at or (incident.severity == "critical" and not settings.dependency_hold_critical) or _paged(incident):
        return None
    near = distances(dependency_edges(), incident.service_id or 0)
    below = [key for key, steps in near.items() if steps <= STEPS]
    held = exists().where(Hold.incident_id == Incident.id, Hold.ended_at.is_(None))
    parent = session.scalar(select(Incident).where(
        Incident.service_id.in_(below), Incident.status.in_(OPEN), Incident.severity.in_(("critical", "high")),
        ~Incident.test, ~held, Incident.id != incident.id).order_by(Incident.id).limit(1))
    if parent is None or parent.service is None:
        return None
    return Cause("dependency", f"it depends on {parent.service.name}, where #{parent.id} is open", until, parent.ref)


def _delay(incident: Incident, at: datetime) -> Cause | None:
    """What a route says counts for every severity; what a service says, for all but critical."""
    by_route = int((incident.route or {}).get("delay") or 0)
    own = noise(incident.service.noise).delay if incident.service and incident.severity != "critical" else 0
    until = incident.opened_at + timedelta(seconds=max(by_route, own))
    if until <= at or _paged(incident):
        return None
    return Cause("delay", "the first page waits, in case it passes by itself", until)


def _paged(incident: Incident) -> bool:
    return session.scalar(select(Run.id).where(Run.incident_id == incident.id).limit(1)) is not None


def current(incident_id: int) -> Hold | None:
    """What holds the incident's pages now."""
    return session.scalar(select(Hold).where(Hold.incident_id == incident_id, Hold.ended_at.is_(None)))


def hold(incident: Incident) -> Hold | None:
    """Keep its pages back while there is a cause for it; None when there is none. The incident must be locked or new."""
    now, found = clock.now(), current(incident.id)
    why = cause(incident, now)
    if why is None:
        if found is not None:
            end(found, incident, by=SYSTEM)
        return None
    if found is None:
        found = Hold(incident_id=incident.id, kind=why.kind, source=why.source, reason=why.reason[:300], next_at=why.until)
        session.add(found)
    elif (found.kind, found.source) == (why.kind, why.source):
        found.next_at = why.until
        return found
    found.kind, found.source, found.reason, found.next_at = why.kind, why.source, why.reason[:300], why.until
    session.flush()
    record(events.HELD, incident.ref, by=SYSTEM, also=["incidents"], reason=found.reason, hold=why.kind,
           until=clock.rfc3339(why.until), source=why.source)
    return found


def end(found: Hold, incident: Incident, *, by: Actor, told: bool = True) -> None:
    """It is over; `told` says so in the timeline."""
    found.ended_at = clock.now()
    session.flush()
    if told:
        record(events.RELEASED, incident.ref, by=by, also=["incidents"], reason=found.reason, hold=found.kind)


def drop(incident: Incident, *, by: Actor = SYSTEM) -> None:
    """Somebody has it, it is over, or it is paged by hand: nothing is held any more."""
    found = current(incident.id)
    if found is not None:
        end(found, incident, by=by, told=False)


def look_again(source: str) -> None:
    """What is held because of `source` may not have to be any more: it is looked at now."""
    _hurry(Hold.source == source)


def _hurry(which: ColumnElement[bool]) -> None:
    changed = session.execute(update(Hold).where(which, Hold.ended_at.is_(None)).values(next_at=clock.now()),
                              execution_options={"synchronize_session": False})
    if changed.rowcount:
        wake(TICK)


def look_again_at(incident_id: int) -> None:
    """What holds this incident is looked at now."""
    _hurry(Hold.incident_id == incident_id)
