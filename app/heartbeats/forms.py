"""What people type on the form of a heartbeat, as the fields of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.forms import duration, refuse
from app.heartbeats.models import Heartbeat
from app.heartbeats.queries import heartbeat_document
from app.identity.models import Team
from app.identity.queries import may

Choices = list[tuple[str, str]]
TEXTS = ("name", "team", "service", "every", "grace")
MUTES: Choices = [("1h", "an hour"), ("4h", "4 hours"), ("1d", "a day"), ("7d", "a week"), ("30d", "30 days")]


@dataclass(frozen=True)
class HeartbeatForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong."""

    heartbeat: Heartbeat | None
    values: Mapping[str, Any]
    teams: Choices
    services: Choices
    may_be_nobodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], heartbeat: Heartbeat | None) -> dict[str, Any]:
    """The typed text as values for `save_heartbeat`."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXTS}
    return {**values, "key": heartbeat.key if heartbeat else form.get("key", "").strip()}


def shown(heartbeat: Heartbeat | None, by: Actor, *, typed: Mapping[str, str] | None = None,
          invalid: Invalid | None = None) -> HeartbeatForm:
    """The form with the present values, or with what was typed if it was refused."""
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, "integration.edit", team_id=team.id)]
    services = session.scalars(select(Service).where(Service.lifecycle != "archived", Service.team_id.in_(
        [team.id for team in teams])).order_by(Service.name))
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field, problem.message)
    return HeartbeatForm(
        heartbeat, typed or (heartbeat_document(heartbeat) if heartbeat else {"every": "1d"}),
        [(team.key, team.name) for team in teams],
        [(service.key, f"{service.name} ({service.team.name})") for service in services],
        may(by, "integration.edit"), errors)


def mute_end(form: Mapping[str, str]) -> datetime:
    """Until when, from a duration. Raises Invalid."""
    try:
        return clock.now() + timedelta(seconds=duration(form.get("for", "")))
    except ValueError as fault:
        refuse("for", str(fault))
