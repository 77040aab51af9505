"""What templates and forms can name of an incident: plain values, as they were when something was started."""

from __future__ import annotations

from typing import Any

from app.catalog.models import Service
from app.core.access import Actor
from app.core.clock import rfc3339
from app.identity.models import Team
from app.incidents.models import Incident
from app.incidents.queries import link
from app.runbooks.models import Runbook


def run_values(runbook: Runbook, incident: Incident | None, by: Actor) -> dict[str, Any]:
    """All of it for a run; without an incident the team is the runbook's."""
    found = {**incident_values(incident), "person": person_values(by)}
    return found if incident is not None else {**found, "team": team_values(runbook.team)}


def incident_values(incident: Incident | None) -> dict[str, Any]:
    """The roots `incident`, `service` and `team`; without an incident they are empty."""
    if incident is None:
        return {"incident": {}, "service": {}, "team": {}}
    service, team = service_values(incident.service), team_values(incident.team)
    said = {"id": str(incident.id), "number": incident.id, "title": incident.title, "description": incident.description,
            "status": incident.status, "severity": incident.severity, "urgency": incident.urgency,
            "priority": incident.priority, "labels": dict(incident.labels), "url": link(incident),
            "opened_at": rfc3339(incident.opened_at), "alert_count": incident.alert_count, "service": service, "team": team}
    return {"incident": said, "service": service, "team": team}


def service_values(service: Service | None) -> dict[str, Any]:
    """What can be named of a service."""
    return {} if service is None else {"key": service.key, "name": service.name, "tags": list(service.tags)}


def team_values(team: Team | None) -> dict[str, Any]:
    """What can be named of a team."""
    return {} if team is None else {"key": team.key, "name": team.name, "tags": list(team.tags)}


def person_values(by: Actor) -> dict[str, Any]:
    """Who starts it, or which thing."""
    return {"name": by.name, "kind": by.kind}
