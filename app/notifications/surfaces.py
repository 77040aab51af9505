"""Posts that agree with their incident: a page that was sent, and one for each room. Never in the way of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, or_, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.isolation import words
from app.core.lanes import kept
from app.core.metrics import FAULTS
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.incidents.models import Incident
from app.notifications import accounts, compose, room_posts, threads
from app.notifications.channel_models import Room, Surface
from app.notifications.models import Message
from app.plugin_api import Address, NoAccess, Receipt, Refused, Rejected, Retry
from app.plugin_api import Message as Outgoing
from app.shadow import queries as shadows
from app.shadow.service import Held, note

log = structlog.get_logger()
LEASE, EACH_NOTE = timedelta(seconds=60), timedelta(seconds=10)
WAITS = (2, 5, 15, 60, 300)


@dataclass(frozen=True)
class Refresh:
    """One post to bring up to date; `said` are those of its notes that stand in the thread by now."""

    surface_id: int
    outgoing: Outgoing
    address: Address
    receipt: Receipt
    until: datetime
    route: accounts.Route | Exception
    shadows: int
    changed: bool = True
    notes: tuple[tuple[int, str], ...] = ()
    people: Sequence[str] | None = None
    said: list[int] = field(default_factory=list)


def stale(incident: Incident) -> bool:
    """Something about the incident changed: all its posts are due. Says whether there are any."""
    result = session.execute(update(Surface).where(Surface.incident_id == incident.id).values(
        next_at=clock.now(), attempts=0))
    return bool(isinstance(result, CursorResult) and result.rowcount)


def post(incident: Incident) -> bool:
    """A post in each room of its team and service, made when its turn comes; a repeat creates nothing."""
    if incident.team_id is None:
        return False
    rooms = session.scalars(select(Room).where(
        Room.team_id == incident.team_id, Room.removed_at.is_(None), Room.schedule_id.is_(None),
        or_(Room.service_id.is_(None), Room.service_id == incident.service_id)))
    return bool(room_posts.place(incident, rooms))


def due(limit: int) -> list[int]:
    """Ids of posts that are due, oldest first."""
    return list(session.scalars(select(Surface.id).where(
        Surface.next_at <= clock.now(), or_(Surface.lease_until.is_(None), Surface.lease_until < clock.now())).order_by(
        Surface.next_at).limit(limit)))


def refresh(surface_id: int) -> bool:
    """Claim, call, record. Says whether the post was ours."""
    with transaction():
        claim = _claim(surface_id)
    session.remove()
    if claim is None:
        return False
    outcome = _call(claim)
    kept(lambda: _record(claim, outcome))
    return True


def postpone(surface_id: int, fault: Exception) -> None:
    """A fault of ours before or after the call: it counts as a failed attempt, and the other posts go on."""
    with transaction():
        surface = session.get(Surface, surface_id, populate_existing=True, with_for_update=True)
        if surface is not None and surface.next_at is not None:
            surface.lease_until = surface.next_at = None
            surface.attempts += 1
            _failed(surface, Retry(words(fault)))


def _claim(surface_id: int) -> Refresh | None:
    now, seen = clock.now(), newest()
    result = session.execute(update(Surface).where(
        Surface.id == surface_id, Surface.next_at <= now,
        or_(Surface.lease_until.is_(None), Surface.lease_until < now)).values(
        lease_until=now + LEASE, next_at=now + LEASE, attempts=Surface.attempts + 1).execution_options(
        synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    surface = session.get_one(Surface, surface_id, populate_existing=True)
    incident = session.get_one(Incident, surface.incident_id, populate_existing=True)
    outgoing = _outgoing(surface, incident)
    changed, notes = compose.look(outgoing) != surface.shown, threads.unsaid(surface)
    if not changed and not notes:
        surface.lease_until = surface.next_at = None
        return None
    if (shadow := shadows.of_incident(incident, incident.triggered_at)) is not None:
        _withhold(surface, incident, shadow, now)
        return None
    routes, until = accounts.routes(surface.channel, only=surface.account), now + LEASE + len(notes) * EACH_NOTE
    surface.lease_until = surface.next_at = until
    return Refresh(surface.id, outgoing, Address(surface.address, {}), Receipt(provider_id=surface.provider_id),
                   until, routes if isinstance(routes, Exception) else routes[0], seen, changed,
                   tuple((note.id, f"{note.author_name}: {note.body}") for note in notes),
                   threads.members(incident.id, surface.channel) if surface.own else None)


def _withhold(surface: Surface, incident: Incident, shadow: Shadow, now: datetime) -> None:
    """Neither made nor changed; a post that would have been made is listed."""
    surface.lease_until = surface.next_at = None
    surface.error = shadow.words
    if not surface.provider_id:
        whom = surface.room.name or surface.room.address if surface.room else "a channel of its own"
        note(shadow, Held(f"surface:{surface.id}", now, "post", surface.channel, whom=whom, incident=incident))


def _outgoing(surface: Surface, incident: Incident) -> Outgoing:
    """What the post says now; that of a page keeps the page's name and kind."""
    if surface.message_id is None:
        return compose.posted(incident, f"post-{surface.id}")
    message = session.get_one(Message, surface.message_id)
    return replace(compose.posted(incident, str(message.id)), kind=message.kind)


