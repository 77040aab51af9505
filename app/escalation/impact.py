"""What an incident may affect and what may be its cause, with who is on duty there: read from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.catalog.models import Service
from app.catalog.queries import dependency_edges, visible
from app.catalog.rules import distances, reversed_edges
from app.core.access import Actor
from app.core.db import session
from app.core.panels import panels
from app.escalation.service_panels import duty_of
from app.incidents.models import Incident

STEPS, MOST = 5, 12


@dataclass(frozen=True)
class Neighbour:
    """A service nearby: how far, whose, who is on duty, and its state where it has an open incident."""

    service: Service
    distance: int
    on_duty: list[str]
    tone: str
    state: str


@dataclass(frozen=True)
class Impact:
    """The panel of an incident's page; `more` counts what is not listed."""

    affected: list[Neighbour]
    more: int
    causes: list[Neighbour]
    template: str = "panels/incident-impact.html"

    def __bool__(self) -> bool:
        return bool(self.affected or self.causes)


def around(incident: Incident, by: Actor) -> Impact:
    """Dependents within five steps, and dependencies that have an open incident; only what this person may see."""
    if incident.service_id is None or incident.status == "resolved":
        return Impact([], 0, [])
    edges = dependency_edges()
    hit = _seen(distances(reversed_edges(edges), incident.service_id, STEPS), by)
    needed = _seen(distances(edges, incident.service_id, STEPS), by)
    states = _states([*hit, *needed])
    causes = {service: distance for service, distance in needed.items() if service.id in states}
    near = dict(list(hit.items())[:MOST])
    duty = duty_of([*near, *causes])
    return Impact(_told(near, states, duty), len(hit) - len(near), _told(causes, states, duty))


def _states(services: list[Service]) -> dict[int, tuple[str, str]]:
    """Tone and words of those with an open incident."""
    return {key: said for panel in panels("graph", services).values() for key, said in panel.items()}


def _seen(distances: Mapping[int, int], by: Actor) -> dict[Service, int]:
    query = visible(select(Service).where(Service.id.in_(distances), Service.lifecycle != "archived"), by)
    found = {service.id: service for service in session.scalars(query.options(selectinload(Service.team)))}
    return {found[key]: distance for key, distance in distances.items() if key in found}


def _told(services: Mapping[Service, int], states: Mapping[int, tuple[str, str]],
          duty: Mapping[int, list[str]]) -> list[Neighbour]:
    return [Neighbour(service, distance, duty.get(service.id, []), *states.get(service.id, ("calm", "")))
            for service, distance in services.items()]
