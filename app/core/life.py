"""Signs of life: each process says in Redis, every few seconds, that it lives; whoever died is missed within seconds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
from flask import Flask

from app.core.metrics import BEGAN
from app.core.worker import owner

NAME = "oncall:alive"
EVERY, MISSED, FORGOTTEN = 4.0, 12.0, 300.0  # seconds


@dataclass(frozen=True)
class Sign:
    """A process: the part that it plays, the machine with its number there, and for how many seconds it has been silent."""

    part: str
    owner: str
    silent: float

    @property
    def lives(self) -> bool:
        """Whether it may still be counted on."""
        return self.silent <= MISSED


def show(app: Flask, part: str) -> None:
    """Say so from now on, in a thread of its own, as long as this process lives; and stand in the figures from now on."""
    BEGAN.labels(part).set_to_current_time()
    threading.Thread(target=_go_on, args=(app.extensions["redis"], f"{part} {owner()}"), name="life", daemon=True).start()


def _go_on(connection: redis.Redis, name: str) -> None:
    while True:
        try:
            say(connection, name)
        except redis.RedisError:  # whoever looks for signs of life says then that Redis is away
            pass
        time.sleep(EVERY)


def say(connection: redis.Redis, name: str) -> None:
    """One sign: `worker machine:pid:start`. What has been silent for long is forgotten."""
    now = time.time()
    with connection.pipeline(transaction=False) as pipe:
        pipe.zadd(NAME, {name: now})
        pipe.zremrangebyscore(NAME, 0, now - FORGOTTEN)
        pipe.execute()


def signs(connection: redis.Redis) -> list[Sign]:
    """Every process that was heard of within five minutes, by part. Raises RedisError."""
    now = time.time()
    said: Any = connection.zrange(NAME, 0, -1, withscores=True)
    found = [(raw.decode().partition(" "), at) for raw, at in said]
    named = (Sign(part, name, max(0.0, now - at)) for (part, _, name), at in found)
    return sorted(named, key=lambda one: (one.part, one.owner))


def lives(connection: redis.Redis, part: str) -> bool:
    """Whether any process plays this part. Raises RedisError."""
    return any(one.part == part and one.lives for one in signs(connection))
