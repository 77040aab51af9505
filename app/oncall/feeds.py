"""Commands on the addresses of calendars: made, renewed and revoked by whom they belong to, and read by a token."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.events import record
from app.core.secrets import digest, new_token, open_, seal
from app.identity.models import User
from app.identity.queries import allow
from app.oncall import events
from app.oncall.calendar_models import CalendarFeed
from app.oncall.feed_texts import GONE, subject_of

READ_EVERY = timedelta(minutes=5)
"""How precisely it is kept when a calendar was last read: reading stays cheap."""


def make_feed(what: str, *, by: Actor) -> CalendarFeed:
    """A new address for `me`, `schedule:3` or `team:2`; the one there was before ends at once. Raises NotFound."""
    allow(by, "own.edit")
    user = session.get_one(User, by.user_id)
    subject = subject_of(what, user)
    token = new_token()
    feed = _own(what, user.id) or CalendarFeed(user_id=user.id, what=what)
    feed.token_hash, feed.created_at, feed.last_read_at = digest(token), clock.now(), None
    feed.token_sealed = seal(token, bound_to=f"calendar_feed:{feed.token_hash}")
    session.add(feed)
    session.flush()
    record(events.FEED_MADE, user.ref, by=by, name=subject.name, what=what)
    return feed


def revoke_feed(feed: CalendarFeed, *, by: Actor) -> None:
    """End an address: whoever asks there finds nothing."""
    allow(by, "own.edit")
    if feed.user_id != by.user_id:
        raise NotFound(GONE)
    record(events.FEED_REVOKED, feed.user.ref, by=by, what=feed.what)
    session.delete(feed)
    session.flush()


def _own(what: str, user_id: int) -> CalendarFeed | None:
    return session.scalar(select(CalendarFeed).where(CalendarFeed.user_id == user_id, CalendarFeed.what == what))


def feeds_of(user_id: int | None) -> list[CalendarFeed]:
    """The addresses that a person made, in the order they did."""
    return list(session.scalars(select(CalendarFeed).where(CalendarFeed.user_id == user_id).order_by(CalendarFeed.id)))


def own_feed(key: int, by: Actor) -> CalendarFeed:
    """One of the person's own addresses. Raises NotFound."""
    feed = session.get(CalendarFeed, key)
    if feed is None or feed.user_id != by.user_id:
        raise NotFound(GONE)
    return feed


def feed_by_token(token: str) -> CalendarFeed:
    """The feed at an address. Raises NotFound."""
    feed = session.scalar(select(CalendarFeed).where(CalendarFeed.token_hash == digest(token)))
    if feed is None:
        raise NotFound(GONE)
    return feed


def address_of(feed: CalendarFeed) -> str:
    """The address to subscribe to."""
    token = open_(feed.token_sealed, bound_to=f"calendar_feed:{feed.token_hash}")
    return f"{current_app.config['BASE_URL']}/calendar/{token}.ics"


def note_read(feed: CalendarFeed, text: bytes) -> None:
    """Keep since when the calendar reads like this, and now and then that it was read. A text that changed twice
    within a second changed in two seconds to whoever compares times (RFC 9110, 8.8.2)."""
    now, found = clock.now(), hashlib.sha256(text).hexdigest()
    if feed.digest != found:
        earliest = feed.changed_at + timedelta(seconds=1) if feed.changed_at else now
        feed.digest, feed.changed_at = found, max(now, earliest).replace(microsecond=0)
    if feed.last_read_at is None or now - feed.last_read_at >= READ_EVERY:
        feed.last_read_at = now