def _call(claim: Refresh) -> Receipt | Exception | None:
    if isinstance(claim.route, Exception):
        return claim.route
    if begun_since(claim.shadows):
        return Retry(JUST_NOW, after=1)
    channel: Any = claim.route.channel
    config, found = claim.route.config, None
    try:
        if not claim.receipt.provider_id:
            first: Receipt = (channel.send(claim.outgoing, claim.address, config) if claim.people is None
                              else channel.open(claim.outgoing, claim.people, config))
            return first
        if claim.changed:
            found = channel.update(claim.outgoing, claim.address, claim.receipt, config)
        made = found if isinstance(found, Receipt) else None
        for number, text in claim.notes:
            channel.say([text], made or claim.receipt, config)
            claim.said.append(number)
        return made
    except (Retry, Refused, Rejected, NoAccess) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; it is one more failed attempt
        FAULTS.labels(claim.channel).inc()
        log.error("surface.failed", surface_id=claim.surface_id, fault=type(fault).__name__)
        return Retry(f"The channel has a fault ({type(fault).__name__})")


def _record(claim: Refresh, outcome: Receipt | Exception | None) -> None:
    surface = session.get(Surface, claim.surface_id, populate_existing=True, with_for_update=True)
    if surface is not None:
        _settle(surface, claim, outcome)
    if isinstance(claim.route, accounts.Route) and not isinstance(outcome, Refused | Rejected):
        accounts.note(claim.route, outcome if isinstance(outcome, Exception) else None)


def _settle(surface: Surface, claim: Refresh, outcome: Receipt | Exception | None) -> None:
    surface.lease_until = None
    if surface.next_at == claim.until:  # else something changed meanwhile, and it is due again
        surface.next_at = None
    surface.said_id = max([surface.said_id, *claim.said])
    if isinstance(outcome, Exception):
        return _failed(surface, outcome)
    if isinstance(outcome, Receipt) and outcome.provider_id:
        surface.provider_id = outcome.provider_id[:300]
    if isinstance(claim.route, accounts.Route):
        surface.account = claim.route.account
    surface.shown, surface.error, surface.updated_at = compose.look(claim.outgoing), "", clock.now()
    surface.attempts = 0
    if surface.room is not None:
        surface.room.error = ""


def _failed(surface: Surface, outcome: Exception) -> None:
    surface.error = str(outcome)[:300]
    if isinstance(outcome, Retry) and outcome.made is not None:
        surface.provider_id = outcome.made.provider_id[:300]
    if isinstance(outcome, Retry) and surface.attempts <= len(WAITS) and surface.next_at is None:
        wait = max(WAITS[surface.attempts - 1], min(outcome.after or 0, 300))
        surface.next_at = clock.now() + timedelta(seconds=wait)
    elif surface.room is not None:
        surface.room.error = surface.error

