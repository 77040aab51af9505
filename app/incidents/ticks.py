"""What incidents do because time passed: updates that are due."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from app.core import clock
from app.core.db import session
from app.core.isolation import each
from app.incidents import moves, room
from app.incidents.models import Incident

AGAIN = timedelta(minutes=1)


def remind_of_updates() -> int:
    """Whoever speaks for an incident is reminded that an update is due."""
    due = list(session.scalars(select(Incident.id).where(Incident.update_due_at <= clock.now())
                               .order_by(Incident.update_due_at).limit(50)))
    session.rollback()
    return each(due, _remind, _postpone)


def _remind(number: int) -> int:
    incident = moves.lock(number)
    if incident.update_due_at and incident.update_due_at <= clock.now():
        room.remind(incident)
    return 1


def _postpone(number: int, _fault: Exception) -> None:
    """Nobody could be reminded: once more in a minute, and the others meanwhile."""
    session.execute(update(Incident).where(Incident.id == number).values(update_due_at=clock.now() + AGAIN))
