"""Reads on maintenance windows and silences: which is open, what it covers, and how documents write it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from app.catalog import windows
from app.catalog.models import Service, Window
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team
from app.identity.queries import allow, visible_teams


def plan_of(window: Window) -> windows.Plan:
    """Its times, as the rules read them."""
    return windows.Plan(datetime.fromisoformat(window.starts), datetime.fromisoformat(window.ends), window.time_zone,
                        window.repeat, window.not_before)


def scope_of(window: Window) -> windows.Scope:
    """What it covers."""
    return windows.Scope(window.services, window.teams, window.integrations, window.labels, window.team_id)


def holding(one: windows.Concern, at: datetime, *, severity: str) -> tuple[Window, datetime] | None:
    """The open window that holds the pages of this, and until when; the one that ends last."""
    found = [(window, span[1]) for window in _possible(at)
             if window.hold_pages and not (severity == "critical" and window.page_critical)
             and (span := windows.span(plan_of(window), at)) and windows.covers(scope_of(window), one)]
    return max(found, key=lambda pair: pair[1], default=None)


def _possible(at: datetime) -> list[Window]:
    return list(session.scalars(select(Window).where(or_(Window.over_at.is_(None), Window.over_at > at))
                                .order_by(Window.id)))


def maintenance_by_key(key: str) -> Window | None:
    """The maintenance window of this key."""
    return session.scalar(select(Window).where(Window.kind == "maintenance", Window.key == key.strip().lower()))


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only windows of teams this person may see, and nobody's."""
    teams = visible_teams(by)
    return query if teams is None else query.where(or_(Window.team_id.is_(None), Window.team_id.in_(teams)))


def of_kind(kind: str, by: Actor) -> Select[Any]:
    """The windows of a kind that this person may see."""
    query = select(Window).options(joinedload(Window.team), joinedload(Window.owner))
    return visible(query.where(Window.kind == kind), by)


def window_for(kind: str, key: str, by: Actor, action: str = "team.read") -> Window:
    """One by key (silences: by number), if this person may do `action` with it. Raises NotFound, Forbidden."""
    number = int(key) if key.isascii() and key.isdecimal() and len(key) < 18 else 0
    found = maintenance_by_key(key) if kind == "maintenance" else session.scalar(
        select(Window).where(Window.kind == kind, Window.id == number))
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


Names = dict[type[Service] | type[Team], dict[int, str]]


def _names(found: Sequence[Window], what: str) -> Names:
    """What the services and teams of these windows are called: their `key` or `name`."""
    named: Names = {}
    for model, ids in ((Service, [key for one in found for key in one.services]),
                       (Team, [key for one in found for key in one.teams])):
        query = select(model.id, getattr(model, what)).where(model.id.in_(ids))  # type: ignore[attr-defined]
        named[model] = {key: name for key, name in session.execute(query)} if ids else {}
    return named


def _scope_document(window: Window, keys: Names) -> dict[str, Any]:
    found = {"services": sorted(keys[Service][one] for one in window.services if one in keys[Service]),
             "teams": sorted(keys[Team][one] for one in window.teams if one in keys[Team]),
             "integrations": list(window.integrations), "labels": dict(window.labels)}
    return {name: value for name, value in found.items() if value}


def maintenance_document(window: Window) -> dict[str, Any]:
    """The window as the configuration document writes it."""
    return maintenance_documents([window])[0]


def maintenance_documents(found: Sequence[Window]) -> list[dict[str, Any]]:
    """The same of many."""
    keys = _names(found, "key")
    return [{"key": window.key, "name": window.name, "reason": window.reason,
             "team": window.team.key if window.team else None, **_scope_document(window, keys), "starts": window.starts[:16],
             "ends": window.ends[:16], "time_zone": window.time_zone, "repeat": dict(window.repeat) or None,
             "hold_pages": window.hold_pages, "page_critical": window.page_critical} for window in found]


def silence_document(window: Window) -> dict[str, Any]:
    """The silence as machines get it."""
    return silence_documents([window])[0]


def silence_documents(found: Sequence[Window]) -> list[dict[str, Any]]:
    """The same of many."""
    keys, now = _names(found, "key"), clock.now()
    return [{"id": str(window.id), "reason": window.reason, "team": window.team.key if window.team else None,
             "owner": {"email": window.owner.email, "name": window.owner.name} if window.owner else None,
             **_scope_document(window, keys), "starts": clock.rfc3339(start), "ends": clock.rfc3339(end),
             "page_critical": window.page_critical, "active": is_open(window, now)}
            for window in found for start, end in [_bounds(window)]]


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return tuple(datetime.fromisoformat(text).replace(tzinfo=clock.UTC) for text in (window.starts, window.ends))  # type: ignore[return-value]


def is_open(window: Window, at: datetime) -> bool:
    """Whether it holds pages at `at`."""
    return windows.span(plan_of(window), at) is not None


def in_words(found: Sequence[Window]) -> dict[int, list[str]]:
    """What each of these windows covers, for people."""
    names = _names(found, "name")
    return {one.id: [*sorted(names[Service][key] for key in one.services if key in names[Service]),
                     *(f"team {name}" for name in sorted(names[Team][key] for key in one.teams if key in names[Team])),
                     *(f"integration {key}" for key in one.integrations), *windows.labels_in_words(one.labels)]
            for one in found}
