"""Where a new problem goes: the decision of the routes, the incident that it joins, or the one that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.escalation import queries as escalation_queries
from app.escalation import service as escalation
from app.identity.models import Team
from app.incidents import alerts, service
from app.incidents import events as incident_events
from app.incidents.models import Alert, Incident
from app.ingest import noise, routing, rules, testing
from app.ingest.models import Delivery, Integration


@dataclass(frozen=True)
class Case:
    """One signal of a delivery: as it was read, and what the routes made of it."""

    delivery: Delivery
    original: rules.Reading
    said: routing.Fields
    ruling: routing.Ruling
    table: routing.Table

    @property
    def read(self) -> rules.Reading:
        """The reading that counts."""
        return self.ruling.reading

    @property
    def keys(self) -> list[str]:
        """Under which an open alert may be found; a recovery that no route fits any more is known by its own key."""
        return list(dict.fromkeys([self.read.key, *([self.original.key] if self.read.status != "firing" else [])]))


def decide(case: Case, integration: Integration, places: rules.Places) -> rules.Decision:
    """The service or team of a signal, and why."""
    then = case.ruling.then
    origin = rules.Origin(integration.name, _active_service(integration), _active_team(integration))
    ruled = rules.Ruled(case.ruling.by, then.service, then.override) if then.service else None
    return rules.route(case.read, origin, places, ruled)


def _active_service(integration: Integration) -> int | None:
    found = integration.service
    if found is None or found.lifecycle == "archived" or found.team.archived_at is not None:
        return None
    return found.id


def _active_team(integration: Integration) -> int | None:
    return integration.team_id if integration.team and integration.team.archived_at is None else None


def settle(case: Case, decision: rules.Decision, report: alerts.Report, alert: Alert | None, *,
           storms: noise.Storms, by: Actor, integration: Integration) -> tuple[Alert, str]:
    """The alert (`alert`: one that is stored already) joins an open incident or opens one, which is paged."""
    chosen = session.get(Service, decision.service_id) if decision.service_id else None
    team = session.get(Team, decision.team_id) if decision.team_id else None
    place = noise.Place(chosen, team, case.read.labels, by)
    test = testing.kind_of(case.delivery)
    found = None if test else noise.host(place, storms)
    alert = alert or alerts.keep_alert(report, chosen.id if chosen else None)
    if found is not None:
        noise.joined(found[0], alert, by=by)
        return alert, f"joined #{found[0].id}: {found[1]}"
    former = alerts.former_of(report)
    if not test and former is not None and (again := _reopened(former, place)) is not None:
        alerts.attach(alert, again, by=by)
        noise.watch(again, report, place.settings)
        escalation.void(again)
        escalation.start(again)
        return alert, f"reopened #{again.id}"
    incident = _open(case, decision, place, former=former, integration=integration)
    alerts.attach(alert, incident, by=by)
    if not test:
        noise.watch(incident, report, place.settings)
    escalation.start(incident)
    return alert, f"opened #{incident.id}"


def _reopened(number: int, place: noise.Place) -> Incident | None:
    """The incident that this problem last belonged to, reopened if its service wants that and it is over only just."""
    within = timedelta(seconds=place.settings.reopen_within)
    if not within:
        return None
    former = service.lock(number)
    over, same = former.resolved_at, place.service is not None and former.service_id == place.service.id
    if former.status != "resolved" or former.merged_into_id or not same or over is None or clock.now() - over > within:
        return None
    return service.reopen(former, by=place.actor)


def _open(case: Case, decision: rules.Decision, place: noise.Place, *, former: int | None,
          integration: Integration) -> Incident:
    read, then = case.read, case.ruling.then
    labels = {**read.labels, **({"unrouted": decision.reason[:200]} if decision.step == "catch-all" else {})}
    policy = escalation_queries.policy_for(place.service, place.team or (place.service.team if place.service else None))
    trace: dict[str, Any] = {
        "step": decision.step, "reason": decision.reason, "considered": list(decision.considered),
        "routes": routing.considered(case.table, case.said, case.delivery.received_at, case.ruling.matched),
        "policy": policy.name if policy else "catch-all", "integration": integration.key,
        "delivery": str(case.delivery.id), **({"delay": then.delay} if then.delay else {})}
    kind = testing.kind_of(case.delivery)
    incident = service.open_incident(service.Opening(
        title=read.title, severity=read.severity, description=read.body, service=place.service, team=place.team,
        labels=labels, route=trace, former_id=former, delivery=str(case.delivery.id), test=bool(kind),
        quiet=kind == "quiet", urgency=then.urgency), by=place.actor)
    record(incident_events.ROUTED, incident.ref, by=place.actor, reason=decision.reason, step=decision.step,
           service=place.service.name if place.service else None, policy=trace["policy"])
    return incident
