"""Rooms as configuration says them: found, written down, saved, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from app.catalog.models import Service
from app.catalog.queries import service_by_key
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, free_key
from app.identity.models import Team
from app.identity.queries import allow, team_named, uses, visible_teams
from app.notifications import accounts, events
from app.notifications.channel_models import Room
from app.oncall.models import Schedule
from app.oncall.queries import schedule_by_key

Values = Mapping[str, Any]
HIDDEN = "://"
"""An address at which whoever knows it may post is a secret: it is never written out."""


def room_by_key(key: str) -> Room | None:
    """The room of this key that is in use, in any letter case."""
    return session.scalar(select(Room).where(Room.key == key.lower(), Room.removed_at.is_(None)))


def visible(by: Actor) -> Select[Any]:
    """The rooms in use of the teams that this person may see."""
    query, teams = select(Room).where(Room.removed_at.is_(None)), visible_teams(by)
    return query if teams is None else query.where(Room.team_id.in_(teams))


def room_document(room: Room) -> dict[str, Any]:
    """As the configuration document writes it; an address that is a secret is left empty."""
    return room_documents([room])[0]


def room_documents(rooms: Sequence[Room]) -> list[dict[str, Any]]:
    """The same of many."""
    teams, services, schedules = (
        {key: name for key, name in session.execute(select(model.id, model.key).where(model.id.in_(ids)))}  # type: ignore[attr-defined]
        for model, ids in ((Team, [one.team_id for one in rooms]), (Service, [one.service_id for one in rooms]),
                           (Schedule, [one.schedule_id for one in rooms])))
    return [{"key": room.key, "name": room.name, "team": teams[room.team_id],
             "service": services.get(room.service_id), "schedule": schedules.get(room.schedule_id),
             "channel": room.channel, "account": room.account,
             "address": None if HIDDEN in room.address else room.address} for room in rooms]


def save_room(values: Values, *, by: Actor) -> Room:
    """Create or change the room of this key; left-out fields stay. A new one without a key gets one from its name."""
    problems, key = Problems(), str(values.get("key") or "").lower()
    room = session.scalar(select(Room).where(Room.key == key)) if key else None
    known = room is not None and room.removed_at is None
    if room is not None:
        allow(by, "team.edit", team_id=room.team_id)
    with session.no_autoflush:
        room = room or Room(channel="", address="", name="", account="", service_id=None, schedule_id=None)
        before, former = (room_document(room), room.address) if known else (None, "")
        _of_team(room, values, problems, by)
        problems.raise_if_any()
        allow(by, "team.edit", team_id=room.team_id)
        _fill(room, values, problems)
        _place(room, values, problems)
        if not room.key:
            wanted = problems.take("key", check_key, key) if key else free_key(room.name or room.channel, "room", _taken)
            room.key = wanted or ""
        _refuse_twice(room, problems)
        problems.raise_if_any()
    room.removed_at = None
    session.add(room)
    session.flush()
    shown, team = {"room": room.name or room.key, "channel": room.channel}, f"team:{room.team_id}"
    if before is None:
        record(events.ROOM_ADDED, team, by=by, **shown)
    elif (before, former) != (room_document(room), room.address):
        record(events.ROOM_CHANGED, room.ref, by=by, also=[team], **shown, before=before, after=room_document(room))
    return room


def finish(room: Room, values: Values, *, by: Actor) -> None:
    """The service, which is there by now."""
    if "service" in values:
        save_room({"key": room.key, "service": values["service"]}, by=by)


def _taken(key: str) -> bool:
    return session.scalar(select(Room.id).where(Room.key == key)) is not None


def _of_team(room: Room, values: Values, problems: Problems, by: Actor) -> None:
    if "team" in values or room.team_id is None:
        team = team_named(values.get("team"), by)
        if team is None:
            problems.add("team", f"There is no team {values['team']}" if values.get("team") else "Choose a team")
        elif team.id != room.team_id:
            room.team_id, room.service_id, room.schedule_id = team.id, None, None


def _fill(room: Room, values: Values, problems: Problems) -> None:
    if "channel" in values or not room.channel:
        room.channel = str(values.get("channel") or "")
        offer = accounts.registry().channels.get(room.channel)
        if offer is None or "room" not in offer.can:
            problems.add("channel", "Choose a channel that has rooms")
    for name, most in (("name", 120), ("account", 80)):
        if values.get(name) is not None:
            setattr(room, name, problems.take(name, check_text, values[name], most=most) or "")
    known = {route.account for route in accounts.all_routes(room.channel)}
    if values.get("account") and room.account not in known:
        problems.add("account", f"There is no account {room.account} of {room.channel} here: leave it out, and any posts")
    if values.get("address") or not room.address:
        room.address = problems.take("address", check_text, values.get("address") or "", most=2000) or ""
        if not room.address:
            problems.add("address", "Name the room as the channel does")


def _place(room: Room, values: Values, problems: Problems) -> None:
    """Of which service, or which schedule's hand-offs: both are the team's, and only one."""
    if "service" in values:
        service = service_by_key(values["service"]) if values["service"] else None
        if values["service"] and (service is None or service.team_id != room.team_id):
            problems.add("service", f"There is no service {values['service']} of this team")
        room.service_id = service.id if service else None
    if "schedule" in values:
        schedule = schedule_by_key(values["schedule"]) if values["schedule"] else None
        if values["schedule"] and (schedule is None or schedule.team_id != room.team_id):
            problems.add("schedule", f"There is no schedule {values['schedule']} of this team")
        room.schedule_id = schedule.id if schedule else None
    if room.schedule_id and room.service_id:
        problems.add("schedule", "Name a schedule, or a service, but not both")


def _refuse_twice(room: Room, problems: Problems) -> None:
    same = select(Room.id).where(Room.team_id == room.team_id, Room.service_id == room.service_id, Room.id != (room.id or 0),
                                 Room.channel == room.channel, Room.address == room.address)
    if room.service_id and session.scalar(same) is not None:
        problems.add("address", "This service has this room already")


def remove_room(room: Room, *, by: Actor) -> None:
    """Nothing more is posted there. Raises Conflict naming the policies that post in it."""
    allow(by, "team.edit", team_id=room.team_id)
    users = [use.name for use in uses("room_used_by", room, by)]
    if users:
        raise Conflict(f"{room.name or room.key} is used by {', '.join(users)}", {"used_by": users})
    room.removed_at = clock.now()
    record(events.ROOM_REMOVED, f"team:{room.team_id}", by=by, room=room.name or room.key, channel=room.channel)
