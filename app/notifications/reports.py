"""What providers say later about a message: arrived, or not after all. A state never goes backwards."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.notifications import accounts, events, outcomes, service
from app.notifications.models import Message
from app.plugin_api import Report


def take(channels: Collection[str], report: Report) -> bool:
    """Bring the message, sent by one of these channels, to what is reported; says whether it is known. In a transaction
    of its own."""
    with transaction():
        message = session.scalar(select(Message).where(
            Message.provider_id == report.provider_id, Message.channel.in_(channels)).order_by(Message.id.desc()).limit(1)
            .with_for_update().execution_options(populate_existing=True)) if report.provider_id else None
        if message is None:
            return False
        for one in sorted((message, *_others(message)), key=lambda one: one.id):
            _bring(one, report)
    return True


def _others(message: Message) -> list[Message]:
    """Those that went in one bundle with it."""
    return list(session.scalars(select(Message).where(
        Message.provider_id == message.provider_id, Message.channel == message.channel, Message.bundle == message.bundle,
        Message.bundle != "", Message.id != message.id).with_for_update()))


def _bring(message: Message, report: Report) -> None:
    if message.state == report.state or report.state == "sent":
        return
    if message.state == "delivered" or message.state not in ("sent", "sending"):
        return outcomes.say(events.REPORTED_LATE, message, state=report.state, error=report.reason[:300])
    if report.state == "delivered":
        message.state, message.delivered_at = "delivered", clock.now()
        message.method.last_delivered_at = message.delivered_at
        return outcomes.say(events.DELIVERED, message, provider=message.provider)
    message.error = (report.reason or "The provider says that it did not arrive")[:500]
    if report.refused:
        outcomes.disable(message.method, message.error)
    elif report.again and not message.again_of:
        service.send_again(message, after=report.again)
    elif _another(message):
        service.send_again(message, avoid=message.account)
    outcomes.fail(message)


def _another(message: Message) -> bool:
    """Whether a provider is left that has not had this page yet; each page changes its provider once."""
    return not message.again_of and len(accounts.all_routes(message.channel)) > 1
