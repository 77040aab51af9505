"""The pages of maintenance windows and silences: what is open, coming and past, and the forms with what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog import window_queries, windows
from app.catalog.models import Service, Window
from app.catalog.window_scope import INTEGRATIONS, OFFERED
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.matching import DAYS
from app.core.panels import panels
from app.identity.models import Team, User
from app.identity.queries import allow, may, may_anywhere

Form = Mapping[str, Sequence[str]]
Choices = list[tuple[str, str]]
PAST = timedelta(days=30)


@dataclass(frozen=True)
class Row:
    """A window: `start` and `end` are those of its present or next (or else its last) time."""

    id: int
    window: Window
    start: datetime
    end: datetime
    covers: list[str]
    repeats: str
    may_edit: bool


@dataclass(frozen=True)
class WindowsPage:
    """What holds pages now, what will, and what did in the last 30 days."""

    now: list[Row]
    coming: list[Row]
    past: list[Row]
    may_plan: bool
    may_silence: bool
    panels: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowForm:
    """The form of a window; `kind` is maintenance or silence, `teams` whose it may be, `covers` what it may cover."""

    kind: str
    window: Window | None
    values: Mapping[str, Any]
    teams: Choices
    covers: Mapping[str, Choices]
    may_be_nobodys: bool
    weekdays: Sequence[str] = DAYS
    errors: Mapping[str, str] = field(default_factory=dict)


def windows_page(by: Actor) -> WindowsPage:
    """The page. Windows of teams that the reader may not know of are left out."""
    allow(by, "team.read")
    at = clock.now()
    recent = Window.over_at.is_(None) | (Window.over_at > at - PAST)
    query = select(Window).where(recent).options(joinedload(Window.team), joinedload(Window.owner)).order_by(Window.id)
    found = list(session.scalars(window_queries.visible(query, by)))
    words = window_queries.in_words(found)
    placed: dict[str, list[Row]] = {"now": [], "coming": [], "past": []}
    for window in found:
        place, row = _placed(window, at, words[window.id], by)
        placed[place].append(row)
    for rows in placed.values():
        rows.sort(key=lambda row: row.start)
    return WindowsPage(**placed, may_plan=may_anywhere(by, "maintenance.edit"),
                       may_silence=may_anywhere(by, "silence.edit"), panels=panels("windows", placed["now"]))


def _placed(window: Window, at: datetime, words: list[str], by: Actor) -> tuple[str, Row]:
    plan = window_queries.plan_of(window)
    here, ahead = windows.span(plan, at), windows.coming(plan, at, 1)
    place = "now" if here else "coming" if ahead else "past"
    start, end = here or (ahead[0] if ahead else _last(window, plan))
    return place, Row(window.id, window, start, end, words, repeats(window.repeat),
                      may(by, f"{window.kind}.edit", team_id=window.team_id))


def _last(window: Window, plan: windows.Plan) -> tuple[datetime, datetime]:
    over = window.over_at or clock.now()
    return over - (plan.ends - plan.starts), min(over, window.not_before or over)


def repeats(repeat: Mapping[str, Any]) -> str:
    """`every 2 weeks on Sun until 2026-05-01`; "" for once."""
    if not repeat:
        return ""
    every, unit = int(repeat.get("every") or 1), repeat["unit"]
    days = ", ".join(day.capitalize() for day in repeat.get("days") or ())
    return f"every {unit if every == 1 else f'{every} {unit}s'}{f' on {days}' if days else ''}" + (
        f" until {repeat['until'][:10]}" if repeat.get("until") else "")


def read(form: Form, window: Window | None, kind: str) -> dict[str, Any]:
    """The typed text as values for the commands."""
    names = ("name", "reason", "team", "starts", "ends", "time_zone", "for")
    values: dict[str, Any] = {name: _one(form, name) for name in names if name in form}
    values |= {name: [key for key in form.get(name, ()) if key] for name in ("services", "teams", "integrations")}
    values["labels"] = dict(pair for line in _one(form, "labels").splitlines() if (pair := _pair(line)))
    values |= {name: bool(_one(form, name)) for name in ("page_critical",)}
    if kind == "maintenance":
        values["key"] = window.key if window else _one(form, "key")
        values["hold_pages"] = bool(_one(form, "hold_pages"))
        values["repeat"] = {"unit": _one(form, "unit"), "every": _one(form, "every"), "until": _one(form, "until"),
                            "days": [day for day in DAYS if day in form.get("days", ())]}
    return values


def _one(form: Form, name: str) -> str:
    return form[name][0].strip() if form.get(name) else ""


def _pair(line: str) -> tuple[str, Any] | None:
    """`env = prod*, staging` is a label with two values."""
    name, found, value = line.partition("=")
    parts = [value.strip()] if value.strip().startswith("re:") else [part.strip() for part in value.split(",")]
    return (name.strip(), parts if len(parts) > 1 else parts[0]) if found and name.strip() else None


def shown(kind: str, window: Window | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
          invalid: Invalid | None = None) -> WindowForm:
    """The form with the present values, or with what was typed."""
    action = f"{kind}.edit"
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, action, team_id=team.id)]
    mine = [team.id for team in teams]
    services = session.scalars(select(Service).where(Service.team_id.in_(mine), Service.lifecycle != "archived")
                               .order_by(Service.name))
    senders = select(INTEGRATIONS.c.key).where(
        INTEGRATIONS.c.team_id.in_(mine) | INTEGRATIONS.c.team_id.is_(None), OFFERED)
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field.partition("[")[0].partition(".")[0], problem.message)
    has = window_queries.maintenance_document(window) if window else {}
    own = [(team.key, team.name) for team in teams]
    return WindowForm(kind=kind, window=window, values=_values(window, typed, by), errors=errors,
                      teams=own, may_be_nobodys=may(by, action), covers={
                          "services": _and([(one.key, one.name) for one in services], has.get("services")),
                          "teams": _and(own, has.get("teams")),
                          "integrations": _and([(key, key) for key in session.scalars(senders.order_by(INTEGRATIONS.c.key))],
                                               has.get("integrations"))})


def _and(choices: Choices, covered: Sequence[str] | None) -> Choices:
    """Also what it covers already and its reader could not choose: what is not offered would be lost on saving."""
    offered = {key for key, _ in choices}
    return [*choices, *((key, key) for key in covered or () if key not in offered)]


def _values(window: Window | None, typed: Mapping[str, Any] | None, by: Actor) -> dict[str, Any]:
    if typed is None:
        typed = window_queries.maintenance_document(window) if window else _fresh(by)
    labels = [f"{name}={', '.join(map(str, value)) if isinstance(value, list) else value}"
              for name, value in (typed.get("labels") or {}).items()]
    return {**typed, "labels": "\n".join(labels), "repeat": typed.get("repeat") or {}}


def _fresh(by: Actor) -> dict[str, Any]:
    """From the next full hour of the reader's zone, for two hours."""
    person = session.get(User, by.user_id) if by.user_id is not None else None
    zone = person.time_zone if person else "UTC"
    hour = clock.now().astimezone(ZoneInfo(zone)).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    times = {name: f"{hour + timedelta(hours=ahead):%Y-%m-%dT%H:%M}" for name, ahead in (("starts", 1), ("ends", 3))}
    return {**times, "time_zone": zone, "hold_pages": True, "for": "2h"}
