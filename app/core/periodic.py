"""The clock process: runs the table of periodic ticks, each in its own thread, never twice at once here."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, skew
from app.core.db import session, transaction
from app.core.hold import Look
from app.core.jobs import function, stir
from app.core.metrics import TICKED
from app.core.pulse import beat
from app.core.worker import begin, owner

log = structlog.get_logger()
TICKS = "ticks"


@dataclass(frozen=True)
class Every:
    """A row of the periodic table: the tick at `path` is due every so many seconds. `outgoing`: it pages or calls others."""

    seconds: float
    path: str
    outgoing: bool = False


class Ran:
    """When each tick of this process ended last, how many seconds it took, and its fault, if it had one."""

    def __init__(self) -> None:
        self._last: dict[str, list[Any]] = {}

    def note(self, path: str, seconds: float, fault: str) -> None:
        """It ended just now."""
        self._last[path] = [clock.rfc3339(clock.now()), round(seconds, 3), fault]

    def said(self) -> dict[str, list[Any]]:
        """By path."""
        return dict(self._last)


RAN = Ran()


def run_clock(app: Flask, table: Iterable[Every], startup: tuple[str, ...]) -> None:
    """Tick until told to stop. Any number of these may run: due rows are claimed, not owned."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rows = list(table)
    skew.follow(app)
    begin(app, startup, pause=stop.wait)
    due = {row: 0.0 for row in rows}
    running: dict[Every, Future[None]] = {}
    with ThreadPoolExecutor(len(rows), "tick") as pool:
        while not stop.is_set():
            now, brake = time.monotonic(), Look()
            for row in (row for row in rows if due[row] <= now and _is_free(running.get(row))):
                due[row] = now + row.seconds
                running[row] = pool.submit(_tick, app, row.path, brake)
            stop.wait(0.05)


def _is_free(former: Future[None] | None) -> bool:
    return former is None or former.done()


def _tick(app: Flask, path: str, brake: Look) -> None:
    began, fault = time.monotonic(), ""
    with app.app_context():
        try:
            if brake.may_run(path):
                function(path)()
        except SQLAlchemyError as error:
            fault = str(error).splitlines()[0][:300]
            log.error("tick.failed", tick=path, reason=fault)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"[:300]
            log.exception("tick.failed", tick=path)
        finally:
            session.remove()
            TICKED.labels(path).set(time.time())
            RAN.note(path, time.monotonic() - began, fault)


def note_clock() -> None:
    """Tick: this clock is alive."""
    with transaction():
        beat("clock", owner=owner())


def note_ticks() -> None:
    """Tick: when each tick ran last, as the clock that says so last knows it."""
    with transaction():
        beat(TICKS, owner=owner(), ticks=RAN.said())
        stir("system", "system.seen")
