"""How the system is: measured from outside the parts, for doctor, readiness and metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import current_app
from rq import Queue
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from app.core import clock, life, revision
from app.core.db import session
from app.core.events import Event, inner_kinds
from app.core.hold import held
from app.core.intime import Late, Question, answer
from app.core.jobs import QUEUES
from app.core.panels import panels
from app.core.pulse import age
from app.core.redis import probe, url

CLOCK, UNDISPATCHED, INBOX, DUE = 10, 30, 60, 60
PATIENCE = 1.5  # seconds for all parts together: whoever asks gets an answer within two


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

    @property
    def reached(self) -> bool:
        """Whether the database answered."""
        return "undispatched" in self.figures


def examine() -> Health:
    """Ask every part, all at once; each failure or silence is a sentence, none stops the others."""
    found = Health({"database": masked(current_app.config["DATABASE_URL"]), "redis": masked(url(current_app.config))})
    questions = current_app.extensions.setdefault("health", {"The database": Question(_database), "Redis": Question(_redis)})
    until = time.monotonic() + PATIENCE
    asked = {name: question.begin() for name, question in questions.items()}
    for name, future in asked.items():
        try:
            part: Health = answer(future, max(0.0, until - time.monotonic()))
        except Late:
            part = Health(problems=[f"{name} does not answer: nothing came within {PATIENCE:g} s. Look whether it hangs."])
        found.figures.update(part.figures)
        found.problems += part.problems
    return found


def _database() -> Health:
    found = Health()
    figures, problems = found.figures, found.problems
    try:
        session.execute(text("SELECT 1"))
        if not revision.is_newest():
            problems.append("The database is not up to date. Run `oncall migrate`.")
            return found
        figures["clock_age_s"] = _rounded(age("clock"))
        figures["undispatched"], figures["undispatched_age_s"] = _undispatched()
        figures.update({name: value for part in panels("health", None).values() for name, value in part.items()})
        _judge(found)
    except SQLAlchemyError as error:
        problems.append(f"The database can't be reached: {str(error).splitlines()[0][:200]}. Check DATABASE_URL.")
    finally:
        session.rollback()
    return found


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
    number, oldest = session.execute(select(func.count(), func.min(Event.at)).where(
        Event.dispatched_at.is_(None), Event.kind.not_in(inner_kinds()))).one()
    return number, 0.0 if oldest is None else (clock.now() - oldest).total_seconds()


def _redis() -> Health:
    found = Health({"queue": None})
    try:
        connection = probe()
        waiting = {name: Queue(name, connection=connection).count for name in QUEUES}
        found.figures["queue"], found.figures["queues"] = sum(waiting.values()), waiting
        if not life.lives(connection, "worker"):
            found.problems.append(f"No worker has given a sign of life for {life.MISSED:.0f} s, so reactions wait and the "
                                  "clock alone drains and sends. Start `oncall worker`, or `oncall up`.")
    except redis.RedisError as error:
        found.problems.append(f"Redis can't be reached, so pages are not live and work is a little late: "
                              f"{str(error)[:200]}. Check REDIS_URL, or start `oncall up`.")
    return found


def masked(address: str) -> str:
    """An address without its password."""
    try:
        return make_url(address).difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
    except ArgumentError:
        head, _, rest = address.rpartition("@")
        return f"***@{rest}" if head else rest


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
