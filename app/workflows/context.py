"""What conditions and templates of a workflow can name: the incident, what happened, the run, and the steps before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app

from app.core import clock
from app.core.events import Event
from app.identity.models import Team
from app.incidents.models import Incident
from app.incidents.queries import link
from app.workflows.models import Workflow, WorkflowRun, WorkflowStep

Values = dict[str, Any]
# What the field picker of the builder offers, with what it means.
FIELDS: tuple[tuple[str, str], ...] = (
    ("incident.title", "title"), ("incident.severity", "severity"), ("incident.status", "status"),
    ("incident.urgency", "urgency"), ("incident.priority", "priority P1 to P5"), ("incident.number", "number"),
    ("incident.description", "description"), ("incident.url", "address of its page"),
    ("incident.service.key", "key of the service"), ("incident.service.name", "name of the service"),
    ("incident.service.tags", "tags of the service"), ("incident.team.key", "key of the team"),
    ("incident.labels.…", "a label of its alerts"), ("incident.alert_count", "how many alerts"),
    ("incident.assignees", "whose it is"), ("incident.opened_at", "when it opened"),
    ("event.kind", "what happened"), ("event.from", "status or severity before"), ("event.to", "status or severity after"),
    ("event.actor", "who did it"), ("event.at", "when"), ("team.name", "name of the team"),
    ("workflow.name", "this workflow"), ("run.url", "address of this run"), ("now", "now"),
    ("steps.….status", "how an earlier step ended"), ("steps.….output.…", "what an earlier step gave"),
)


def incident_values(incident: Incident, then: Mapping[str, Any] | None = None) -> Values:
    """An incident by name; `then` is how it was earlier."""
    service = incident.service
    found: Values = {
        "number": incident.id, "title": incident.title, "description": incident.description, "status": incident.status,
        "severity": incident.severity, "urgency": incident.urgency, "priority": incident.priority,
        "labels": dict(incident.labels), "alert_count": incident.alert_count, "test": incident.test,
        "assignees": [person.name for person in incident.assignees],
        "assignee_emails": [person.email for person in incident.assignees],
        "opened_at": clock.rfc3339(incident.opened_at), "acknowledged_at": clock.rfc3339(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_name, "resolved_at": clock.rfc3339(incident.resolved_at),
        "resolved_by": incident.resolved_name, "resolution_note": incident.resolution_note, "url": link(incident),
        "service": None, "team": team_values(incident.team)}
    if service is not None:
        found["service"] = {"key": service.key, "name": service.name, "tags": list(service.tags),
                            "description": service.description, "attributes": dict(service.attributes)}
    return found | dict(then or {})


def team_values(team: Team | None) -> Values | None:
    """A team by name."""
    return {"key": team.key, "name": team.name, "tags": list(team.tags)} if team else None


def event_values(event: Event) -> Values:
    """What happened, by name; a fact's own data stands beside it."""
    said = {name: value for name, value in event.data.items() if isinstance(value, str | int | float | bool | list)}
    return {**said, "kind": event.kind, "actor": event.actor_name, "at": clock.rfc3339(event.at),
            "from": event.data.get("before"), "to": event.data.get("after")}


def values(workflow: Workflow | None, incident: Incident | None, event: Mapping[str, Any], *,
           then: Mapping[str, Any] | None = None, run: WorkflowRun | None = None,
           steps: Iterable[WorkflowStep] = ()) -> Values:
    """Everything that can be named; what does not exist here is there and empty."""
    about = incident_values(incident, then) if incident else {}
    team = incident.team if incident else workflow.team if workflow else None
    return {
        "incident": about, "event": dict(event), "service": about.get("service") or {}, "team": team_values(team) or {},
        "workflow": {"key": workflow.key, "name": workflow.name} if workflow else {}, "now": clock.rfc3339(clock.now()),
        "run": {"id": str(run.id), "url": run_url(run)} if run is not None and run.id else {},
        "steps": {step.node: {"status": step.state, "output": dict(step.output)} for step in steps}}


def run_url(run: WorkflowRun) -> str:
    """The absolute address of a run's page."""
    return f"{current_app.config['BASE_URL']}/workflows/-/runs/{run.id}"


def sample_values(workflow: Workflow) -> Values:
    """A made-up incident for a rehearsal where none is chosen."""
    at = clock.rfc3339(clock.now())
    service = {"key": "checkout", "name": "Checkout", "tags": ["tier1"], "description": "", "attributes": {}}
    team = team_values(workflow.team) or {"key": "payments", "name": "Payments", "tags": []}
    return {
        "incident": {"number": 0, "title": "Sample: checkout answers slowly", "description": "p99 is 4 s",
                     "status": "triggered", "severity": "critical", "urgency": "high", "priority": None,
                     "labels": {"pod": "checkout-7d9", "region": "eu"}, "alert_count": 1, "test": False, "assignees": [],
                     "assignee_emails": [], "opened_at": at, "url": f"{current_app.config['BASE_URL']}/incidents/0",
                     "service": service, "team": team},
        "event": {"kind": "sample", "actor": "OnCall", "at": at, "from": None, "to": None},
        "service": service, "team": team, "workflow": {"key": workflow.key, "name": workflow.name}, "now": at,
        "run": {}, "steps": {}}
