"""The page of one service, and the graph of what depends on what: of all, of a team, or around one service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.catalog import graph
from app.catalog.models import Service
from app.catalog.queries import SHOWN_BY_DEFAULT, dependency_edges, service_for, team_choices, used, visible
from app.catalog.rules import distances, reversed_edges
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.events import Event, sentence
from app.core.panels import panels
from app.identity.models import Team
from app.identity.queries import allow, may

MOST, DEEPEST, DEPTH = 200, 20, 2


@dataclass(frozen=True)
class Node:
    """A box of the drawing, and a row of the table below it."""

    service: Service
    box: graph.Box
    tone: str
    state: str
    needs: list[Service]
    needed_by: list[Service]
    focus: bool


@dataclass(frozen=True)
class GraphPage:
    """A drawing with its table. `alone` have no dependencies, `more_alone` is how many of these more there are; `cut` is how
    many services more than fit it would show."""

    title: str
    focus: Service | None
    nodes: list[Node]
    alone: list[Service]
    more_alone: int
    arrows: list[graph.Arrow]
    hot: set[int]
    width: int
    height: int
    cut: int
    depth: int
    team: str
    team_choices: list[tuple[str, str]]

    @property
    def table_url(self) -> str:
        """The directory with the same services."""
        return f"/services?{urlencode({'team': self.team})}" if self.team else "/services"


@dataclass(frozen=True)
class Change:
    """What somebody changed, as a sentence."""

    text: str
    at: datetime


@dataclass(frozen=True)
class ServicePage:
    """One service: what lies around it, how it came to be so; `in_use` says what names it."""

    service: Service
    graph: GraphPage
    changes: list[Change]
    may_edit: bool
    may_accept: bool
    in_use: str
    may_page: bool
    panels: dict[str, Any] = field(default_factory=dict)


def graph_page(by: Actor, args: Mapping[str, str], key: str = "") -> GraphPage:
    """The graph around the service `key`, or of all services (of `args["team"]`). Raises NotFound."""
    allow(by, "team.read")
    focus = service_for(key, by) if key else None
    depth = _depth(args.get("depth", ""))
    edges = dependency_edges()
    wanted = _seen_of(_around(focus.id, edges, depth), by) if focus else _chosen(by, args.get("team", ""))
    tied = _tied(wanted, edges, focus)
    drawn, alone = [key for key in wanted if key in tied], [key for key in wanted if key not in tied]
    shown = seen([*drawn[:MOST], *alone[:MOST]], by)  # of thousands only these are read
    return GraphPage(
        title=f"Around {focus.name}" if focus else "Dependencies", focus=focus, depth=depth,
        cut=len(drawn[MOST:]), alone=[service for service in shown if service.id not in tied],
        more_alone=len(alone[MOST:]), team=args.get("team", ""), team_choices=team_choices(by),
        **_drawn([service for service in shown if service.id in tied], edges, focus))


def service_page(key: str, by: Actor) -> ServicePage:
    """Everything the page of one service shows. Raises NotFound."""
    service = service_for(key, by)
    changes = session.scalars(select(Event).where(Event.subject == service.ref, Event.kind.like("service.%"))
                              .order_by(Event.id.desc()).limit(10))
    named = [f"{what}: {', '.join(names[:5])}" for what, names in used(service, by).items() if names]
    offered = service.offered_team_id
    return ServicePage(
        service=service, graph=graph_page(by, {"depth": "1"}, service.key),
        changes=[Change(sentence(event), event.at) for event in changes],
        may_edit=may(by, "service.edit", team_id=service.team_id),
        may_accept=offered is not None and may(by, "service.edit", team_id=offered),
        in_use=f" It is in use. {'; '.join(named)}." if named else "",
        may_page=may(by, "incident.create", team_id=service.team_id), panels=panels("service", service))


def _depth(text: str) -> int:
    return min(max(int(text), 1), DEEPEST) if text.isascii() and text.isdecimal() and len(text) < 4 else DEPTH


def _around(focus: int, edges: Mapping[int, set[int]], depth: int) -> list[int]:
    """The service and what lies within `depth` steps each way, nearest first; siblings are not on the way."""
    back = reversed_edges(edges)
    found = {**distances(edges, focus, depth), **distances(back, focus, depth)}
    return [focus, *sorted(found, key=lambda service: (found[service], service))]


def _chosen(by: Actor, team: str) -> list[int]:
    query = visible(select(Service.id).where(Service.lifecycle.in_(SHOWN_BY_DEFAULT)), by).order_by(Service.name)
    if team:
        owner = session.scalar(select(Team).where(Team.key == team))
        if owner is None:
            raise NotFound(f"There is no team {team}")
        query = query.where(Service.team_id == owner.id)
    return list(session.scalars(query))


def _seen_of(wanted: Sequence[int], by: Actor) -> list[int]:
    found = set(session.scalars(visible(select(Service.id).where(Service.id.in_(wanted)), by)))
    return [key for key in wanted if key in found]


def seen(wanted: Sequence[int], by: Actor) -> list[Service]:
    """Those that this person may see, in their order."""
    query = visible(select(Service).where(Service.id.in_(wanted)), by).options(selectinload(Service.team))
    found = {service.id: service for service in session.scalars(query)}
    return [found[key] for key in wanted if key in found]


def _tied(seen: Sequence[int], edges: Mapping[int, set[int]], focus: Service | None) -> set[int]:
    """Those with an edge to another one that is seen; the focus always."""
    inside = set(seen)
    ahead = {here: out & inside for here, out in edges.items() if here in inside and out & inside}
    return {*ahead, *(there for out in ahead.values() for there in out), *([focus.id] if focus else [])}


def _drawn(shown: Sequence[Service], edges: Mapping[int, set[int]], focus: Service | None) -> dict[str, Any]:
    """The drawing in places, with the state of each service in words."""
    by_id = {service.id: service for service in shown}
    drawing = graph.lay_out(by_id, edges)
    ahead = _inside(drawing.arrows)
    back = reversed_edges(ahead)
    states = _states(shown)
    nodes = [Node(service, drawing.boxes[service.id], *states[service.id], _named(ahead.get(service.id, ()), by_id),
                  _named(back.get(service.id, ()), by_id), focus is not None and service.id == focus.id)
             for service in shown]
    hot = {service for service, (tone, _) in states.items() if tone == "danger"}
    return {"nodes": nodes, "arrows": drawing.arrows, "hot": hot, "width": drawing.width, "height": drawing.height}


def _inside(arrows: Iterable[graph.Arrow]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for arrow in arrows:
        found.setdefault(arrow.start, set()).add(arrow.end)
    return found


def _named(ids: Iterable[int], by_id: Mapping[int, Service]) -> list[Service]:
    return sorted((by_id[key] for key in ids), key=lambda service: service.name.lower())


def _states(shown: Sequence[Service]) -> dict[int, tuple[str, str]]:
    """Tone and words for each service, as the domain of incidents knows them."""
    said: dict[int, tuple[str, str]] = {}
    for panel in panels("graph", list(shown)).values():
        said.update(panel)
    quiet = {service.id: ("calm", "no incident") for service in shown}
    past = {service.id: ("quiet", service.lifecycle) for service in shown if service.lifecycle == "archived"}
    return {**quiet, **past, **said}
