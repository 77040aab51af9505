"""Wrong tokens and signatures, counted per address: beyond 100 a minute only the wrong ones are turned away."""

from __future__ import annotations

import time

import redis

from app.core.errors import RateLimited
from app.core.redis import client

LIMIT = 100
WINDOW = 60
_local: dict[str, tuple[int, int]] = {}


def count_wrong(ip: str) -> None:
    """Count one wrong request. Raises RateLimited beyond the limit; whoever has the right token is never asked."""
    if _count(ip) > LIMIT:
        raise RateLimited("Too many wrong tokens or signatures from this address. Try again in a minute.", after=WINDOW)


def _count(ip: str) -> int:
    window = int(time.time()) // WINDOW
    try:
        key = f"oncall:wrong:{ip}:{window}"
        number = int(client().incr(key))
        if number == 1:
            client().expire(key, WINDOW * 2)
        return number
    except redis.RedisError:
        number = _local.get(ip, (window, 0))[1] + 1 if _local.get(ip, (0, 0))[0] == window else 1
        _local[ip] = (window, number)
        return number
