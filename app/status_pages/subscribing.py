"""Commands on subscriptions: ask for one, confirm, choose, end; and who is told of what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from flask import current_app
from sqlalchemy import select

from app.core import clock, secrets
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.errors import NotFound, RateLimited
from app.core.events import record
from app.core.forms import Problems, check_list, check_text, email_address
from app.core.redis import client
from app.identity.queries import allow
from app.notifications import accounts
from app.plugin_api import Channel
from app.status_pages import events, states
from app.status_pages.models import StatusPage
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage

KINDS = ("email", "webhook", "chat")
NEWS = ("outage", "notice", "maintenance")
CONFIRM = timedelta(hours=24)
PER_ADDRESS, PER_CLIENT, HOUR = 5, 20, 3600
MOST_ADDED = 10_000


@dataclass(frozen=True)
class Wish:
    """What somebody asks for; no `components` means all of the page (public ids)."""

    kind: str
    address: str
    components: Sequence[str] = ()
    news: Sequence[str] = NEWS


def checked(page: StatusPage, wish: Wish) -> tuple[str, list[int], list[str]]:
    """Address, component ids and kinds of news of a wish. Raises Invalid."""
    faults = Problems()
    if wish.kind not in (known := (*KINDS, *rooms())):
        faults.add("kind", f"Must be one of {', '.join(known)}")
    address = faults.take("address", email_address if wish.kind == "email" else _web_address, wish.address) or ""
    parts = {one.public_id: one.id for one in page.components}
    if any(key not in parts for key in wish.components):
        faults.add("components", "There is no such component on this page")
    if not wish.news or any(one not in NEWS for one in wish.news):
        faults.add("news", "Choose at least one of outages, notices and maintenance")
    faults.raise_if_any()
    return address, [parts[key] for key in wish.components], list(dict.fromkeys(wish.news))


def rooms() -> dict[str, Channel]:
    """The channels by which a room hears at the address of its incoming webhook, without an account of ours."""
    known = accounts.registry()
    return {slug: channel for slug, channel in known.channels.items()
            if "hook" in channel.can and known.is_on("channel", slug)}


def _web_address(text: object) -> str:
    address = check_text(text, least=9, most=2000, label="An address")
    if not address.startswith(("https://", "http://")):
        raise ValueError("Write an address that begins with https://")
    return address


def digest_of(page: StatusPage, kind: str, address: str) -> str:
    """By what an address is known after it was erased: no other page and no table of hashes can tell it."""
    return secrets.digest(f"{current_app.config['SECRET_KEY']}|{page.id}|{kind}|{address.lower()}")


def note_attempt(page: StatusPage, wish: Wish, ip: str) -> bool:
    """Count an attempt. Raises RateLimited for a client that tries too often; False where the address had enough."""
    try:
        if _counted(f"client:{ip}") > PER_CLIENT:
            raise RateLimited("Too many subscriptions from here. Try again in an hour.", after=HOUR)
        return _counted(f"address:{digest_of(page, wish.kind, wish.address.strip())}") <= PER_ADDRESS
    except redis.RedisError:
        return True


def _counted(name: str) -> int:
    key = f"oncall:subscribe:{name}"
    with client().pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, HOUR, nx=True)
        return int(pipe.execute()[0])


def ask(page: StatusPage, wish: Wish, *, told: bool = True) -> Subscriber:
    """Begin a subscription: pending until the address says yes. The same work whether it is new or there already.

    That it was ended before is kept until then: anybody may type an address.
    """
    address, components, news = checked(page, wish)
    found = session.scalar(select(Subscriber).where(
        Subscriber.page_id == page.id, Subscriber.kind == wish.kind,
        Subscriber.address_hash == digest_of(page, wish.kind, address)).with_for_update())
    subscriber = found or _fresh(page, wish.kind, address)
    token = secrets.new_token()
    sealed = secrets.seal(token, bound_to=f"status_confirm:{secrets.digest(token)}")
    if subscriber.state != "active":
        subscriber.address, subscriber.state, subscriber.reason = address, "pending", ""
        subscriber.components, subscriber.kinds, subscriber.created_at = components, news, clock.now()
        if told:
            _ask_by_message(subscriber, token, sealed)
    session.flush()
    return subscriber


def _fresh(page: StatusPage, kind: str, address: str) -> Subscriber:
    token = secrets.new_token()
    made = Subscriber(page_id=page.id, page=page, kind=kind, address=address, address_hash=digest_of(page, kind, address),
                      state="pending", token_hash=secrets.digest(token), components=[], kinds=list(NEWS),
                      token_sealed=secrets.seal(token, bound_to=f"status_subscriber:{secrets.digest(token)}"))
    session.add(made)
    session.flush()
    return made


def _ask_by_message(subscriber: Subscriber, token: str, sealed: str) -> None:
    subscriber.confirm_hash, subscriber.confirm_sealed = secrets.digest(token), sealed
    subscriber.confirm_until = clock.now() + CONFIRM
    session.add(SubscriberMessage(subscriber_id=subscriber.id))


def token_of(subscriber: Subscriber) -> str:
    """What opens this subscription."""
    return secrets.open_(subscriber.token_sealed, bound_to=f"status_subscriber:{subscriber.token_hash}")


def confirm_token_of(subscriber: Subscriber) -> str:
    """What confirms it."""
    return secrets.open_(subscriber.confirm_sealed or "", bound_to=f"status_confirm:{subscriber.confirm_hash}")


def by_token(token: str) -> Subscriber | None:
    """The subscription that this token manages."""
    return session.scalar(select(Subscriber).where(Subscriber.token_hash == secrets.digest(token)))


def by_confirmation(token: str) -> Subscriber | None:
    """The subscription that this token confirms, still or no longer."""
    return session.scalar(select(Subscriber).where(Subscriber.confirm_hash == secrets.digest(token)))


def confirmable(subscriber: Subscriber) -> bool:
    """Whether its link still counts: within 24 hours, once."""
    return subscriber.state == "pending" and subscriber.confirm_until is not None and subscriber.confirm_until > clock.now()


def confirm(subscriber: Subscriber) -> None:
    """The address said yes."""
    if subscriber.state == "pending":
        subscriber.state, subscriber.confirmed_at, subscriber.ended_at = "active", clock.now(), None
        subscriber.failures, subscriber.failing_since = 0, None
        _record(events.SUBSCRIBED, subscriber)


def choose(subscriber: Subscriber, components: Sequence[str], news: Sequence[str]) -> None:
    """Hear of these components and kinds only. Raises Invalid."""
    _, subscriber.components, subscriber.kinds = checked(
        subscriber.page, Wish(subscriber.kind, subscriber.address, components, news))


def end(subscriber: Subscriber, *, reason: str = "the reader ended it") -> None:
    """It is over, and the address is erased but for a hash. A second time changes nothing."""
    if subscriber.state == "ended":
        return
    subscriber.state, subscriber.reason, subscriber.ended_at, subscriber.address = "ended", reason[:300], clock.now(), ""
    subscriber.confirm_sealed = None
    session.flush()
    record(events.UNSUBSCRIBED, subscriber.page.ref, by=SYSTEM, also=states.also(subscriber.page), page=subscriber.page.name,
           kind=subscriber.kind, reason=reason[:300])


def _record(kind: Any, subscriber: Subscriber) -> None:
    record(kind, subscriber.page.ref, by=SYSTEM, also=states.also(subscriber.page), page=subscriber.page.name,
           kind=subscriber.kind)


def add(page: StatusPage, addresses: Sequence[str], *, by: Actor) -> int:
    """Ask these mail addresses whether they want to hear; whoever once said no is left out. Says how many are asked."""
    allow(by, "status_page.edit", team_id=page.team_id)
    faults = Problems()
    found = [faults.take(f"addresses[{at}]", email_address, one) for at, one in enumerate(
        faults.take("addresses", check_list, list(addresses), most=MOST_ADDED) or [])]
    faults.raise_if_any()
    known = set(session.scalars(select(Subscriber.address_hash).where(Subscriber.page_id == page.id)))
    fresh = [one for one in dict.fromkeys(found) if one and digest_of(page, "email", one) not in known]
    for address in fresh:
        ask(page, Wish("email", address))
    if fresh:
        record(events.SUBSCRIBERS_ADDED, page.ref, by=by, also=states.also(page), number=len(fresh), page=page.name)
    return len(fresh)


def remove(subscriber: Subscriber, *, by: Actor) -> None:
    """A manager ends it."""
    allow(by, "status_page.edit", team_id=subscriber.page.team_id)
    record(events.SUBSCRIBER_REMOVED, subscriber.page.ref, by=by, also=states.also(subscriber.page),
           page=subscriber.page.name, kind=subscriber.kind)
    end(subscriber, reason="a manager of the page ended it")


def matching(page_id: int, kind: str, components: Collection[int]) -> list[int]:
    """The active subscribers who want this kind of news of any of these components."""
    wanted = set(components)
    rows = session.execute(select(Subscriber.id, Subscriber.kinds, Subscriber.components).where(
        Subscriber.page_id == page_id, Subscriber.state == "active").order_by(Subscriber.id))
    return [key for key, kinds, own in rows if kind in kinds and (not own or not wanted or wanted & set(own))]


def recipients(page: StatusPage, kind: str, components: Collection[int]) -> int:
    """How many would be told."""
    return len(matching(page.id, kind, components))


def of_page(page: StatusPage, number: str) -> Subscriber:
    """A subscriber of the page by number. Raises NotFound."""
    key = int(number) if number.isdecimal() and len(number) < 18 else 0
    found = session.get(Subscriber, key)
    if found is None or found.page_id != page.id:
        raise NotFound
    return found


def manage_url(subscriber: Subscriber) -> str:
    """Where a reader changes or ends it; a POST there ends it at once."""
    return f"{current_app.config['BASE_URL']}/status/subscription/{token_of(subscriber)}"


def confirm_url(subscriber: Subscriber) -> str:
    """Where a reader confirms it."""
    return f"{current_app.config['BASE_URL']}/status/subscription/{confirm_token_of(subscriber)}"
