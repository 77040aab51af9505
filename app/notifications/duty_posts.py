"""Hand-offs as posts in a schedule's rooms: each is posted once, and never in the way of a page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from flask import current_app
from sqlalchemy import CursorResult, or_, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event, sentence
from app.core.isolation import words
from app.core.lanes import kept
from app.core.shadow import JUST_NOW, begun_since, newest
from app.notifications import accounts
from app.notifications.channel_models import DutyPost, Room
from app.plugin_api import Address, Link, Message, NoAccess, Receipt, Refused, Rejected, Retry
from app.shadow import queries as shadows
from app.shadow.service import Held, note

LEASE = timedelta(seconds=60)
WAITS = (5, 15, 60, 300)


def post(event: Event) -> None:
    """`schedule.handed_over`: one post for each room of the schedule; a repeat creates nothing."""
    schedule = int(event.subject.partition(":")[2])
    known = set(session.scalars(select(DutyPost.room_id).where(DutyPost.event_id == event.id)))
    rooms = session.scalars(select(Room).where(Room.schedule_id == schedule, Room.removed_at.is_(None)))
    text, key = sentence(event), event.data["key"]
    until = f" until {event.data['until'][:16].replace('T', ' ')} UTC" if event.data["until"] else ""
    session.add_all(DutyPost(event_id=event.id, room_id=room.id, text=f"{text}{until}"[:500], key=key)
                    for room in rooms if room.id not in known)


def due(limit: int) -> list[int]:
    """The posts whose turn has come."""
    free = or_(DutyPost.lease_until.is_(None), DutyPost.lease_until < clock.now())
    return list(session.scalars(select(DutyPost.id).where(DutyPost.next_at <= clock.now(), free)
                                .order_by(DutyPost.next_at).limit(limit)))


def send(key: int) -> bool:
    """Claim, call, record. Says whether the post was ours."""
    with transaction():
        seen = newest()
        claimed = _claim(key)
    session.remove()
    if claimed is None:
        return False
    message, address, route = claimed
    outcome = route if isinstance(route, Exception) else _call(message, address, route, seen)
    kept(lambda: _record(key, route, outcome))
    return True


def _claim(key: int) -> tuple[Message, Address, accounts.Route | Exception] | None:
    now = clock.now()
    free = or_(DutyPost.lease_until.is_(None), DutyPost.lease_until < now)
    result = session.execute(update(DutyPost).where(DutyPost.id == key, DutyPost.next_at <= now, free).values(
        lease_until=now + LEASE, attempts=DutyPost.attempts + 1).execution_options(synchronize_session=False))
    if cast(CursorResult[tuple[int]], result).rowcount != 1:
        return None
    post_ = session.get_one(DutyPost, key, populate_existing=True)
    if (shadow := shadows.of_team(post_.room.team_id, _made(post_))) is not None:
        post_.lease_until = post_.next_at = None
        note(shadow, Held(f"duty:{post_.id}", now, "post", post_.room.channel, post_.text,
                          whom=post_.room.name or post_.room.address, team_id=post_.room.team_id))
        return None
    url = f"{current_app.config['BASE_URL']}/schedules/{post_.key}"
    message = Message(id=f"duty-{post_.id}", kind="shift", subject=post_.text, text=post_.text, urgency="low",
                      links=(Link("open", "Open the schedule", url),))
    routes = accounts.routes(post_.room.channel, only=post_.room.account)
    return message, Address(post_.room.address, {}), routes if isinstance(routes, Exception) else routes[0]


def _made(post_: DutyPost) -> datetime:
    """When the hand-off was; now where the log was trimmed meanwhile."""
    return session.scalar(select(Event.at).where(Event.id == post_.event_id)) or clock.now()


def _call(message: Message, address: Address, route: accounts.Route, seen: int) -> Receipt | Exception:
    if begun_since(seen):
        return Retry(JUST_NOW, after=1)
    try:
        return route.channel.send(message, address, route.config)
    except (Retry, Refused, Rejected, NoAccess) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; it is one more failed attempt
        return Retry(f"The channel has a fault ({type(fault).__name__})")


def postpone(key: int, fault: Exception) -> None:
    """A fault of ours before or after the call: it counts as a failed attempt, and the other posts go on."""
    with transaction():
        row = session.get(DutyPost, key, populate_existing=True, with_for_update=True)
        if row is not None:
            row.attempts += 1
            _note(row, Retry(words(fault)))


def _record(key: int, route: accounts.Route | Exception, outcome: Receipt | Exception) -> None:
    _note(session.get_one(DutyPost, key, populate_existing=True), outcome)
    if isinstance(route, accounts.Route) and not isinstance(outcome, Refused | Rejected):
        accounts.note(route, outcome if isinstance(outcome, Exception) else None)


def _note(row: DutyPost, outcome: Receipt | Exception) -> None:
    row.lease_until, row.next_at = None, None
    row.room.error = "" if isinstance(outcome, Receipt) else str(outcome)[:300]
    if isinstance(outcome, Retry) and row.attempts <= len(WAITS):
        row.next_at = clock.now() + timedelta(seconds=max(WAITS[row.attempts - 1], min(outcome.after or 0, 300)))
    row.sent_at = clock.now() if isinstance(outcome, Receipt) else None
