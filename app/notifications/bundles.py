"""Many pages for one person at one time are one message: from the fifth incident of a service on, and after quiet hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.core import clock
from app.core.db import session
from app.incidents.models import Incident
from app.notifications import accounts
from app.notifications.models import Message

WINDOW, COLLECT = timedelta(minutes=10), timedelta(seconds=60)
SINGLE = 4  # so many incidents of a service page a person one by one
MOST = 50


def gather(incident: Incident, written: Sequence[Message]) -> None:
    """Let the pages of an incident wait for others of its service, where its people had so many just now; a critical one
    never waits."""
    if incident.severity == "critical" or incident.service_id is None or not written:
        return
    recent: dict[int, int] = {user: number for user, number in session.execute(
        select(Message.user_id, func.count(func.distinct(Message.incident_id))).join(
            Incident, Incident.id == Message.incident_id).where(
            Message.user_id.in_({message.user_id for message in written}), Message.kind == "page",
            Message.queued_at > clock.now() - WINDOW, Incident.service_id == incident.service_id,
            Incident.id != incident.id).group_by(Message.user_id))}
    for message in written:
        if recent.get(message.user_id, 0) >= SINGLE and not message.bundle and not _alone(message):
            message.bundle = f"service:{incident.service_id}:{message.method_id}"
            due = _collected(message) or message.next_at + COLLECT
            if message.expires_at is not None:
                message.expires_at += due - message.next_at
            message.next_at = due


def _alone(message: Message) -> bool:
    """Whether its channel carries one incident at a time: a call's keys act on one, and a voicemail would swallow all."""
    channel = accounts.registry().channels.get(message.channel)
    return channel is not None and "single" in channel.can


def _collected(message: Message) -> datetime | None:
    """When those that wait already are sent, if this one can go with them."""
    return session.scalar(select(func.min(Message.next_at)).where(
        Message.bundle == message.bundle, Message.state == "queued", Message.next_at >= message.next_at,
        Message.next_at <= message.next_at + COLLECT))


def due(message: Message) -> list[Message]:
    """All that is sent together now, oldest first: the message alone, or its bundle."""
    if not message.bundle or _alone(message):
        return [message]
    return list(session.scalars(select(Message).where(
        Message.bundle == message.bundle, Message.method_id == message.method_id, Message.state == "queued",
        Message.next_at <= clock.now()).order_by(Message.id).limit(MOST).execution_options(populate_existing=True)))
