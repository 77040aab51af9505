"""What is done for subscribers as time passes: news go out to each, what is old is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.retention import Kept
from app.status_pages import reader_sending as sending
from app.status_pages.maintenance_models import Announcement
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage


def fan_out() -> int:
    """Give each subscriber a message of what was announced."""
    waiting = list(session.scalars(select(Announcement.id).where(Announcement.fanned_at.is_(None))
                                   .order_by(Announcement.id).limit(100)))
    session.rollback()
    written = 0
    for key in waiting:
        with transaction():
            written += sending.fan_out(key)
    return written


def send() -> int:
    """Hand over what is due, in batches, with threads of its own: pages have theirs and never wait for it."""
    done = 0
    if session.scalar(select(SubscriberMessage.id).where(
            SubscriberMessage.state == "queued", SubscriberMessage.next_at <= clock.now()).limit(1)) is None:
        session.rollback()
        return 0
    session.rollback()
    with ThreadPoolExecutor(sending.AT_ONCE, "reader") as pool:
        while (batch := sending.send_batch(pool)) > 0:
            done += batch
    return done


def release() -> int:
    """Messages whose process died are handed over again, under the same Message-ID and delivery id."""
    with transaction():
        result = session.execute(update(SubscriberMessage).where(
            SubscriberMessage.state == "sending", SubscriberMessage.lease_until < clock.now()).values(
            state="queued", lease_until=None, next_at=clock.now()))
    return int(result.rowcount)


def _sent(before: datetime) -> Select[Any]:
    return select(SubscriberMessage.id).where(SubscriberMessage.created_at < before)


def _remove(ids: Sequence[int]) -> None:
    session.execute(delete(SubscriberMessage).where(SubscriberMessage.id.in_(ids)))


def _unconfirmed(before: datetime) -> Select[Any]:
    return select(Subscriber.id).where(Subscriber.state == "pending", Subscriber.created_at < before)


def _forget(ids: Sequence[int]) -> None:
    """But not that somebody once said no."""
    named = Subscriber.id.in_(ids)
    session.execute(update(Subscriber).where(named, Subscriber.ended_at.is_not(None)).values(
        state="ended", address="", confirm_sealed=None))
    silent = session.scalars(select(Subscriber.id).where(named, Subscriber.ended_at.is_(None))).all()
    session.execute(delete(SubscriberMessage).where(SubscriberMessage.subscriber_id.in_(silent)))
    session.execute(delete(Subscriber).where(Subscriber.id.in_(silent)))


MESSAGES = Kept("subscriber_messages", "Messages to subscribers of status pages",
                "Subscribers and what was published stay.", 30, select(SubscriberMessage.id), _sent, _remove)
UNCONFIRMED = Kept("unconfirmed_subscribers", "Subscriptions that nobody confirmed", "That somebody said no stays known.",
                   7, select(Subscriber.id).where(Subscriber.state == "pending"), _unconfirmed, _forget)
