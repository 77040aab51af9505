"""Work that waits on the network, several pieces at a time: a slow answer holds one thread, not the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from flask import Flask

from app.core.db import AWAY, session, transaction

log = structlog.get_logger()
POLL = 0.25
AGAIN, AT_MOST = 1.0, 900.0  # seconds between two tries to record an outcome, and for which it is remembered


class Lane:
    """Work of one sort on its way, at most `size` at a time; each piece is tried once.

    `due(limit)` gives the keys of what waits; `work(key)` does one of them in a thread and an application context of
    its own and says whether it did; `failed(key, fault)` hears what it raised.
    """

    def __init__(self, app: Flask, pool: ThreadPoolExecutor, size: int, due: Callable[[int], list[int]], *,
                 work: Callable[[int], bool], failed: Callable[[int, Exception], None] | None = None) -> None:
        self.app, self.pool, self.size = app, pool, size
        self.due, self.work, self.failed = due, work, failed
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
        fresh = [key for key in looked(self.due, self.size) if key not in self.tried][:self.size - len(self.running)]
        self.tried.update(fresh)
        self.running |= {self.pool.submit(self._in_context, key) for key in fresh}

    def _in_context(self, key: int) -> bool:
        with self.app.app_context():
            try:
                return self.work(key)
            except Exception as fault:
                log.exception("not_handed_over", work=self.work.__name__, key=key)
                session.remove()
                if self.failed is not None:
                    self.failed(key, fault)
                return False


def drained(*lanes: Lane) -> int:
    """Until none of them has anything left to do; how many pieces were done."""
    while True:
        for lane in lanes:
            lane.fill()
        running = [future for lane in lanes for future in lane.running]
        if not running:
            return sum(lane.handed for lane in lanes)
        wait(running, timeout=POLL, return_when=FIRST_COMPLETED)


def looked(due: Callable[[int], list[int]], limit: int) -> list[int]:
    """What is due, read with nothing left open."""
    try:
        return due(limit)
    finally:
        session.rollback()


def kept(record: Callable[[], None]) -> None:
    """`record()`, what came of a call, in a transaction; again and again while the database is away, since what is not
    recorded would be done a second time."""
    until = time.monotonic() + AT_MOST
    while True:
        try:
            with transaction():
                return record()
        except AWAY as fault:
            if time.monotonic() > until:
                raise
            log.warning("outcome.waits_for_the_database", reason=str(fault).splitlines()[0][:200])
            session.remove()
            time.sleep(AGAIN)
