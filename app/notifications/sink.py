"""The inner end of the road: a message that takes the whole way of the outbox, and reaches nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.core import clock
from app.core.db import session
from app.core.jobs import wake
from app.identity.models import User
from app.notifications.accounts import Route
from app.notifications.models import ContactMethod, Message
from app.notifications.rules import SELF_TEST, gives_up, wait_after
from app.notifications.service import SEND
from app.plugin_api import Address, Field, Receipt
from app.plugin_api import Message as Outgoing

KIND = CHANNEL = SELF_TEST


class Sink:
    """A channel that is offered to nobody: whatever it is given has arrived."""

    slug = name = CHANNEL
    address = Field("address", "Nowhere")
    can: frozenset[str] = frozenset()
    settings: tuple[str, ...] = ()

    def send(self, message: Outgoing, address: Address, config: Any) -> Receipt:
        """Taken, and forgotten."""
        return Receipt("delivered")


def routes(message: Message) -> list[Route] | None:
    """The one way of such a message; None for one that is for people."""
    return [Route("", "", Sink(), {})] if message.kind == KIND else None


def queue(mark: str) -> None:
    """Write the message into the outbox, in the open transaction: it stands beside a page and is handed over like one."""
    now, row = clock.now(), method()
    if row is not None:
        session.add(Message(kind=KIND, once=f"{KIND}:{mark}", user_id=row.user_id, method_id=row.id, channel=CHANNEL,
                            address=CHANNEL, urgency="high", queued_at=now, next_at=now))
        wake(SEND)


def method() -> ContactMethod | None:
    """A row that stands in no list, since a message needs one; None while there is no administrator."""
    admin = session.scalar(select(User).where(User.role == "admin", User.state == "active").order_by(User.id).limit(1))
    if admin is None:
        return None
    found = session.scalar(select(ContactMethod).where(
        ContactMethod.user_id == admin.id, ContactMethod.channel == CHANNEL).limit(1))
    if found is None:
        found = ContactMethod(user_id=admin.id, name=f"{CHANNEL} {admin.id}", channel=CHANNEL, address=CHANNEL,
                              removed_at=clock.now())
        session.add(found)
        session.flush()
    return found


def note(message: Message, outcome: Receipt | Exception) -> None:
    """What came of handing it over; nothing of it stands in the log. A passing fault is tried again, as with a page."""
    message.lease_until = message.lease_owner = None
    now = clock.now()
    if isinstance(outcome, Receipt):
        message.state, message.sent_at = outcome.state, now
        return
    message.state, message.error = "failed" if gives_up(message.attempts) else "queued", str(outcome)[:500]
    message.next_at = now + timedelta(seconds=wait_after(message.attempts))


def arrived(mark: str) -> tuple[str, datetime | None]:
    """How far the message of this mark came: its state ("" when there is none), and when it was handed over."""
    found = session.execute(select(Message.state, Message.sent_at).where(Message.once == f"{KIND}:{mark}")).one_or_none()
    return (found.state, found.sent_at) if found is not None else ("", None)


def clear() -> None:
    """Forget every such message."""
    ways = select(ContactMethod.id).where(ContactMethod.channel == CHANNEL)
    session.execute(delete(Message).where(Message.method_id.in_(ways)))
