"""How far the clocks of machines are from the database's, by which everything that waits is judged."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta

import structlog
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.db import db, session, transaction
from app.core.pulse import Pulse, beat

log = structlog.get_logger()
MOST = 5.0  # seconds apart, beyond which the doctor speaks
EVERY, LOOK = 10.0, 1.0  # seconds between two questions, and between two looks at whether our own clock was set
JUMP = 0.5
SLOW = 1.0  # an answer that took longer tells the time too vaguely
MACHINE = "machine:"
FRESH = timedelta(minutes=5)


def measured() -> float | None:
    """Seconds by which this machine's clock is ahead of the database's; 0 where both are one, None when the database took
    too long to answer. Raises SQLAlchemyError."""
    if db.engine.dialect.name != "postgresql":
        return 0.0
    with db.engine.connect() as connection:
        asked, wall = time.monotonic(), time.time()
        told = connection.scalars(select(func.clock_timestamp())).one()
        took = time.monotonic() - asked
    return wall + took / 2 - float(told.timestamp()) if took < SLOW else None


def follow(app: Flask) -> None:
    """Let this process go by the database's clock from now on; nothing to do where that is the machine's own."""
    with app.app_context():
        if db.engine.dialect.name != "postgresql":
            return
    follower = Follower(app)
    follower.ask()
    threading.Thread(target=follower.run, name="clock", daemon=True).start()


class Follower:
    """Asks the database for the time now and then, and at once after this machine's clock was set."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.asked = self.noted = float("-inf")
        self.drift = 0.0

    def run(self) -> None:
        """For as long as the process lives."""
        while True:
            time.sleep(LOOK)
            if time.monotonic() - self.asked > EVERY or abs(_drift() - self.drift) > JUMP:
                self.ask()

    def ask(self) -> None:
        """Set our time by the database's; while it is away our own goes on from the last answer."""
        self.asked, self.drift = time.monotonic(), _drift()
        try:
            with self.app.app_context():
                ahead = measured()
                if ahead is not None:
                    clock.go_by(time.time() - ahead)
                    self._note(ahead)
        except SQLAlchemyError as fault:
            log.info("clock.not_told", reason=str(fault).splitlines()[0][:200])

    def _note(self, ahead: float) -> None:
        """For the doctor, wherever it runs: only of a clock that is wrong, and not each time."""
        if abs(ahead) > MOST and time.monotonic() - self.noted > FRESH.total_seconds() / 3:
            with transaction():
                beat(f"{MACHINE}{socket.gethostname()}", skew_s=round(ahead, 1))
            session.remove()
            self.noted = time.monotonic()


def _drift() -> float:
    """Changes when the machine's clock is set, or stood still while the machine slept."""
    return time.time() - time.monotonic()


def report() -> tuple[float | None, list[str]]:
    """How far this machine is ahead, and a sentence for each machine whose clock is wrong. Raises SQLAlchemyError."""
    ahead = measured()
    known = {socket.gethostname(): ahead or 0.0}
    for name, detail in session.execute(select(Pulse.name, Pulse.detail).where(
            Pulse.name.startswith(MACHINE), Pulse.at > clock.now() - FRESH)):
        known.setdefault(name.removeprefix(MACHINE), float(detail["skew_s"]))
    return None if ahead is None else round(ahead, 2), [
        f"The clock of {name} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the database's. "
        "Let both be set by NTP." for name, seconds in sorted(known.items()) if abs(seconds) > MOST]
