"""Where an incident is posted: one post in each room, whoever wants it there and however often."""

from __future__ import annotations

from collections.abc import Collection, Iterable

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
    insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    made = session.scalars(insert(Surface).values(fresh).on_conflict_do_nothing(
        index_elements=["incident_id", "room_id"]).returning(Surface.room_id))
    return {key for key in made if key is not None}
