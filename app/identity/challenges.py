"""Questions that one browser answers once within minutes: kept here so that an answer can't be replayed or moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from app.core import clock
from app.core.db import session
from app.core.secrets import digest, new_token, open_, same, seal
from app.identity import rules
from app.identity.models import Challenge


def put(purpose: str, kept: Mapping[str, Any], *, browser: str, lasts: timedelta = rules.CHALLENGE_LASTS) -> str:
    """Begin a question; the answer must carry this token and come from the browser that holds the secret `browser`."""
    session.execute(delete(Challenge).where(Challenge.expires_at <= clock.now()))
    token = new_token()
    session.add(Challenge(
        purpose=purpose, token_hash=digest(token), browser_hash=digest(browser), expires_at=clock.now() + lasts,
        sealed=seal(json.dumps(dict(kept)), bound_to=f"challenge:{digest(token)}")))
    session.flush()
    return token


def look(purpose: str, token: str, *, browser: str) -> dict[str, Any] | None:
    """What was kept with an open question of this browser; None when there is none."""
    found = session.scalar(select(Challenge).where(Challenge.token_hash == digest(token)))
    if found is None or found.purpose != purpose or found.expires_at <= clock.now():
        return None
    if not browser or not same(found.browser_hash, digest(browser)):
        return None
    kept: dict[str, Any] = json.loads(open_(found.sealed, bound_to=f"challenge:{found.token_hash}"))
    return kept


def take(purpose: str, token: str, *, browser: str) -> dict[str, Any] | None:
    """The same, and nobody gets it again; of two at once one gets it."""
    kept = look(purpose, token, browser=browser)
    if kept is None:
        return None
    gone = session.execute(delete(Challenge).where(Challenge.token_hash == digest(token)))
    return kept if gone.rowcount else None  # type: ignore[attr-defined]
