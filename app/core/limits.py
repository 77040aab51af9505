"""How often one may ask: tiers by person, token or address, counted over any 60 seconds in Redis by all processes."""

from __future__ import annotations

import time

import redis
import structlog
from flask import Flask, current_app, g, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address
from flask_login import current_user

from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.events import Kind, record
from app.core.redis import client, url

log = structlog.get_logger()
TIERS = {"public": 100, "person": 500, "scim": 3000}
# Counted by their own rules (ingest: only wrong tokens and signatures), or never: those who ask whether we live.
UNCOUNTED = ("doors", "vendor_doors", "probes")
REFUSED = "oncall:refused:"
EXCEEDED = Kind("limit.exceeded", "{number} requests were refused: more than {limit} a minute ({tier}, {caller})",
                ("number", "limit", "tier", "caller", "minute"))


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
    return request.endpoint == "static" or request.blueprint in UNCOUNTED


def _note(breached: RequestLimit) -> None:
    """Count the refusal in Redis; a tick writes one event per tier, caller and minute."""
    try:
        key = f"{REFUSED}{int(time.time()) // 60}"
        client().hincrby(key, caller(), 1)
        client().expire(key, 3600)
    except redis.RedisError as error:
        log.warning("refusal.not_counted", reason=str(error)[:100])


limiter = Limiter(key_func=caller, default_limits=[_limit], headers_enabled=True, strategy="moving-window",
                  default_limits_exempt_when=_uncounted,
                  in_memory_fallback_enabled=True, swallow_errors=True, on_breach=_note)


def init_limits(app: Flask) -> None:
    """Attach the limiter; without Redis each process counts alone, at once."""
    app.config["RATELIMIT_STORAGE_URI"] = url(app.config).replace("unix://", "redis+unix://", 1)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05}
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
                record(EXCEEDED, name, by=SYSTEM, number=int(number), limit=TIERS[found], tier=found, caller=name,
                       minute=minute)
                written += 1
    return written
