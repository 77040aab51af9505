"""What a directory asked lately and what was refused: for its page, in Redis, where it may be lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import redis
import structlog
from flask import Response, current_app, g, request
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.redis import client
from app.identity.models import ApiToken, User
from app.identity.queries import allow

log = structlog.get_logger()
CALLS, ERRORS, KEPT = "oncall:scim:calls", "oncall:scim:errors", 20


def note(response: Response) -> Response:
    """Keep the call among the last ones; a refused one among the last errors too."""
    token = g.get("api_token")
    said = response.get_json(silent=True, force=True) if response.status_code >= 400 else None
    call = json.dumps({
        "at": clock.now().timestamp(), "method": request.method, "status": response.status_code,
        "path": unquote(request.full_path.removeprefix("/scim/v2").rstrip("?"))[:200], "ip": request.remote_addr or "",
        "token": token.name if token is not None else "", "detail": str((said or {}).get("detail") or "")[:300]})
    try:
        with client().pipeline() as pipe:
            for name in (CALLS, *([ERRORS] if response.status_code >= 400 else [])):
                pipe.lpush(name, call).ltrim(name, 0, KEPT - 1)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("scim.call_not_kept", reason=str(error)[:100])
    return response


@dataclass(frozen=True)
class Call:
    """One request of a directory."""

    at: datetime
    method: str
    path: str
    status: int
    token: str
    ip: str
    detail: str


@dataclass(frozen=True)
class ScimPage:
    """The address to enter at the directory, its tokens, and how it goes; `secret` is shown once."""

    address: str
    tokens: list[ApiToken]
    people: int
    calls: list[Call]
    errors: list[Call]
    secret: str = ""


def scim_page(by: Actor, *, secret: str = "") -> ScimPage:
    """The page; the newest calls first."""
    allow(by, "admin")
    living = select(ApiToken).join(ApiToken.user).where(ApiToken.revoked_at.is_(None), User.state == "active")
    tokens = [token for token in session.scalars(living.order_by(ApiToken.id.desc())) if "scim" in (token.scopes or ())
              and (token.expires_at is None or token.expires_at > clock.now())]
    people = session.scalars(select(User.id).where(User.profile.is_not(None), User.state == "active")).all()
    return ScimPage(f"{current_app.config['BASE_URL']}/scim/v2", tokens, len(people), _kept(CALLS), _kept(ERRORS), secret)


def _kept(name: str) -> list[Call]:
    try:
        found: list[Any] = client().lrange(name, 0, KEPT - 1)  # type: ignore[assignment]
    except redis.RedisError:
        return []
    return [Call(**{**call, "at": datetime.fromtimestamp(call["at"], UTC)}) for call in map(json.loads, found)]
