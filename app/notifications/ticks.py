"""What notifications do because time passed, or because a wake-up said that messages wait."""

from __future__ import annotations

import socket
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from flask import Flask, current_app
from sqlalchemy import select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.worker import alive
from app.notifications import duty_notices, sending
from app.notifications.models import Message

log = structlog.get_logger()


def send() -> int:
    """Hand over all due messages, several at a time: a slow provider holds one thread, not the queue."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    size = int(app.config["SEND_THREADS"])
    tried: set[int] = set()
    running: set[Future[bool]] = set()
    handed = 0
    with ThreadPoolExecutor(size, "send") as pool:
        while True:
            fresh = [key for key in _due(size * 2) if key not in tried][:size * 2 - len(running)]
            tried.update(fresh)
            running |= {pool.submit(_in_context, app, key) for key in fresh}
            if not running:
                return handed
            done, running = wait(running, return_when=FIRST_COMPLETED)
            handed += sum(future.result() for future in done)


def _due(limit: int) -> list[int]:
    try:
        return sending.due(limit)
    finally:
        session.rollback()


def _in_context(app: Flask, message_id: int) -> bool:
    with app.app_context():
        try:
            return sending.hand_over(message_id)
        except Exception as fault:
            log.exception("message.not_handed_over", message_id=message_id)
            session.remove()
            sending.postpone(message_id, fault)
            return False


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


def look_ahead() -> int:
    """Tell of shifts and gaps a day ahead, and of people on duty whom nothing reaches."""
    with transaction():
        return duty_notices.look_ahead()
