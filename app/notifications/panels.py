"""What notifications adds to the page of an incident: who was paged, by what, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.core.db import session
from app.identity.models import Team
from app.incidents.models import Incident
from app.notifications.models import Message
from app.notifications.queries import messages_of, reachable
from app.oncall.quality import is_night

KINDS = ("page", "request")
PEOPLE, MESSAGES = 30, 8


@dataclass(frozen=True)
class Sent:
    """One message as a tag: the channel, its state, when, and the outcome in words."""

    channel: str
    state: str
    at: datetime | None
    outcome: str


@dataclass
class Paged:
    """One person: why, and their newest messages, oldest first; `earlier` says how many older ones there are."""

    name: str
    reason: str
    messages: list[Sent] = field(default_factory=list)
    earlier: int = 0


@dataclass(frozen=True)
class PagedPeople:
    """Everybody who was paged, in the order of their first message; `more` people are left out."""

    people: list[Paged]
    messages: int
    more: int = 0
    summary: str = ""


def paged_people(incident: Incident) -> PagedPeople:
    """The people of an incident with their messages."""
    messages = [message for message in messages_of(incident) if message.kind in KINDS]
    found: dict[int, Paged] = {}
    for message in messages:
        person = found.setdefault(message.user_id, Paged(message.user.name, _reason(message)))
        person.messages.append(_sent(message))
    for person in found.values():
        person.earlier = max(0, len(person.messages) - MESSAGES)
        del person.messages[:person.earlier]
    people = list(found.values())
    return PagedPeople(people[:PEOPLE], len(messages), max(0, len(people) - PEOPLE), _summary(people))


def _reason(message: Message) -> str:
    level = f"Level {message.level + 1}" if message.level is not None else "Asked to help"
    return f"{level} · {message.reason}" if message.reason else level


def _sent(message: Message) -> Sent:
    at = {"queued": message.next_at, "sending": message.started_at}.get(message.state, message.sent_at or message.started_at)
    return Sent(message.channel, message.state, at if message.state not in ("cancelled", "expired") else None,
                _outcome(message))


def _outcome(message: Message) -> str:
    if message.state == "delivered" and message.delivered_at:
        seconds = max(0, round((message.delivered_at - message.queued_at).total_seconds()))
        return f"delivered {seconds} s" if seconds < 600 else "delivered"
    if message.state == "failed":
        return message.error[:80] or "failed"
    if message.state == "unsent":
        return "not sent, in shadow"
    if message.state == "queued":
        return "tried again" if message.attempts else "waiting"
    return message.state


def _summary(people: list[Paged]) -> str:
    """`Ana paged 3 times`, for the strip."""
    told = []
    for person in people:
        times = person.earlier + sum(one.state in ("sent", "delivered") for one in person.messages)
        if times:
            told.append(f"{person.name} paged {'once' if times == 1 else f'{times} times'}")
    return ", ".join(told[-2:])


def team_health(team: Team) -> list[tuple[str, str]]:
    """Those in the team who would be paged and can't be reached."""
    people = [member.user for member in team.memberships if member.role != "observer" and member.user.is_active]
    found = reachable([person.id for person in people])
    lost = sorted(person.name for person in people if person.id not in found)
    return [("Unproven contacts", f"{', '.join(lost)} can't be paged: no contact method is proven")] if lost else []


def pages_at_night(asked: tuple[Mapping[int, ZoneInfo], datetime, datetime]) -> dict[int, tuple[int, int]]:
    """By whom incidents were told between two instants: how many, and how many of those at night in their zone."""
    zones, since, until = asked
    first = func.min(Message.sent_at)
    query = select(Message.user_id, first).where(Message.kind == "page", Message.user_id.in_(zones)).group_by(
        Message.user_id, Message.incident_id).having(first >= since, first < until)
    found: dict[int, tuple[int, int]] = {}
    for person, at in session.execute(query):
        pages, nights = found.get(person, (0, 0))
        found[person] = pages + 1, nights + is_night(at, zones[person])
    return found
