"""Telling subscribers: a batch is claimed, handed over with nothing open, and recorded. Sources: RFC 8058, RFC 2369."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from flask import Flask, current_app
from sqlalchemy import insert, select, update
from sqlalchemy.orm import joinedload

from app.core import clock, http
from app.core.db import session, transaction
from app.core.lanes import kept
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.core.signatures import sign
from app.notifications import accounts
from app.plugin_api import Address, Link, Message, NoAccess, Receipt, Refused, Rejected, Retry
from app.status_pages import queries, subscribing, withholding
from app.status_pages.maintenance_models import Announcement
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage
from app.status_pages.words import Words

log = structlog.get_logger()
LEASE = timedelta(seconds=120)
BATCH, AT_ONCE = 32, 8
AGAIN = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
OFF_AFTER = timedelta(hours=24)
CALL_SECONDS = 5.0
GONE = 410
Outcome = Receipt | Exception
Tried = list[tuple[accounts.Route, Outcome]]


@dataclass(frozen=True)
class Job:
    """One message that is ours to hand over, with all that is needed for it."""

    message_id: int
    kind: str
    address: str
    outgoing: Message
    body: bytes = b""
    secret: str = ""
    room: accounts.Route | None = None


def fan_out(announcement_id: int) -> int:
    """One message for each subscriber who wants this news; in the open transaction, once."""
    found = session.get(Announcement, announcement_id, populate_existing=True, with_for_update={"of": Announcement})
    if found is None or found.fanned_at is not None:
        return 0
    now = clock.now()
    keys = subscribing.matching(found.page_id, found.kind, found.components)
    if keys and withholding.held_back(found, len(keys)):
        keys = []
    if keys:
        session.execute(insert(SubscriberMessage), [{"announcement_id": found.id, "subscriber_id": key, "state": "queued",
                                                     "attempts": 0, "next_at": now, "error": "", "created_at": now}
                                                    for key in keys])
    found.fanned_at = now
    return len(keys)


def send_batch(pool: ThreadPoolExecutor) -> int:
    """Claim some, hand them over several at a time, record what came of them."""
    with transaction():
        seen = newest()
        jobs = _claim()
        routes = accounts.routes("email") if any(job.kind == "email" for job in jobs) else []
    session.remove()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    outcomes = list(pool.map(lambda job: _inside(app, seen, job, routes), jobs))
    if jobs:
        kept(lambda: _record_all(jobs, outcomes))
    return len(jobs)


def _record_all(jobs: Sequence[Job], outcomes: Sequence[tuple[Outcome, Tried]]) -> None:
    for job, (outcome, tried) in zip(jobs, outcomes, strict=True):
        _record(job.message_id, outcome)
        _note(tried)


def _claim() -> list[Job]:
    now = clock.now()
    due = list(session.scalars(select(SubscriberMessage.id).where(
        SubscriberMessage.state == "queued", SubscriberMessage.next_at <= now)
        .order_by(SubscriberMessage.next_at, SubscriberMessage.id).limit(BATCH).with_for_update(skip_locked=True)))
    if not due:
        return []
    session.execute(update(SubscriberMessage).where(SubscriberMessage.id.in_(due),
                                                    SubscriberMessage.state == "queued").values(
        state="sending", lease_until=now + LEASE, attempts=SubscriberMessage.attempts + 1)
        .execution_options(synchronize_session=False))
    found = session.scalars(select(SubscriberMessage).where(SubscriberMessage.id.in_(due)).options(
        joinedload(SubscriberMessage.subscriber).joinedload(Subscriber.page), joinedload(SubscriberMessage.announcement))
        .order_by(SubscriberMessage.id).execution_options(populate_existing=True)).all()
    shadows = {news: withholding.withheld(news) for news in {one.announcement for one in found} if news is not None}
    return [job for one in found if (job := _prepared(one, shadows.get(one.announcement))) is not None]


def _prepared(message: SubscriberMessage, shadow: Shadow | None) -> Job | None:
    """What is to be handed over; a message that can't be made, as when its key was lost, keeps none of the others back."""
    if shadow is not None:
        message.state, message.error = "dropped", shadow.words
        return None
    try:
        return _job(message)
    except Exception as fault:
        message.state, message.error = "failed", f"it could not be written ({type(fault).__name__})"
        log.exception("status_message.not_written", message=message.id)
        return None


def _job(message: SubscriberMessage) -> Job | None:
    subscriber, news = message.subscriber, message.announcement
    wanted, room = "pending" if news is None else "active", _room(subscriber.kind)
    if subscriber.state != wanted or (news is None and not subscriber.confirm_sealed):
        message.state, message.error = "dropped", f"the subscription is {subscriber.state}"
        return None
    words, page = Words(subscriber.page.language), subscriber.page
    if news is None:
        link = subscribing.confirm_url(subscriber)
        outgoing = Message(f"status-{message.id}", "status", f"[{page.name}] {words('confirm_subject')}",
                           words("confirm_text").format(page=page.name), urgency="low",
                           links=(Link("open", words("confirm"), link),))
        return Job(message.id, subscriber.kind, subscriber.address, outgoing, room=room)
    manage = subscribing.manage_url(subscriber)
    outgoing = Message(f"status-{message.id}", "status", news.subject, news.text, urgency="low",
                       thread=f"status-page-{page.id}-{news.data.get('notice') or news.data.get('window') or ''}",
                       links=(Link("open", words("status_page"), queries.address_of(page)),
                              Link("open", words("unsubscribe"), manage)),
                       unsubscribe=manage)
    body = json.dumps({"id": str(message.id), "page": page.name, "url": queries.address_of(page), "kind": news.kind,
                       "at": clock.rfc3339(news.created_at), "subject": news.subject, "text": news.text, **news.data},
                      ensure_ascii=False, separators=(",", ":")).encode()
    return Job(message.id, subscriber.kind, subscriber.address, outgoing, body, subscribing.token_of(subscriber), room)


