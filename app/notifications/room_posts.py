"""Where an incident is posted: one post in each room, whoever wants it there and however often."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core import clock
from app.core.db import db, session
from app.incidents.models import Incident
from app.notifications.channel_models import Room, Surface


def post_in(incident: Incident, room_ids: Collection[int]) -> set[int]:
    """A post in each of these rooms that has none of the incident yet; the ids of the rooms that get one now."""
    return place(incident, session.scalars(select(Room).where(Room.id.in_(room_ids), Room.removed_at.is_(None))))


def place(incident: Incident, rooms: Iterable[Room]) -> set[int]:
    """The same for rooms at hand. Whoever else posts there at the same time, the database keeps one."""
    fresh = [{"incident_id": incident.id, "room_id": room.id, "channel": room.channel, "account": room.account,
              "address": room.address, "next_at": clock.now()} for room in sorted(rooms, key=lambda one: one.id)]
    if not fresh:
        return set()
    made = session.scalars(_insert(Surface).values(fresh).on_conflict_do_nothing(
        index_elements=["incident_id", "room_id"]).returning(Surface.room_id))
    return {key for key in made if key is not None}


def place_own(incident: Incident, channel: str) -> Surface | None:
    """A channel of the incident's own, made when its turn comes; None when it has one, or another is faster."""
    made = session.scalar(_insert(Surface).values(
        incident_id=incident.id, channel=channel, address="", own=True, next_at=clock.now())
        .on_conflict_do_nothing().returning(Surface.id))
    return session.get_one(Surface, made) if made is not None else None


def _insert(table: type[Surface]) -> Any:
    """An insert that can leave out what is there, in the database's own words."""
    return (postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert)(table)
