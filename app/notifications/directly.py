"""Alarms about the system itself: to all administrators, sent by whoever notices. They need no Redis, no worker and no
clock; and, of addresses that were looked up while all was well, no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from flask import Flask, current_app
from sqlalchemy import select

from app.core import secrets
from app.core.db import session
from app.identity.queries import admins
from app.notifications import accounts, queries, sending, service
from app.notifications.channel_models import ProviderState
from app.notifications.models import ContactMethod, Message
from app.plugin_api import Address, Receipt
from app.plugin_api import Message as Outgoing

log = structlog.get_logger()
AT_ONCE = 8


@dataclass(frozen=True)
class Reach:
    """A proven way to one administrator, ready to be used without looking anything up."""

    channel: str
    address: Address = field(repr=False)
    routes: tuple[accounts.Route, ...] = field(repr=False)


def _methods() -> list[ContactMethod]:
    return [method for some in queries.usable(admin.id for admin in admins()).values() for method in some]


def write(reason: str, *, cause: str, loud: bool) -> list[int]:
    """Write the alarm into the outbox, in the open transaction: `loud` by every proven method, else by the ways that come
    first in each one's rules for low urgency. The same cause again writes nothing. Gives what `send` needs."""
    if not loud:
        return [one.id for one in service.tell(admins(), kind="alarm", cause=cause, reason=reason)]
    written: list[Message] = []
    for method in _methods():
        written += service.plain_message("alarm", method, once=f"{cause}:{method.id}")
    for message in written:
        message.reason, message.urgency = reason[:300], "high"
    return [message.id for message in written]


def send(messages: Sequence[int]) -> None:
    """Hand them over here and now; a worker may take one first, and what fails is tried again like any message."""
    _together(messages, sending.hand_over)


def remember() -> list[Reach]:
    """Every proven way to every administrator, for the time when the database can't be asked."""
    off = {(row.channel, row.account) for row in session.scalars(select(ProviderState).where(ProviderState.off))}
    return [reach for method in _methods() if (reach := _reach(method, off)) is not None]


def _reach(method: ContactMethod, off: set[tuple[str, str]]) -> Reach | None:
    """None for one that can't be read here: the others are told all the same."""
    try:
        routes = tuple(one for one in accounts.all_routes(method.channel) if (method.channel, one.account) not in off)
        return Reach(method.channel, Address(method.address, queries.data_of(method)), routes)
    except secrets.Unreadable:
        log.error("secret.unreadable", place=f"contact_method:{method.id}")
        return None


def send_from_memory(known: Iterable[Reach], reason: str, *, mark: str) -> None:
    """Say it by these ways, with nothing looked up and nothing kept."""
    subject = reason.partition(":")[0]
    told = [(place, one) for place, one in enumerate(known)]

    def say(pair: tuple[int, Reach]) -> bool:
        place, one = pair
        outgoing = Outgoing(id=f"{mark}-{place}", kind="alarm", subject=subject, text=f"{reason}.\n", urgency="high")
        return any(isinstance(_sent(route, outgoing, one), Receipt) for route in one.routes)
    _together(told, say)


def _sent(route: accounts.Route, outgoing: Outgoing, one: Reach) -> Receipt | None:
    try:
        return route.channel.send(outgoing, one.address, route.config)
    except Exception as fault:  # noqa: BLE001 - the next account or person has to be told all the same
        log.error("alarm.not_sent", channel=one.channel, fault=type(fault).__name__)
        return None


def _together(things: Sequence[object], work: object) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def inside(thing: object) -> None:
        with app.app_context():
            try:
                work(thing)  # type: ignore[operator]
            except Exception:
                log.exception("alarm.failed")
    with ThreadPoolExecutor(AT_ONCE, "alarm") as pool:
        list(pool.map(inside, things))
