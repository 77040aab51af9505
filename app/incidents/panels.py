"""What incidents add to the pages of services: what is open, what was, and how fast it was dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.catalog.models import Service
from app.core import clock
from app.core.db import session
from app.core.panels import Use
from app.incidents.models import Incident
from app.incidents.rules import worst

OPEN = ("triggered", "acknowledged")
SPAN = timedelta(days=90)


@dataclass(frozen=True)
class ServiceIncidents:
    """The figures and newest incidents of one service; means are seconds, None where there is nothing to count."""

    open: int
    triggered: int
    worst: str
    recent: list[Incident]
    in_span: int
    to_acknowledge: float | None
    to_resolve: float | None
    template: str = "panels/service-incidents.html"
    rail: bool = False


@dataclass(frozen=True)
class OpenCell:
    """How many incidents of a service are open, and how bad the worst is."""

    count: int
    worst: str


@dataclass(frozen=True)
class OpenColumn:
    """The column of the directory, by service id."""

    cells: dict[int, OpenCell]
    heading: str = "Open"
    template: str = "panels/services-open.html"


def of_service(service: Service) -> ServiceIncidents:
    """The panel of a service's page."""
    mine = Incident.service_id == service.id
    states = session.execute(select(Incident.status, Incident.severity).where(mine, Incident.status.in_(OPEN))).all()
    recent = session.scalars(select(Incident).where(mine).order_by(Incident.id.desc()).limit(5))
    times = session.execute(select(Incident.opened_at, Incident.acknowledged_at, Incident.resolved_at).where(
        mine, Incident.opened_at > clock.now() - SPAN, ~Incident.test)).all()
    return ServiceIncidents(
        open=len(states), triggered=sum(state == "triggered" for state, _ in states),
        worst=worst((severity for _, severity in states), ""), recent=list(recent), in_span=len(times),
        to_acknowledge=_mean([(taken - opened).total_seconds() for opened, taken, _ in times if taken]),
        to_resolve=_mean([(over - opened).total_seconds() for opened, _, over in times if over]))


def of_services(services: Sequence[Service]) -> OpenColumn:
    """The column of the directory; services without open incidents have no cell."""
    rows = session.execute(select(Incident.service_id, Incident.severity, func.count()).where(
        Incident.service_id.in_([service.id for service in services]), Incident.status.in_(OPEN))
        .group_by(Incident.service_id, Incident.severity))
    found: dict[int, list[tuple[str, int]]] = {}
    for service_id, severity, count in rows:
        found.setdefault(service_id, []).append((severity, count))
    return OpenColumn({key: OpenCell(sum(count for _, count in some), worst((severity for severity, _ in some), ""))
                       for key, some in found.items()})


def _mean(seconds: Sequence[float]) -> float | None:
    return sum(seconds) / len(seconds) if seconds else None


TONES = {"critical": "danger", "high": "alert", "medium": "caution", "low": "info"}


def states_of(services: Sequence[Service]) -> dict[int, tuple[str, str]]:
    """Tone and words of each service with an open incident, the worst and newest one named."""
    rows = session.execute(select(Incident.service_id, Incident.severity, Incident.id).where(
        Incident.service_id.in_([service.id for service in services]), Incident.status.in_(OPEN)))
    found: dict[int, list[tuple[int, str]]] = {}
    for service_id, severity, number in rows:
        found.setdefault(service_id, []).append((number, severity))
    said = {}
    for service_id, some in found.items():
        level = worst((severity for _, severity in some), "")
        said[service_id] = (TONES.get(level, "quiet"), f"{level}, #{max(number for number, one in some if one == level)}")
    return said


def using_service(service: Service) -> list[Use]:
    """Its open incidents, which archiving it would leave behind."""
    return [Use(f"#{number}", f"/incidents/{number}", team) for number, team in session.execute(
        select(Incident.id, Incident.team_id).where(
            Incident.service_id == service.id, Incident.status.in_(OPEN)).order_by(Incident.id.desc()).limit(20))]
