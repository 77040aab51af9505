"""Acknowledged and forgotten: after a while whoever has it is asked; silence gives it back to the policy."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from app.catalog.noise import noise
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event, record
from app.core.isolation import each
from app.escalation import events, service
from app.escalation.models import AcknowledgeTimer
from app.identity.models import User
from app.incidents import events as incident_events
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.service import ask, cancel

SILENCE, BATCH, CAUSE = timedelta(minutes=5), 50, "still"
QUESTION = ("You acknowledged this a while ago. Acknowledge it again if you are still on it; else it is paged anew in "
            "5 minutes")


def watch(incident: Incident) -> None:
    """Somebody has it (still): the time until the question begins anew, where its service asks at all."""
    seconds = _seconds(incident)
    cancel(incident, "Whoever has it has answered", kinds=("request",), cause=CAUSE)
    session.execute(delete(AcknowledgeTimer).where(AcknowledgeTimer.incident_id == incident.id))
    if seconds and incident.status == "acknowledged":
        session.add(AcknowledgeTimer(incident_id=incident.id, due_at=clock.now() + timedelta(seconds=seconds)))


def _seconds(incident: Incident) -> int:
    return (noise(incident.service.noise) if incident.service else noise(None)).acknowledge_timeout


def look() -> int:
    """Tick: ask whoever is due, and give back what nobody answered for."""
    return each(_due(), _look, _postpone)


def _look(number: int) -> int:
    incident = incidents.lock(number)
    timer = session.get(AcknowledgeTimer, number, populate_existing=True)
    if timer is None or timer.due_at > clock.now():
        return 0
    if incident.status != "acknowledged" or not _seconds(incident) or _answered(incident, timer):
        watch(incident)
    elif timer.asked_at is None:
        _ask(incident, timer)
    else:
        _lapse(incident, timer)
    return 1


def _postpone(number: int, _fault: Exception) -> None:
    """Nobody could be asked: once more in a minute, and the others meanwhile."""
    session.execute(update(AcknowledgeTimer).where(AcknowledgeTimer.incident_id == number)
                    .values(due_at=clock.now() + timedelta(minutes=1)))


def _due() -> list[int]:
    try:
        return list(session.scalars(select(AcknowledgeTimer.incident_id).where(AcknowledgeTimer.due_at <= clock.now())
                                    .order_by(AcknowledgeTimer.due_at).limit(BATCH)))
    finally:
        session.rollback()


def _answered(incident: Incident, timer: AcknowledgeTimer) -> bool:
    """Whether somebody said so since the question, though no worker has heard of it yet."""
    if timer.asked_at is None:
        return False
    kinds = (incident_events.ACKNOWLEDGED.name, incident_events.STILL_ON_IT.name)
    return session.scalar(select(Event.id).where(Event.subject == incident.ref, Event.kind.in_(kinds),
                                                 Event.at >= timer.asked_at).limit(1)) is not None


def _ask(incident: Incident, timer: AcknowledgeTimer) -> None:
    timer.asked_at, timer.due_at = clock.now(), clock.now() + SILENCE
    key = (incident.acknowledged_by or "").partition("user:")[2]
    person = session.get(User, int(key)) if key else None
    event = record(events.STILL_ASKED, incident.ref, by=SYSTEM, also=["incidents"],
                   people=incident.acknowledged_name or "nobody", until=clock.rfc3339(timer.due_at))
    session.flush()
    if person is not None and person.is_active:
        ask(incident, [person], reason=QUESTION, cause=f"{CAUSE}:{event.id}")


def _lapse(incident: Incident, timer: AcknowledgeTimer) -> None:
    session.delete(timer)
    cancel(incident, "It is paged anew", kinds=("request",), cause=CAUSE)
    record(events.LAPSED, incident.ref, by=SYSTEM, also=["incidents"])
    incidents.unacknowledge(incident, by=SYSTEM)
    service.void(incident)
    service.start(incident)
