"""Figures over incidents, sources and deliveries: sums in the database, each filtered by what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, true

from app.catalog.models import Service
from app.catalog.queries import service_by_key
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team
from app.identity.queries import allow, may, team_by_key, visible_teams
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.insights.filters import Filters
from app.insights.models import IncidentFact
from app.insights.rules import HOUR, LISTED, SOON, Stats, instant, offsets, stats

AT_A_TIME = 500
Fact = IncidentFact
Model = type[Team] | type[Service] | type[Integration]
FIGURES: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    "all": ("Incidents", Fact.opened >= 0), "acknowledged": ("Acknowledged by a person", Fact.acknowledged.is_not(None)),
    "never": ("Resolved and never acknowledged", Fact.acknowledged.is_(None) & Fact.resolved.is_not(None)),
    "resolved": ("Resolved", Fact.resolved.is_not(None)), "automatic": ("Answered by a machine first", Fact.automatic),
    "level-1": ("Answered at level 1", Fact.answered_level == 1), "escalated": ("Went beyond level 1", Fact.level > 1),
    "noise": ("Noise", Fact.noise | (Fact.unaided & (Fact.resolved < SOON))), "flapping": ("Flapping", Fact.flapping),
}
"""What an incident may be counted as: the words, and when it is."""


@dataclass(frozen=True)
class Response:
    """How incidents were answered."""

    incidents: int
    acknowledge: Stats
    resolve: Stats
    never: int
    automatic: int
    answered: int
    level_1: int
    escalated: int


@dataclass(frozen=True)
class Group:
    """The same of one team, service or severity: `key` chooses it as a filter."""

    key: str
    name: str
    incidents: int
    acknowledge: Stats
    resolve: Stats


@dataclass(frozen=True)
class Source:
    """What may make noise: an integration, a service or a key of alerts."""

    kind: str
    key: str
    name: str
    incidents: int
    pages: int
    noise: int
    marked: int
    flapping: int

    @property
    def share(self) -> int:
        """How much of it was noise, in percent."""
        return round(100 * self.noise / self.incidents)


def scope(filters: Filters, by: Actor) -> list[ColumnElement[bool]]:
    """The incidents that the filters choose, of those the reader may see. Raises NotFound for keys of what is not there,
    also of what is hidden."""
    allow(by, "incident.read")
    found: list[ColumnElement[bool]] = [Fact.opened >= int(filters.since.timestamp()),
                                        Fact.opened < int(filters.until.timestamp())]
    teams = visible_teams(by)
    if teams is not None:
        found.append(or_(Fact.team_id.in_(teams), Fact.team_id.is_(None)))
    if filters.team:
        found.append(Fact.team_id == team_for(filters.team, by).id)
    if filters.service:
        found.append(Fact.service_id == _service(filters.service, by).id)
    if filters.integration:
        found.append(Fact.integration_id == _integration(filters.integration, by))
    if filters.tag:
        found.append(Fact.service_id.in_([one.id for one in session.scalars(select(Service)) if filters.tag in one.tags]))
    return found + [getattr(Fact, name) == value for name in ("severity", "urgency") if (value := getattr(filters, name))]


def team_for(key: str, by: Actor) -> Team:
    """A team the reader may know of. Raises NotFound."""
    team = team_by_key(key)
    if team is None or not may(by, "team.read", team_id=team.id):
        raise NotFound(f"There is no team {key}")
    return team


def _service(key: str, by: Actor) -> Service:
    service = service_by_key(key)
    if service is None or not may(by, "incident.read", team_id=service.team_id):
        raise NotFound(f"There is no service {key}")
    return service


def _integration(key: str, by: Actor) -> int:
    row = session.execute(select(Integration.id, Integration.team_id).where(Integration.key == key)).first()
    if row is None or not may(by, "integration.read", team_id=row.team_id):
        raise NotFound(f"There is no integration {key}")
    return int(row.id)


def response(filters: Filters, by: Actor) -> Response:
    """How the incidents of the period were answered."""
    chosen = scope(filters, by)
    number, *counts = session.execute(select(func.count(), *(
        func.coalesce(func.sum(case((FIGURES[name][1], 1), else_=0)), 0)
        for name in ("never", "automatic", "acknowledged", "level-1", "escalated"))).where(*chosen)).one()
    return Response(number, stats(_counted(Fact.acknowledged, chosen)), stats(_counted(Fact.resolved, chosen)), *counts)


def _counted(column: Any, chosen: list[ColumnElement[bool]]) -> dict[int, int]:
    rows = session.execute(select(column, func.count()).where(*chosen, column.is_not(None)).group_by(column))
    return {value: count for value, count in rows}


def by_day(filters: Filters, by: Actor) -> list[tuple[date, str, int]]:
    """How many incidents of which severity were opened on each local day."""
    rows = _by_clock(filters, by, 86400, Fact.severity)
    return [(instant(at).date(), severity, number) for at, severity, number in rows]


def answered_by_day(filters: Filters, by: Actor) -> list[tuple[date, int, int]]:
    """How many incidents of each local day were answered after how many seconds."""
    rows = _by_clock(filters, by, 86400, Fact.acknowledged, Fact.acknowledged.is_not(None))
    return [(instant(at).date(), seconds, number) for at, seconds, number in rows]


def by_hour(filters: Filters, by: Actor) -> list[tuple[int, int, int]]:
    """How many incidents were opened at each weekday (Monday is 0) and hour of the local clock."""
    found: dict[tuple[int, int], int] = {}
    for at, _, number in _by_clock(filters, by, HOUR, Fact.urgency):
        place = (instant(at).weekday(), instant(at).hour)
        found[place] = found.get(place, 0) + number
    return [(*place, number) for place, number in found.items()]


def _by_clock(filters: Filters, by: Actor, size: int, value: Any, *also: Any) -> Iterator[tuple[int, Any, int]]:
    """Counts by the beginning of each piece of the local clock, written as if it were UTC, and by a value. The period is
    asked for in parts between which the clock was moved, so that the database can reckon."""
    chosen = [*scope(filters, by), *also]
    for start, end, offset in offsets(filters.since, filters.until, filters.zone):
        local = Fact.opened + offset
        piece = (local - local % size).label("piece")
        yield from ((int(at), one, number) for at, one, number in session.execute(select(piece, value, func.count()).where(
            *chosen, Fact.opened >= start, Fact.opened < end).group_by(piece, value)))


def groups(filters: Filters, by: Actor, dimension: str) -> list[Group]:
    """The same for each `team`, `service` or `severity`, most incidents first."""
    column = {"team": Fact.team_id, "service": Fact.service_id, "severity": Fact.severity}[dimension]
    chosen, found = scope(filters, by), {}
    for value, number in session.execute(select(column, func.count()).where(*chosen).group_by(column)):
        found[value] = number
    seconds = {name: _by(column, getattr(Fact, name), chosen) for name in ("acknowledged", "resolved")}
    known_as = names(dimension, by, found)
    made = [Group(*known_as.get(value, ("", "nobody's" if value is None else "hidden")), number,
                  stats(seconds["acknowledged"].get(value, {})), stats(seconds["resolved"].get(value, {})))
            for value, number in found.items()]
    return sorted(made, key=lambda one: (-one.incidents, one.name))


def _by(column: Any, measure: Any, chosen: list[ColumnElement[bool]]) -> dict[Any, dict[int, int]]:
    found: dict[Any, dict[int, int]] = {}
    for value, seconds, number in session.execute(select(column, measure, func.count()).where(
            *chosen, measure.is_not(None)).group_by(column, measure)):
        found.setdefault(value, {})[seconds] = number
    return found


def known(model: Model, by: Actor) -> ColumnElement[bool]:
    """Those of a team that the reader may see, and those of none."""
    teams, column = visible_teams(by), Team.id if model is Team else model.team_id  # type: ignore[union-attr]
    return true() if teams is None else or_(column.in_(teams), column.is_(None))


def names(dimension: str, by: Actor, ids: Iterable[Any] | None = None) -> dict[Any, tuple[str, str]]:
    """Key and name of what a dimension's values mean, of all values unless told which; hidden ones are left out."""
    models: Mapping[str, Model] = {"team": Team, "service": Service, "integration": Integration}
    if dimension not in models:
        return {one: (one, one) for one in ids or ()}
    model = models[dimension]
    query = select(model.id, model.key, model.key if model is Integration else model.name)  # type: ignore[union-attr]
    if ids is not None:
        query = query.where(model.id.in_([one for one in ids if one is not None]))
    return {row[0]: (row[1], row[2]) for row in session.execute(query.where(known(model, by)))}


