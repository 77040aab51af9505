"""Acknowledged and forgotten: after a while whoever has it is asked; silence gives it back to the policy."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from app.catalog.noise import noise
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import record
from app.escalation import events, service
from app.escalation.models import AcknowledgeTimer
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.service import ask

SILENCE, BATCH = timedelta(minutes=5), 50
QUESTION = ("You acknowledged this a while ago. Acknowledge it again if you are still on it; else it is paged anew in "
            "5 minutes")


def watch(incident: Incident) -> None:
    """Somebody has it (still): the time until the question begins anew, where its service asks at all."""
    settings = noise(incident.service.noise) if incident.service else noise(None)
    session.execute(delete(AcknowledgeTimer).where(AcknowledgeTimer.incident_id == incident.id))
    if settings.acknowledge_timeout and incident.status == "acknowledged":
        session.add(AcknowledgeTimer(incident_id=incident.id,
                                     due_at=clock.now() + timedelta(seconds=settings.acknowledge_timeout)))


def look() -> int:
    """Tick: ask whoever is due, and give back what nobody answered for."""
    done = 0
    for number in _due():
        with transaction():
            incident = incidents.lock(number)
            timer = session.get(AcknowledgeTimer, number, populate_existing=True)
            if timer is None or timer.due_at > clock.now():
                continue
            done += 1
            if incident.status != "acknowledged":
                session.delete(timer)
            elif timer.asked_at is None:
                _ask(incident, timer)
            else:
                _lapse(incident, timer)
    return done


def _due() -> list[int]:
    try:
        return list(session.scalars(select(AcknowledgeTimer.incident_id).where(AcknowledgeTimer.due_at <= clock.now())
                                    .order_by(AcknowledgeTimer.due_at).limit(BATCH)))
    finally:
        session.rollback()


def _ask(incident: Incident, timer: AcknowledgeTimer) -> None:
    timer.asked_at, timer.due_at = clock.now(), clock.now() + SILENCE
    key = (incident.acknowledged_by or "").partition("user:")[2]
    person = session.get(User, int(key)) if key else None
    event = record(events.STILL_ASKED, incident.ref, by=SYSTEM, also=["incidents"],
                   people=incident.acknowledged_name or "nobody", until=clock.rfc3339(timer.due_at))
    session.flush()
    if person is not None and person.is_active:
        ask(incident, [person], reason=QUESTION, cause=f"still:{event.id}")


def _lapse(incident: Incident, timer: AcknowledgeTimer) -> None:
    session.delete(timer)
    record(events.LAPSED, incident.ref, by=SYSTEM, also=["incidents"])
    incidents.unacknowledge(incident, by=SYSTEM)
    service.void(incident)
    service.start(incident)
