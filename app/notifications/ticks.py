"""What notifications do because time passed, or because a wake-up said that messages wait."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Select, delete, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.isolation import isolated
from app.core.lanes import Lane, drained, looked
from app.core.retention import Kept
from app.core.secrets import Unreadable
from app.core.worker import alive
from app.notifications import duty_notices, duty_posts, outcomes, queries, sending, surfaces
from app.notifications.channel_models import HeardReply
from app.notifications.models import ContactMethod, Message, OneTapLink
from app.oncall.models import Schedule
from app.oncall.queries import in_use

POSTS_AT_ONCE = 8
NEW_KEY = "web push has a new key here. Open OnCall in that browser once, and it pages you again"
OF_POSTMORTEMS = ("postmortem", "action_item")


def send() -> int:
    """Hand over all due messages, several at a time: a slow provider holds one thread, not the queue. What is no page
    has threads of its own, so that it never makes a page wait."""
    if not looked(sending.due, 1):
        return 0
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    size = int(app.config["SEND_THREADS"])
    with ThreadPoolExecutor(size, "send") as pool, ThreadPoolExecutor(max(1, size // 4), "tell") as notices:
        send_one = {"work": sending.hand_over, "failed": sending.postpone}
        return drained(Lane(app, pool, size * 2, partial(sending.due, pages=True), **send_one),
                       Lane(app, notices, max(2, size // 2), partial(sending.due, pages=False), **send_one))


def refresh_posts() -> int:
    """Bring posts that no longer agree with their incident up to date."""
    return _posted(surfaces.due, surfaces.refresh, surfaces.postpone)


def _posted(due: Callable[[int], list[int]], work: Callable[[int], bool], failed: Callable[[int, Exception], None]) -> int:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not looked(due, 1):
        return 0
    with ThreadPoolExecutor(POSTS_AT_ONCE, "post") as pool:
        return drained(Lane(app, pool, POSTS_AT_ONCE * 2, due, work=work, failed=failed))


def post_handovers() -> int:
    """Post hand-offs in the rooms of their schedules."""
    return _posted(duty_posts.due, duty_posts.send, duty_posts.postpone)


def release() -> int:
    """Messages whose sender died or hangs go back to `queued`: better paged twice than not at all."""
    with transaction():
        result = session.execute(update(Message).where(
            Message.state == "sending", Message.lease_until < clock.now())
            .values(state="queued", lease_until=None, lease_owner=None, next_at=clock.now()))
    return int(result.rowcount)


def release_dead() -> int:
    """At a start: what a dead process of this machine had leased is free again at once."""
    with transaction():
        owners = session.scalars(select(Message.lease_owner).where(
            Message.state == "sending", Message.lease_owner.startswith(f"{socket.gethostname()}:")).distinct()).all()
        dead = [owner for owner in owners if owner is not None and not alive(owner)]
        if not dead:
            return 0
        result = session.execute(update(Message).where(
            Message.state == "sending", Message.lease_owner.in_(dead))
            .values(state="queued", lease_until=None, lease_owner=None, next_at=clock.now()))
    return int(result.rowcount)


def leave_former_key() -> int:
    """At a start: browsers that subscribed with another key than ours is now would refuse every push. Each is left out
    until its next visit, where it subscribes anew by itself, and its owner is told."""
    key = current_app.config["VAPID_PUBLIC_KEY"]
    with transaction():
        browsers = session.scalars(select(ContactMethod).where(
            ContactMethod.channel == "webpush", ContactMethod.removed_at.is_(None),
            ContactMethod.disabled_at.is_(None))).all()
        former = [one for one in browsers if _server_key(one) not in ("", key)]
        for one in former:
            outcomes.disable(one, NEW_KEY, returns=True)
    return len(former)


def _server_key(method: ContactMethod) -> str:
    try:
        return str(queries.data_of(method).get("server", ""))
    except Unreadable:
        return ""


def look_ahead() -> int:
    """Tell of shifts and gaps a day ahead, and of people on duty whom nothing reaches."""
    try:
        keys = list(session.scalars(in_use().with_only_columns(Schedule.id)))
    finally:
        session.rollback()
    return isolated(keys, duty_notices.look_ahead)


def _alone(before: datetime) -> Select[Any]:
    """What is over, and of no incident or postmortem: alarms about an incident have it as their scope."""
    tapped = select(OneTapLink.message_id).where(OneTapLink.message_id == Message.id)
    return select(Message.id).where(
        Message.incident_id.is_(None), Message.queued_at < before, Message.state.not_in(("queued", "sending")),
        Message.kind.not_in(OF_POSTMORTEMS), ~Message.scope.startswith("incident:"),
        ~Message.scope.startswith("postmortem:"), ~tapped.exists()).order_by(Message.queued_at)


def _remove(ids: Sequence[int]) -> None:
    session.execute(update(Message).where(Message.again_of.in_(ids)).values(again_of=None))
    session.execute(update(HeardReply).where(HeardReply.message_id.in_(ids)).values(message_id=None))
    session.execute(delete(Message).where(Message.id.in_(ids)))


MESSAGES = Kept("messages", "Messages of no incident",
                "Messages of incidents and postmortems, and what still has to be sent, stay.", "MESSAGE_DAYS",
                select(Message.id).where(Message.incident_id.is_(None)), _alone, _remove)
