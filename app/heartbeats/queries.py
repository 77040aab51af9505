"""Reads on heartbeats."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import duration_text
from app.heartbeats.models import Heartbeat
from app.identity.queries import allow, visible_teams


def heartbeat_by_key(key: str) -> Heartbeat | None:
    """The heartbeat of this key, in any letter case."""
    return session.scalar(select(Heartbeat).where(Heartbeat.key == key.lower()))


def heartbeat_by_token(token: str) -> Heartbeat | None:
    """The heartbeat that this token opens, locked: two pings at once are worked on one after the other."""
    return session.scalar(select(Heartbeat).where(Heartbeat.token_hash == secrets.digest(token))
                          .with_for_update(of=Heartbeat).execution_options(populate_existing=True))


def heartbeat_document(heartbeat: Heartbeat) -> dict[str, Any]:
    """The heartbeat as the configuration document writes it: no token."""
    return {"key": heartbeat.key, "name": heartbeat.name, "team": heartbeat.team.key if heartbeat.team else None,
            "service": heartbeat.service.key if heartbeat.service else None, "every": duration_text(heartbeat.every),
            "grace": duration_text(heartbeat.grace)}


def state_document(heartbeat: Heartbeat) -> dict[str, Any]:
    """How it is, for machines."""
    return {"key": heartbeat.key, "state": word_of(heartbeat), "last_ping_at": clock.rfc3339(heartbeat.last_ping_at),
            "due_at": clock.rfc3339(heartbeat.due_at), "muted_until": clock.rfc3339(heartbeat.muted_until)
            if heartbeat.muted(clock.now()) else None, "last_output": heartbeat.last_output,
            "last": list(heartbeat.recent)}


def word_of(heartbeat: Heartbeat) -> str:
    """The state as people read it: a muted one says so, whatever else it is."""
    return "muted" if heartbeat.muted(clock.now()) else heartbeat.state


def visible(by: Actor) -> Select[Any]:
    """The heartbeats that this person may see, by name."""
    teams, query = visible_teams(by), select(Heartbeat).options(
        joinedload(Heartbeat.team), joinedload(Heartbeat.service)).order_by(func.lower(Heartbeat.name), Heartbeat.id)
    return query if teams is None else query.where(Heartbeat.team_id.in_(teams) | Heartbeat.team_id.is_(None))


def heartbeat_for(key: str, by: Actor, action: str = "integration.read") -> Heartbeat:
    """One by key, if the person may do `action` with it. Raises NotFound or Forbidden."""
    found = heartbeat_by_key(key)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def address_of(heartbeat: Heartbeat, *, whole: bool) -> str:
    """Where it reports; only the end of it for those who may not see the token."""
    token = secrets.open_(heartbeat.token_sealed, bound_to=f"heartbeat:{heartbeat.key}/token") if whole else (
        f"…{heartbeat.token_last4}")
    return f"{current_app.config['BASE_URL']}/heartbeat/{token}"


def health(_subject: None = None) -> dict[str, float]:
    """How many heartbeats are late."""
    return {"late_heartbeats": session.scalar(select(func.count()).select_from(Heartbeat).where(
        Heartbeat.state == "late")) or 0}
