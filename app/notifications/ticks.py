"""What notifications do because time passed, or because a wake-up said that messages wait."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.worker import alive
from app.notifications import duty_notices, sending, surfaces
from app.notifications.models import Message

log = structlog.get_logger()


POLL = 0.25
POSTS_AT_ONCE = 8


def send() -> int:
    """Hand over all due messages, several at a time: a slow provider holds one thread, not the queue. What is no page
    has threads of its own, so that it never makes a page wait."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    size = int(app.config["SEND_THREADS"])
    with ThreadPoolExecutor(size, "send") as pool, ThreadPoolExecutor(max(1, size // 4), "tell") as notices:
        return _drained(Lane(app, pool, size * 2, partial(sending.due, pages=True), sending.hand_over),
                        Lane(app, notices, max(2, size // 2), partial(sending.due, pages=False), sending.hand_over))


def refresh_posts() -> int:
    """Bring posts that no longer agree with their incident up to date."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not _looked(surfaces.due, 1):
        return 0
    with ThreadPoolExecutor(POSTS_AT_ONCE, "post") as pool:
        return _drained(Lane(app, pool, POSTS_AT_ONCE * 2, surfaces.due, surfaces.refresh))


class Lane:
    """Work of one sort on its way, at most `size` at a time; each piece is tried once."""

    def __init__(self, app: Flask, pool: ThreadPoolExecutor, size: int, *ways: Callable[..., Any]) -> None:
        self.app, self.pool, self.size = app, pool, size
        self.due, self.work = ways
        self.tried: set[int] = set()
        self.running: set[Future[bool]] = set()
        self.handed = 0

    def fill(self) -> None:
        """Take out what is done, and begin what is due."""
        done = {future for future in self.running if future.done()}
        self.running -= done
        self.handed += sum(future.result() for future in done)
        if len(self.running) == self.size:
            return
        fresh = [key for key in _looked(self.due, self.size) if key not in self.tried][:self.size - len(self.running)]
        self.tried.update(fresh)
        self.running |= {self.pool.submit(_in_context, self.app, self.work, key) for key in fresh}


def _drained(*lanes: Lane) -> int:
    """Until none of them has anything left to do."""
    while True:
        for lane in lanes:
            lane.fill()
        running = [future for lane in lanes for future in lane.running]
        if not running:
            return sum(lane.handed for lane in lanes)
        wait(running, timeout=POLL, return_when=FIRST_COMPLETED)


def _looked(due: Callable[[int], list[int]], limit: int) -> list[int]:
    try:
        return due(limit)
    finally:
        session.rollback()


def _in_context(app: Flask, work: Callable[[int], bool], key: int) -> bool:
    with app.app_context():
        try:
            return work(key)
        except Exception as fault:
            log.exception("not_handed_over", work=work.__name__, key=key)
            session.remove()
            if work is sending.hand_over:
                sending.postpone(key, fault)
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
