"""What the catalogue does because something happened: services that have lost their owner are named."""

from __future__ import annotations

from sqlalchemy import select

from app.catalog import events
from app.catalog.models import Service
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event, record
from app.identity.models import Team


def name_ownerless(event: Event) -> None:
    """`team.archived`: its services that are in use belong to nobody who answers for them now."""
    team = session.get_one(Team, int(event.subject.partition(":")[2]))
    names = list(session.scalars(select(Service.name).where(
        Service.team_id == team.id, Service.lifecycle != "archived").order_by(Service.name)))
    if team.archived_at is not None and names:
        record(events.OWNERLESS, team.ref, by=SYSTEM, also=["services"], team=team.name, names=names, count=len(names))
