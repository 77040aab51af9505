"""What stands below a post: the notes of its incident, each once and never back where it came from; and an incident's own
channel, opened when somebody wants one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import Event, record
from app.identity.queries import allow
from app.incidents.models import Incident, Note, Responder
from app.incidents.queries import involved
from app.notifications import accounts, events, queries, room_posts
from app.notifications.channel_models import HeardReply, Surface
from app.notifications.models import Message

MOST = 20  # notes at once; what is older stands on the page


def post_of(channel: str, name: str) -> Surface | None:
    """The post that the channel calls so."""
    return session.scalar(select(Surface).where(Surface.provider_id == name, Surface.channel == channel).limit(1))


def newest(incident_id: int) -> int:
    """The last note so far."""
    return session.scalar(select(func.max(Note.id)).where(Note.incident_id == incident_id)) or 0


def unsaid(surface: Surface) -> list[Note]:
    """The notes that a post's thread lacks; a page of one person has none."""
    channel = accounts.registry().channels.get(surface.channel)
    if surface.message_id is not None or channel is None or "thread" not in channel.can or not surface.provider_id:
        return []
    written = session.scalars(select(Note).where(
        Note.incident_id == surface.incident_id, Note.id > surface.said_id).order_by(Note.id.desc()).limit(MOST))
    here = {row.said.get("note") for row in session.scalars(select(HeardReply).where(
        HeardReply.incident_id == surface.incident_id, HeardReply.action == "note", HeardReply.done))
        if row.said.get("post") == surface.provider_id}
    return [note for note in reversed(list(written)) if note.deleted_at is None and note.id not in here]


def open_own(incident: Incident, slug: str, *, by: Actor) -> Surface:
    """A channel for this incident alone, made by the vendor when its turn comes; its people are invited."""
    allow(by, "incident.act", team_id=incident.team_id, involved=involved(incident, by))
    if _private(incident):
        raise Conflict("The incident is of a private team, and a channel of its own could be read by everybody.")
    if slug not in able():
        raise Invalid(problems=[Problem("channel", "Choose a channel that can open one for an incident")])
    made = room_posts.place_own(incident, slug)
    if made is None:
        raise Conflict("It has a channel already.")
    record(events.CHANNEL_OPENED, incident.ref, by=by, also=["incidents"], channel=accounts.registry().channels[slug].name)
    return made


def _private(incident: Incident) -> bool:
    return incident.team is not None and incident.team.private


def able() -> dict[str, str]:
    """The channels that can open one for an incident and have an account: slug and name."""
    return {slug: channel.name for slug, channel in accounts.registry().channels.items()
            if "own" in channel.can and accounts.all_routes(slug)}


def members(incident_id: int, slug: str) -> Sequence[str]:
    """How the channel addresses those who are part of the incident, were paged for it or opened it."""
    openers = session.scalars(select(Event.actor).where(
        Event.subject == f"incident:{incident_id}", Event.kind == events.CHANNEL_OPENED.name))
    people = {*session.scalars(select(Responder.user_id).where(Responder.incident_id == incident_id)),
              *session.scalars(select(Message.user_id).where(Message.incident_id == incident_id)),
              *(int(actor[5:]) for actor in openers if actor.startswith("user:"))}
    return [method.address for found in queries.usable(people).values() for method in found if method.channel == slug]


@dataclass(frozen=True)
class Posts:
    """Where an incident is posted: (channel, place, fault), and the channels (slug, name) that can open one for it."""

    rows: list[tuple[str, str, str]]
    able: list[tuple[str, str]]


def posts(incident: Incident) -> Posts:
    """Rooms and own channels of an incident."""
    names = accounts.registry().channels
    found = list(session.scalars(select(Surface).where(Surface.incident_id == incident.id, Surface.message_id.is_(None))
                                 .order_by(Surface.id)))
    rows = [(names[one.channel].name if one.channel in names else one.channel,
             "its own channel" if one.own else one.room.name or one.room.address if one.room else "", one.error)
            for one in found]
    own = {one.channel for one in found if one.own}
    return Posts(rows, [] if incident.status == "resolved" or _private(incident) else [
        (slug, name) for slug, name in able().items() if slug not in own])