def _room(kind: str) -> accounts.Route | None:
    """The channel of a plugin by which rooms of this kind hear."""
    channel = subscribing.rooms().get(kind)
    return accounts.Route(kind, kind, channel, accounts.config_of(channel)) if channel else None


def _inside(app: Flask, seen: int, job: Job, routes: Sequence[accounts.Route] | Exception) -> tuple[Outcome, Tried]:
    with app.app_context():
        try:
            return (Retry(JUST_NOW, after=1), []) if begun_since(seen) else _handed(job, routes)
        finally:
            session.remove()


def _handed(job: Job, routes: Sequence[accounts.Route] | Exception) -> tuple[Outcome, Tried]:
    """What came of it, and of each account that was tried."""
    if job.kind != "email":
        return _called(lambda: _posted(job)), []
    return (routes, []) if isinstance(routes, Exception) else _mailed(job, routes)


def _called(call: Callable[[], Receipt | Exception]) -> Outcome:
    """The one place where news leave the house."""
    try:
        return call()
    except (Retry, Refused, Rejected, NoAccess) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a channel may raise anything; it is one more failed attempt
        return Retry(f"The channel has a fault ({type(fault).__name__})")


def _mailed(job: Job, routes: Sequence[accounts.Route]) -> tuple[Outcome, Tried]:
    """One account after the other until one takes it, or says that there is no such address."""
    tried: Tried = []
    for route in routes:
        outcome = _called(partial(route.channel.send, job.outgoing, Address(job.address), route.config))
        tried.append((route, outcome))
        if isinstance(outcome, Receipt | Refused):
            return outcome, tried
    return next((one for _, one in tried if isinstance(one, Retry | NoAccess)), tried[0][1]), tried


def _posted(job: Job) -> Outcome:
    """A signed call, a card in a room by a plugin, or a text in one; 410 ends the subscription."""
    if job.room is not None:
        return job.room.channel.send(job.outgoing, Address(job.address), job.room.config)
    if job.kind not in subscribing.KINDS:
        return Retry("The plugin of this kind of room is switched off")
    if job.kind == "webhook":
        body = job.body
        headers = sign(body, secret=job.secret, at=clock.now(), delivery=str(job.message_id))
    else:
        body, headers = json.dumps({"text": room_text(job.outgoing)}).encode(), {}
    try:
        answer = http.request("POST", job.address, data=body, timeout=CALL_SECONDS,
                              headers={"Content-Type": "application/json", **headers})
    except http.Unreachable as fault:
        return Retry(fault.reason)
    if answer.status == GONE:
        return Refused("The receiver says that it is gone")
    return Receipt() if 200 <= answer.status < 300 else Retry(f"The answer was {answer.status}")


def room_text(message: Message) -> str:
    """The message in one text; signs that rooms read as links or mentions are made harmless."""
    said = "\n".join((message.subject, message.text))
    plain = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "\n".join((plain, *(f"{link.label}: {link.url}" for link in message.links)))


def _note(tried: Tried) -> None:
    """How the accounts fare: a fault of the address or of the message says nothing about its provider."""
    for route, outcome in tried:
        harmless = isinstance(outcome, Receipt | Refused | Rejected) or (isinstance(outcome, Retry) and outcome.address)
        accounts.note(route, None if harmless or not isinstance(outcome, Exception) else outcome)


def _record(message_id: int, outcome: Outcome) -> None:
    message = session.get(SubscriberMessage, message_id, populate_existing=True, with_for_update={"of": SubscriberMessage})
    if message is None or message.state != "sending":
        return
    subscriber, now = message.subscriber, clock.now()
    message.lease_until = None
    if isinstance(outcome, Receipt):
        message.state, message.sent_at, message.error = "sent", now, ""
        subscriber.failures, subscriber.failing_since = 0, None
        return
    message.error = str(outcome)[:300]
    subscriber.failures += 1
    subscriber.failing_since = subscriber.failing_since or now
    waits = message.attempts <= len(AGAIN) and isinstance(outcome, Retry | NoAccess)
    again = AGAIN[message.attempts - 1] if waits else None
    message.state, message.next_at = ("failed", message.next_at) if again is None else ("queued", now + again)
    if isinstance(outcome, Refused) or (subscriber.kind != "email" and now - subscriber.failing_since >= OFF_AFTER):
        message.state = "failed"
        subscribing.end(subscriber, reason=message.error or "it failed for a day")
