"""What runbooks add to the pages of incidents and services."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.identity.queries import may
from app.incidents.models import Incident
from app.runbooks import queries, rules
from app.runbooks.models import RUNBOOK_SERVICES, Execution, Runbook

SHOWN = 8


@dataclass(frozen=True)
class Offer:
    """A runbook that can be run, and how it fared."""

    runbook: Runbook
    stats: rules.Stats
    own: bool


@dataclass(frozen=True)
class OfIncident:
    """The runbooks for an incident, those of its service first, and what was run for it."""

    offers: list[Offer]
    more: int
    executions: list[Execution]
    may_run: bool


def of_incident(incident: Incident, by: Actor) -> OfIncident | None:
    """What can be run for it by whoever is a responder there, and what was; None where neither is."""
    allowed = may(by, "runbook.run", team_id=incident.team_id) and incident.status != "resolved"
    found = queries.offered(incident) if allowed else []
    stats = queries.stats_of(one.id for one in found)
    offers = [Offer(one, stats.get(one.id, rules.stats(())), incident.service_id in [service.id for service in one.services])
              for one in found[:SHOWN]]
    executions = list(session.scalars(select(Execution).where(
        Execution.incident_id == incident.id).order_by(Execution.id.desc()).limit(SHOWN)))
    if not offers and not executions:
        return None
    return OfIncident(offers, max(0, len(found) - SHOWN), executions, allowed)


@dataclass(frozen=True)
class OfService:
    """The runbooks that are meant for a service."""

    offers: list[Offer]
    template: str = "panels/service-runbooks.html"
    rail: bool = True


def of_service(service: Service) -> OfService:
    """Those that name it, whatever their state but deprecated."""
    found = session.scalars(select(Runbook).join(RUNBOOK_SERVICES).where(
        RUNBOOK_SERVICES.c.service_id == service.id, Runbook.state != "deprecated").order_by(Runbook.name)).all()
    stats = queries.stats_of(one.id for one in found)
    return OfService([Offer(one, stats.get(one.id, rules.stats(())), True) for one in found])
