"""What is done for subscribers as time passes: news go out to each, what is old is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import delete, select, update

from app.core import clock
from app.core.db import session, transaction
from app.status_pages import reader_sending as sending
from app.status_pages.maintenance_models import Announcement
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage

KEPT, UNCONFIRMED = timedelta(days=30), timedelta(days=7)
BATCH = 1000


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


def forget() -> int:
    """Messages are kept for 30 days; who did not confirm within 7 days is forgotten, but not that somebody once said no."""
    now = clock.now()
    with transaction():
        old = session.scalars(select(SubscriberMessage.id).where(
            SubscriberMessage.created_at < now - KEPT).limit(BATCH)).all()
        session.execute(delete(SubscriberMessage).where(SubscriberMessage.id.in_(old)))
        unconfirmed = (Subscriber.state == "pending") & (Subscriber.created_at < now - UNCONFIRMED)
        session.execute(update(Subscriber).where(unconfirmed, Subscriber.ended_at.is_not(None)).values(
            state="ended", address="", confirm_sealed=None))
        silent = session.scalars(select(Subscriber.id).where(unconfirmed, Subscriber.ended_at.is_(None)).limit(BATCH)).all()
        session.execute(delete(SubscriberMessage).where(SubscriberMessage.subscriber_id.in_(silent)))
        session.execute(delete(Subscriber).where(Subscriber.id.in_(silent)))
    return len(old) + len(silent)
