"""How the system is: measured from outside the parts, for doctor, readiness and metrics."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from flask import current_app
from rq import Queue
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from app.core import clock, revision
from app.core.db import session
from app.core.events import Event
from app.core.hold import held
from app.core.jobs import QUEUES
from app.core.panels import panels
from app.core.pulse import age
from app.core.redis import client, url

CLOCK, UNDISPATCHED, INBOX, DUE = 10, 30, 60, 60


@dataclass
class Health:
    """Figures in seconds and rows, and findings as sentences with a remedy: `problems` are failures, `warnings` may hurt
    later."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing has failed."""
        return not self.problems


def examine() -> Health:
    """Ask every part; each failure is a sentence, none stops the others."""
    found = Health({"database": masked(current_app.config["DATABASE_URL"]), "redis": masked(url(current_app.config))})
    for check in (_database, _redis):
        check(found)
    return found


def _database(found: Health) -> None:
    figures, problems = found.figures, found.problems
    try:
        session.rollback()
        session.execute(text("SELECT 1"))
        if not revision.is_newest():
            problems.append("The database is not up to date. Run `oncall migrate`.")
            return
        figures["clock_age_s"] = _rounded(age("clock"))
        figures["undispatched"], figures["undispatched_age_s"] = _undispatched()
        figures.update({name: value for part in panels("health", None).values() for name, value in part.items()})
    except SQLAlchemyError as error:
        problems.append(f"The database can't be reached: {str(error).splitlines()[0][:200]}. Check DATABASE_URL.")
        return
    finally:
        session.rollback()
    _judge(found)


def _judge(found: Health) -> None:
    if reason := held():
        found.problems.append(f"Nothing is sent: {reason}. Look around, then run `oncall restore --release`.")
    age_ = found.figures["clock_age_s"]
    if age_ is None:
        found.problems.append("No clock process has ever run. Start `oncall clock`, or `oncall up`.")
    elif age_ > CLOCK:
        found.problems.append(f"The clock last ticked {age_:.0f} s ago, so timers are late. Start `oncall clock`.")
    for name, limit, what in (("undispatched_age_s", UNDISPATCHED, "An event waits to be dispatched"),
                              ("inbox_age_s", INBOX, "A delivery waits in the inbox"),
                              ("due_message_age_s", DUE, "A due message waits to be sent")):
        waits = found.figures.get(name) or 0
        if waits > limit:
            found.problems.append(f"{what} since {waits:.0f} s. Look at the logs of `oncall clock` and `oncall worker`.")


def _undispatched() -> tuple[int, float]:
    number, oldest = session.execute(select(func.count(), func.min(Event.at)).where(Event.dispatched_at.is_(None))).one()
    return number, 0.0 if oldest is None else (clock.now() - oldest).total_seconds()


def _redis(found: Health) -> None:
    try:
        connection = client()
        connection.ping()
        found.figures["queue"] = sum(Queue(name, connection=connection).count for name in QUEUES)
    except redis.RedisError as error:
        found.figures["queue"] = None
        found.problems.append(f"Redis can't be reached, so pages are not live and work is a little late: "
                              f"{str(error)[:200]}. Check REDIS_URL, or start `oncall up`.")


def masked(address: str) -> str:
    """An address without its password."""
    try:
        return make_url(address).render_as_string(hide_password=True)
    except ArgumentError:
        head, _, rest = address.rpartition("@")
        return f"***@{rest}" if head else rest


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def memory() -> int:
    """Resident memory of this process in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


