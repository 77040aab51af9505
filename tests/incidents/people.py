"""Short words of these stories: who acts, what happened, what a page shows."""

from __future__ import annotations

import re

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.events import Event
from app.identity.models import User
from app.incidents.models import Incident


def by(person: User) -> Actor:
    """The person as an actor on the web."""
    return Actor(f"user:{person.id}", person.name, via="web", user_id=person.id)


def kinds(incident: Incident) -> list[str]:
    """What happened to the incident, in order."""
    return list(session.scalars(select(Event.kind).where(Event.subject == incident.ref).order_by(Event.id)))


def rows(html: str) -> list[int]:
    """The numbers of the incidents in a list, in order."""
    return [int(number) for number in re.findall(r'<tr id="row-(\d+)"', html)]
