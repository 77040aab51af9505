"""How often one may ask: tiers by person, token or address, and what sockets say, counted over any 60 seconds in Redis
by all processes."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable

import redis
import structlog
from flask import Flask, current_app, g, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address
from flask_login import current_user
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.events import Kind, record
from app.core.metrics import LIMITS
from app.core.redis import client, url

log = structlog.get_logger()
TIERS = {"public": 100, "person": 500, "scim": 3000}
# Counted by their own rules (ingest: only wrong tokens and signatures; status pages: only subscribing), signed by a
# vendor, or never: those who ask whether we live.
UNCOUNTED = ("doors", "vendor_doors", "probes", "callbacks", "runbook_callbacks", "status")
REFUSED = "oncall:refused:"
EXCEEDED = Kind("limit.exceeded", "{number} requests were refused: more than {limit} a minute ({tier}, {caller})",
                ("number", "limit", "tier", "caller", "minute"))
LIVE_CLOSED = Kind("live.closed", "Live pages of {caller} were closed {number} times: more than {limit} messages a minute",
                   ("number", "limit", "caller", "minute"))
LIVE_REFUSED = Kind("live.refused", "{number} live connections from {caller} were refused: {reason}",
                    ("number", "reason", "caller", "minute"))
PATIENCE = 0.04  # seconds that a request waits for Redis to count it, before its process counts alone
WARN_AT, CLOSE_AT, WINDOW = 80, 101, 60  # messages of the sockets of one login, in so many seconds


def tier() -> str:
    """`public` for what anybody may ask, `scim` for provisioning, `person` for what a person or token asks."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.path.startswith("/scim/"):
        return "scim"
    gated = getattr(view, "access", "") not in ("public", "token") or request.path.startswith("/live/")
    return "person" if gated and current_user.is_authenticated else "public"


def caller() -> str:
    """Who is counted: the token or person behind the request, else its address."""
    found = tier()
    if found == "public":
        return f"public|ip:{get_remote_address()}"
    token = g.get("api_token")
    return f"{found}|token:{token.id}" if token is not None else f"{found}|user:{current_user.get_id()}"


def _limit() -> str:
    return f"{TIERS[tier()]} per minute"


def _uncounted() -> bool:
    """What is for people is counted wherever it stands."""
    view = current_app.view_functions.get(request.endpoint or "")
    return request.endpoint == "static" or (
        request.blueprint in UNCOUNTED and getattr(view, "access", "public") in ("public", "token"))


def _note(breached: RequestLimit) -> None:
    LIMITS.labels(tier()).inc()
    note(*caller().split("|"))


def note(found: str, name: str) -> None:
    """Count in Redis that `name` was refused by a tier, or why else; a tick writes one event for each and minute."""
    try:
        key = f"{REFUSED}{int(time.time()) // 60}"
        client().hincrby(key, f"{found}|{name}", 1)
        client().expire(key, 3600)
    except redis.RedisError as error:
        log.warning("refusal.not_counted", reason=str(error)[:100])


limiter = Limiter(key_func=caller, default_limits=[_limit], headers_enabled=True, strategy="moving-window",
                  default_limits_exempt_when=_uncounted,
                  in_memory_fallback_enabled=True, swallow_errors=True, on_breach=_note)


def init_limits(app: Flask) -> None:
    """Attach the limiter; without Redis each process counts alone, at once."""
    app.config["RATELIMIT_STORAGE_URI"] = url(app.config).replace("unix://", "redis+unix://", 1)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    limiter.init_app(app)


def note_refusals() -> int:
    """Tick: one event for each tier, caller and past minute in which requests were refused."""
    present, written = int(time.time()) // 60, 0
    for raw in list(client().scan_iter(match=f"{REFUSED}*", count=100)):
        minute = int(raw.decode().removeprefix(REFUSED))
        if minute >= present:
            continue
        with client().pipeline() as pipe:
            pipe.hgetall(raw)
            pipe.delete(raw)
            counts, _ = pipe.execute()
        with transaction():
            for who, number in counts.items():
                found, _, name = who.decode().partition("|")
                _write_down(found, name, int(number), minute)
                written += 1
    return written


def _write_down(found: str, name: str, number: int, minute: int) -> None:
    if found in TIERS:
        record(EXCEEDED, name, by=SYSTEM, number=number, limit=TIERS[found], tier=found, caller=name, minute=minute)
    elif found == "live":
        record(LIVE_CLOSED, name, by=SYSTEM, number=number, limit=CLOSE_AT - 1, caller=name, minute=minute)
    else:
        record(LIVE_REFUSED, name, by=SYSTEM, number=number, reason=found, caller=name, minute=minute)


class Meter:
    """Counts what the sockets of one login say, shared by all processes: a second socket, here or elsewhere, goes on
    counting. Without Redis each process counts alone."""

    def __init__(self, connect: Callable[[], redis.Redis]) -> None:
        self._connect = connect
        self._client: redis.Redis | None = None
        self._said: dict[str, deque[float]] = {}

    def count(self, login: str, at: float) -> int:
        """Messages of this login in the last 60 s, this one included; at 101 it is barred for 60 s."""
        try:
            return self._shared(login, at)
        except redis.RedisError as error:
            log.warning("socket.not_counted_together", reason=str(error)[:100])
            return self._alone(login, at)

    def _redis(self) -> redis.Redis:
        if self._client is None:
            self._client = self._connect()
            self._client.set_retry(Retry(NoBackoff(), 0))  # nobody waits for it: the next message asks again
        return self._client

    def _shared(self, login: str, at: float) -> int:
        key = f"oncall:said:{login}"
        with self._redis().pipeline() as pipe:
            pipe.zremrangebyscore(key, 0, at - WINDOW)
            pipe.zadd(key, {f"{at} {secrets.token_hex(4)}": at})
            pipe.zcard(key)
            pipe.expire(key, WINDOW)
            number = int(pipe.execute()[2])
        if number >= CLOSE_AT:
            self._redis().set(f"oncall:barred:{login}", "1", ex=WINDOW)
        return number

    def _alone(self, login: str, at: float) -> int:
        times = self._said.setdefault(login, deque(maxlen=CLOSE_AT))
        times.append(at)
        while times[0] <= at - WINDOW:
            times.popleft()
        return len(times)

    def refuses(self, login: str, at: float) -> bool:
        """Whether this login said so much that its sockets must wait."""
        try:
            return bool(self._redis().exists(f"oncall:barred:{login}"))
        except redis.RedisError:
            times = self._said.get(login, deque())
            return len(times) >= CLOSE_AT and times[-1] > at - WINDOW
