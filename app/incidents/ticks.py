"""What incidents do because time passed: updates that are due."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.incidents import room
from app.incidents.models import Incident


def remind_of_updates() -> int:
    """Whoever speaks for an incident is reminded that an update is due."""
    due = list(session.scalars(select(Incident.id).where(Incident.update_due_at <= clock.now()).limit(50)))
    session.rollback()
    for number in due:
        with transaction():
            incident = room.moves.lock(number)
            if incident.update_due_at and incident.update_due_at <= clock.now():
                room.remind(incident)
    return len(due)
