"""Figures over incidents and sources, each filtered by what the reader may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, true

from app.catalog.models import Service
from app.catalog.queries import service_by_key, tagged
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team
from app.identity.queries import allow, may, team_by_key, visible_teams
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.ingest.queries import SELF_TEST
from app.insights import spans, times
from app.insights.cells import Cell, Cells
from app.insights.columns import Chosen, Columns
from app.insights.days import read
from app.insights.filters import Filters
from app.insights.models import IncidentFact
from app.insights.rules import LISTED, SOON, Stats
from app.insights.times import Response

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

    @property
    def route(self) -> dict[str, str]:
        """What the form of a route for this source begins with; the key of an alert stands for itself alone."""
        plain = not set(self.name) & set("*,") and not self.name.startswith("re:")
        return {"name": f"Quieter {self.name}"[:60], "field-0": self.kind,
                "value-0": self.name if plain else f"re:^{re.escape(self.name)}$"}


def chosen(filters: Filters, by: Actor) -> Chosen:
    """Whose incidents the filters choose, of those the reader may see. Raises NotFound for keys of what is not there, also
    of what is hidden."""
    allow(by, "incident.read")
    teams, services = visible_teams(by), None
    if filters.service:
        services = frozenset({_service(filters.service, by).id})
    if filters.tag:
        found = frozenset(session.scalars(select(Service.id).where(tagged(filters.tag, whole=True))))
        services = found if services is None else services & found
    return Chosen(
        int(filters.since.timestamp()), int(filters.until.timestamp()), None if teams is None else frozenset(teams),
        team=team_for(filters.team, by).id if filters.team else None, services=services,
        integration=_integration(filters.integration, by) if filters.integration else None,
        severity=filters.severity, urgency=filters.urgency)


def days(filters: Filters, by: Actor, *names: str) -> list[Columns]:
    """The incidents that count, day by day, in these columns and that of the opening."""
    return read(chosen(filters, by), *names)


def scope(filters: Filters, by: Actor) -> list[ColumnElement[bool]]:
    """The same as conditions."""
    one = chosen(filters, by)
    found: list[ColumnElement[bool]] = [Fact.opened >= one.since, Fact.opened < one.until]
    if one.teams is not None:
        found.append(or_(Fact.team_id.in_(one.teams), Fact.team_id.is_(None)))
    if one.services is not None:
        found.append(Fact.service_id.in_(one.services))
    for name, value in (("team_id", one.team), ("integration_id", one.integration)):
        if value is not None:
            found.append(getattr(Fact, name) == value)
    return found + [getattr(Fact, name) == value for name in ("severity", "urgency") if (value := getattr(one, name))]


def team_for(key: str, by: Actor) -> Team:
    """A team the reader may know of. Raises NotFound."""
    team = team_by_key(key)
    if team is None or not may(by, "incident.read", team_id=team.id):
        raise NotFound(f"There is no team {key}")
    return team


def _service(key: str, by: Actor) -> Service:
    service = service_by_key(key)
    if service is None or not may(by, "incident.read", team_id=service.team_id):
        raise NotFound(f"There is no service {key}")
    return service


def _integration(key: str, by: Actor) -> int:
    row = session.execute(select(Integration.id, Integration.team_id).where(Integration.key == key)).first()
    if row is None or not may(by, "incident.read", team_id=row.team_id):
        raise NotFound(f"There is no integration {key}")
    return int(row.id)


def cells(filters: Filters, by: Actor) -> Mapping[str, Cells]:
    """The incidents that count in cells of which times and groups are told."""
    return spans.read(chosen(filters, by), "teams", "services", "levels")


def response(filters: Filters, by: Actor) -> Response:
    """How the incidents that count were answered."""
    return times.response(spans.read(chosen(filters, by), "teams")["teams"])


def groups(found: Mapping[str, Cells], by: Actor, *, most: int | None = None) -> dict[str, tuple[list[Group], int]]:
    """The same of each team, service and severity, most incidents first, and how many there are: all of them, or the first
    so many of each, these without the highest percentiles."""
    return {dimension: _named(dimension, times.groups(found[kind], dimension), by, most)
            for dimension, kind in (("team", "teams"), ("service", "services"), ("severity", "levels"))}


def _named(dimension: str, found: Mapping[Any, list[Cell]], by: Actor, most: int | None) -> tuple[list[Group], int]:
    known_as = names(dimension, by, found)
    order = sorted((-times.number(some), *known_as.get(value, ("", "nobody's" if value is None else "hidden"))[::-1], value)
                   for value, some in found.items() if some)
    return [Group(key, name, -number, *times.stats(found[value], brief=most is not None))
            for number, name, key, value in order[:most]], len(order)


def known(model: Model, by: Actor) -> ColumnElement[bool]:
    """Those of a team that the reader may see, and those of none."""
    teams, column = visible_teams(by), Team.id if model is Team else model.team_id  # type: ignore[union-attr]
    theirs = true() if teams is None else or_(column.in_(teams), column.is_(None))
    return theirs & (Integration.key != SELF_TEST) if model is Integration else theirs


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
    found = []
    for kind, some in spans.sources(chosen(filters, by)).items():
        rows = {value if kind == "key" else int(value): numbers for value, numbers in some.items() if numbers[0] >= LISTED}
        known_as = names(kind, by, rows)
        found += [Source(kind, *known_as[value], *numbers) for value, numbers in rows.items() if value in known_as]
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
    """Those that waited longest for a person: which these are an index tells alone, so that no other is looked at."""
    order = Fact.acknowledged.desc(), Fact.incident_id.desc()
    first = select(Fact.incident_id).where(*scope(filters, by), FIGURES["acknowledged"][1]).order_by(*order).limit(limit)
    rows = session.execute(listed(filters, by, "acknowledged").where(
        Fact.incident_id.in_(list(session.scalars(first)))).order_by(None).order_by(*order))
    return [(row[0], row[1]) for row in rows]
