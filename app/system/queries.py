"""Reads on the system itself: its parts, its ticks, what was refused, what failed, what is held."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import redis
from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from app.core import clock, failed, hold, life, revision, rotation, secrets
from app.core.db import db, session
from app.core.events import Event, sentence
from app.core.life import Sign
from app.core.limits import EXCEEDED, LIVE_CLOSED, LIVE_REFUSED
from app.core.metrics import resident
from app.core.panels import Line
from app.core.periodic import TICKS, Every
from app.core.pulse import Pulse
from app.core.redis import client, probe

HOUR, GRACE, TOLD = timedelta(hours=1), 60.0, 3


@dataclass(frozen=True)
class Tick:
    """What happens as time passes: how often, when it ended last, how long that took. `state` is ok, failed, late, held or
    never."""

    path: str
    every: float
    at: datetime | None
    seconds: float
    fault: str
    state: str


@dataclass(frozen=True)
class Refusals:
    """What the limits of one tier refused within the last hour: how many requests of how many callers, the worst of them."""

    tier: str
    requests: int
    callers: int
    worst: str


@dataclass(frozen=True)
class Key:
    """An encryption key by its short name: how many stored secrets it sealed, and encrypts, decrypts or missing."""

    name: str
    secrets: int
    use: str


@dataclass(frozen=True)
class FailedJob:
    """A job that failed, and the first facts that it was about, in words."""

    job: failed.Failed
    about: list[str]


def facts(figures: Mapping[str, Any]) -> list[Line]:
    """What the system consists of."""
    return [Line("Version", version("oncall-platform"), ""), _database(), _redis(figures),
            Line("Address", current_app.config["BASE_URL"], ""),
            Line("Memory of this process", _bytes(resident(os.getpid())), "")]


def _database() -> Line:
    kind = "PostgreSQL" if db.engine.dialect.name == "postgresql" else "SQLite"
    newest, at = revision.is_newest(), revision.present() or "none"
    return Line("Database", f"{kind}, {_bytes(_size())}, revision {at}", "ok" if newest else "bad",
                "" if newest else "Run `oncall migrate`.")


def _size() -> int:
    if db.engine.dialect.name == "postgresql":
        return session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    path = make_url(current_app.config["DATABASE_URL"]).database or ""
    return sum(os.path.getsize(name) for name in (path, f"{path}-wal") if os.path.exists(name))


def _redis(figures: Mapping[str, Any]) -> Line:
    try:
        if figures.get("queue") is None:
            raise redis.ConnectionError
        said: dict[str, Any] = client().info()  # type: ignore[assignment]
    except redis.RedisError:
        return Line("Redis", "does not answer", "bad", "Check REDIS_URL, or start `oncall up`.")
    where = "" if current_app.config["REDIS_URL"] else ", embedded"
    return Line("Redis", f"{said['redis_version']}{where}, {_bytes(said['used_memory'])}, "
                         f"{said['connected_clients']} connections")


def _bytes(number: int) -> str:
    if number < 2**20:
        return f"{number / 2**10:.0f} KiB"
    return f"{number / 2**20:,.0f} MiB" if number < 10 * 2**30 else f"{number / 2**30:,.1f} GiB"


def processes() -> list[Sign] | None:
    """Every process that was heard of within five minutes; None while Redis, where they say so, does not answer."""
    try:
        return life.signs(probe())
    except redis.RedisError:
        return None


def ticks() -> list[Tick]:
    """All of the timetable, what is not well first: by the clock that told of them last."""
    told = session.get(Pulse, TICKS, populate_existing=True)
    last: dict[str, tuple[datetime, float, str]] = {
        path: (clock.parse_instant(at), seconds, fault)
        for path, (at, seconds, fault) in (told.detail["ticks"] if told else {}).items()}
    table: tuple[Every, ...] = current_app.extensions["timetable"].PERIODIC
    held, found = bool(hold.held()), [_tick(row, last.get(row.path)) for row in table]
    found = [_held(one) if held and row.outgoing else one for row, one in zip(table, found, strict=True)]
    return sorted(found, key=lambda one: (one.state in ("ok", "held"), one.path))


def _tick(row: Every, last: tuple[datetime, float, str] | None) -> Tick:
    if last is None:
        return Tick(row.path, row.seconds, None, 0.0, "", "never")
    at, seconds, fault = last
    late = (clock.now() - at).total_seconds() > 2 * row.seconds + GRACE
    return Tick(row.path, row.seconds, at, seconds, fault, "failed" if fault else "late" if late else "ok")


def _held(one: Tick) -> Tick:
    return Tick(one.path, one.every, one.at, one.seconds, one.fault, "held")


def refusals() -> list[Refusals]:
    """By tier, the last hour; of the present minute it is told a little later."""
    rows = session.scalars(select(Event).where(
        Event.kind.in_([kind.name for kind in (EXCEEDED, LIVE_CLOSED, LIVE_REFUSED)]), Event.at > clock.now() - HOUR))
    by: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        why = f": {row.data['reason']}" if row.kind == LIVE_REFUSED.name else ""
        by[row.data.get("tier") or f"live pages{why}"][row.data["caller"]] += row.data["number"]
    return [Refusals(tier, sum(callers.values()), len(callers), max(callers, key=lambda one: callers[one]))
            for tier, callers in sorted(by.items())]


def keys() -> list[Key]:
    """Every key at hand, the one that encrypts first, then those that something needs and that are missing."""
    at_hand, sealed = secrets.key_ids(), rotation.counts()
    found = [Key(name, sealed.get(name, 0), "decrypts" if place else "encrypts") for place, name in enumerate(at_hand)]
    return found + [Key(name, number, "missing") for name, number in rotation.lacking(sealed).items()]


def queues() -> list[failed.Waiting] | None:
    """The queues of the workers; None while Redis does not answer."""
    try:
        return failed.queues()
    except redis.RedisError:
        return None


def failed_jobs() -> list[FailedJob]:
    """The newest first; none while Redis does not answer."""
    try:
        found = failed.failed()
    except redis.RedisError:
        return []
    numbers = {key for one in found for key in one.events[:TOLD]}
    said = {event.id: sentence(event) for event in session.scalars(select(Event).where(Event.id.in_(numbers)))}
    return [FailedJob(one, [said[key] for key in one.events[:TOLD] if key in said]) for one in found]