def sources(filters: Filters, by: Actor) -> list[Source]:
    """Integrations, services and keys with enough incidents to say something, the noisiest first."""
    chosen, found = scope(filters, by), []
    noise, marked, flapping = (func.sum(case((condition, 1), else_=0)) for condition in (
        FIGURES["noise"][1], Fact.noise, Fact.flapping))
    for kind, column in (("integration", Fact.integration_id), ("service", Fact.service_id), ("key", Fact.dedup_key)):
        rows = session.execute(select(column, func.count(), func.sum(Fact.pages), noise, marked, flapping).where(
            *chosen, column.is_not(None), *([Fact.dedup_key != ""] if kind == "key" else [])).group_by(column)
            .having(func.count() >= LISTED)).all()
        known_as = names(kind, by, [row[0] for row in rows])
        found += [Source(kind, *known_as[row[0]], *(int(value or 0) for value in row[1:]))
                  for row in rows if row[0] in known_as]
    return sorted(found, key=lambda one: (-one.share, -one.incidents, one.kind, one.name))[:100]


def listed(filters: Filters, by: Actor, figure: str) -> Select[Any]:
    """The incidents that a figure counts, newest first, with what is known of each. Raises NotFound."""
    if figure not in FIGURES:
        raise NotFound(f"There is no figure {figure}")
    return select(Fact, Incident.title).join(Incident, Incident.id == Fact.incident_id).where(
        *scope(filters, by), FIGURES[figure][1]).order_by(Fact.opened.desc(), Fact.incident_id.desc())


def streamed(query: Select[Any]) -> Iterator[Any]:
    """The rows of such a list a few at a time, on a connection of their own: the request is over before they are."""
    place = session.get_bind()
    found = query.with_only_columns(*Fact.__table__.columns, Incident.title)

    def read() -> Iterator[Any]:
        with place.connect() as connection:  # type: ignore[union-attr]
            yield from connection.execution_options(yield_per=AT_A_TIME).execute(found)
    return read()


def slowest(filters: Filters, by: Actor, limit: int = 10) -> list[tuple[IncidentFact, str]]:
    """Those that waited longest for a person."""
    rows = session.execute(listed(filters, by, "acknowledged").order_by(None).order_by(
        Fact.acknowledged.desc(), Fact.incident_id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]
