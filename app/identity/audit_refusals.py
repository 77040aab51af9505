"""Who was refused by permission: counted in Redis, and in the log once a minute, so that it multiplies nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import redis
import structlog

from app.core.access import Actor
from app.core.db import transaction
from app.core.events import Kind, record
from app.core.redis import client

log = structlog.get_logger()
COUNTED = "oncall:forbidden:"
REFUSED = Kind("access.refused", "{actor} was refused {what}, {number} times in a minute",
               ("what", "number", "minute"))
MOST = 1000  # different refusals of one minute; a walk over every address is one attack, not ten thousand rows


def note(by: Actor, what: str) -> None:
    """Count that this person was refused `what` (a method and a route)."""
    said = json.dumps([by.ref, by.name, by.via, by.ip, by.agent[:300], what])
    try:
        key = f"{COUNTED}{int(time.time()) // 60}"
        if client().hlen(key) < MOST:
            client().hincrby(key, said, 1)
            client().expire(key, 3600)
    except redis.RedisError as error:
        log.warning("refusal.not_counted", reason=str(error)[:100], actor=by.ref, what=what)


def write_down() -> int:
    """One event for each person, address, route and past minute in which they were refused."""
    present, written = int(time.time()) // 60, 0
    for raw in list(client().scan_iter(match=f"{COUNTED}*", count=100)):
        minute = int(raw.decode().removeprefix(COUNTED))
        if minute >= present:
            continue
        with client().pipeline() as pipe:
            counts, _ = pipe.hgetall(raw).delete(raw).execute()
        with transaction():
            for said, number in counts.items():
                _record(json.loads(said), int(number), minute)
                written += 1
    return written


def _record(said: list[Any], number: int, minute: int) -> None:
    ref, name, via, ip, agent, what = said
    record(REFUSED, ref, by=Actor(ref, name, via, ip=ip, agent=agent), what=what, number=number, minute=minute)
