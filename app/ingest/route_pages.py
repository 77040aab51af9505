"""The pages of routes: the table, and the form of one with what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound
from app.core.matching import DAYS, in_words
from app.identity.queries import allow, may
from app.incidents.rules import SEVERITIES
from app.ingest import route_store, routing
from app.ingest.models import Route
from app.ingest.route_trial import Trial

Form = Mapping[str, Sequence[str]]
ROWS = 30
SUGGESTED = ("severity", "title", "body", "labels.env", "labels.team", "integration", "service", "status", "key", "url")


@dataclass(frozen=True)
class Row:
    """A route as a line of the table: what it asks and what it does, in words."""

    id: int
    route: Route
    when: list[str]
    then: list[str]
    hits: int
    suppressed: int


@dataclass(frozen=True)
class RoutesPage:
    """The table of routes, in their order."""

    rows: list[Row]
    may_edit: bool


@dataclass(frozen=True)
class RouteForm:
    """The form. `conditions` are (field, values) as typed; `then` holds what stands in the other fields."""

    route: Route | None
    name: str
    conditions: list[tuple[str, str]]
    days: list[str]
    then: Mapping[str, Any]
    services: list[tuple[str, str]]
    severities: list[tuple[str, str]]
    suggested: Sequence[str] = SUGGESTED
    weekdays: Sequence[str] = DAYS
    errors: Mapping[str, str] = field(default_factory=dict)
    trial: Trial | None = None


def routes_page(by: Actor) -> RoutesPage:
    """The page of all routes that the reader may see."""
    allow(by, "route.read")
    hits = route_store.hits()
    rows = [Row(one.id, one, _when(one.when), _then(one), *hits.get(one.id, (0, 0)))
            for one in session.scalars(route_store.visible(by))]
    return RoutesPage(rows, may(by, "route.edit"))


def route_for(name: str, by: Actor) -> Route:
    """The route, if this person may change routes. Raises NotFound, Forbidden."""
    allow(by, "route.edit")
    found = route_store.route_by_name(name)
    if found is None:
        raise NotFound
    return found


def _when(when: Mapping[str, Any]) -> list[str]:
    told = [f"{name.removeprefix('labels.')} is {in_words(value)}" for name, value in when.items()
            if name not in routing.HOURS]
    if any(when.get(name) for name in routing.HOURS):
        days = ", ".join(day.capitalize() for day in when.get("days") or ()) or "every day"
        told.append(f"{days} {when.get('from', '00:00')} to {when.get('to', '24:00')} {when.get('time_zone', 'UTC')}")
    return told or ["every signal"]


def _then(route: Route) -> list[str]:
    then = route.then
    words = [f"to {route.service.name}{', whatever else it names' if then.get('override') else ''}"] if route.service else []
    words += ["opens nothing"] if then.get("suppress") else []
    words += [f"{name} {then[name]}" for name in ("severity", "urgency") if then.get(name)]
    words += [f"waits {then['delay']} before the first page"] if then.get("delay") else []
    words += [f"label {name}={value}" for name, value in (then.get("labels") or {}).items()]
    return [*words, *([f"key {then['dedup_key']}"] if then.get("dedup_key") else [])]


def read(form: Form, route: Route | None) -> dict[str, Any]:
    """The typed text as values for `save_route`."""
    when: dict[str, Any] = {name: _value(text) for name, text in _conditions(form) if name}
    if form.get("days"):
        when["days"] = [day for day in DAYS if day in form["days"]]
    when |= {name: _one(form, name) for name in ("from", "to", "time_zone") if _one(form, name)}
    then: dict[str, Any] = {name: _one(form, name) for name in ("service", "severity", "urgency", "delay", "dedup_key")}
    then |= {name: bool(_one(form, name)) for name in ("suppress", "override")}
    then["labels"] = dict(pair for line in _one(form, "labels").splitlines() if (pair := _pair(line)))
    name = route.name if route else _one(form, "name")
    return {"name": name, "when": when, "then": {key: value for key, value in then.items() if value},
            "continue": bool(_one(form, "continue"))}


def _one(form: Form, name: str) -> str:
    return form[name][0].strip() if form.get(name) else ""


def _conditions(form: Form) -> list[tuple[str, str]]:
    rows = [(_one(form, f"field-{at}"), _one(form, f"value-{at}")) for at in range(ROWS)]
    return [row for row in rows if any(row)]


def _value(text: str) -> Any:
    """`prod*, staging` is any of both; a pattern is one value, whatever it holds; nothing at all means absent."""
    if text.startswith("re:"):
        return text
    parts = [None if part in ("", "null") else part for part in (piece.strip() for piece in text.split(","))]
    return parts if len(parts) > 1 else parts[0]


def _pair(line: str) -> tuple[str, str] | None:
    name, found, value = line.partition("=")
    return (name.strip(), value.strip()) if found and name.strip() else None


def _text(value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    return ", ".join("null" if item is None else str(item) for item in items)


def shown(route: Route | None, *, typed: Form | None = None, invalid: Invalid | None = None,
          more: bool = False, trial: Trial | None = None) -> RouteForm:
    """The form with the present values, or with what was typed; `more` adds an empty row."""
    values = read(typed, route) if typed is not None else route_store.route_document(route) if route else {}
    when, then = dict(values.get("when") or {}), dict(values.get("then") or {})
    conditions = _conditions(typed) if typed is not None else [
        (name, _text(value)) for name, value in when.items() if name not in routing.HOURS]
    then["labels"] = "\n".join(f"{name}={value}" for name, value in (then.get("labels") or {}).items())
    then |= {name: when.get(name, "") for name in ("from", "to", "time_zone")} | {"continue": values.get("continue")}
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field, problem.message)
    services = session.scalars(select(Service).where(Service.lifecycle != "archived").options(
        joinedload(Service.team)).order_by(Service.name))
    return RouteForm(route=route, name=str(values.get("name", "")), days=list(when.get("days") or []), then=then,
                     trial=trial, conditions=[*conditions, *[("", "")] * (1 + more if conditions else 2)], errors=errors,
                     services=[(one.key, f"{one.name} ({one.team.name})") for one in services],
                     severities=[(name, name.capitalize()) for name in SEVERITIES])
