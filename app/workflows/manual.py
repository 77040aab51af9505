"""Runs that people begin and end."""

from __future__ import annotations

from uuid import uuid4

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.identity.queries import allow, may
from app.incidents.models import Incident
from app.workflows import matching, queries, running
from app.workflows.models import Workflow, WorkflowRun


def allow_run(workflow: Workflow, by: Actor, incident: Incident | None = None) -> None:
    """Raise unless `by` may run it."""
    if not queries.may_run(workflow, by, incident):
        allow(by, "workflow.run", team_id=workflow.team_id or (incident.team_id if incident is not None else None))


def run_by_hand(workflow: Workflow, incident: Incident | None, *, by: Actor) -> WorkflowRun:
    """Begin a run because somebody said so. Raises Conflict for an archived one, Invalid without an incident it needs."""
    allow_run(workflow, by, incident)
    if incident is not None:
        allow(by, "incident.act", team_id=incident.team_id)
        if workflow.team_id is not None and incident.team_id != workflow.team_id:
            raise Invalid(problems=[Problem("incident", f"#{incident.id} belongs to another team")])
    if workflow.archived_at is not None:
        raise Conflict("It is archived. Take it back into use first.")
    said = {"kind": "manual", "actor": by.name, "at": clock.rfc3339(clock.now()), "from": None, "to": None}
    run = running.begin(workflow, incident, running.Cause(f"manual:{uuid4().hex}", f"{by.name} started it", said))
    assert run is not None
    return run


def cancel(run: WorkflowRun, *, by: Actor) -> WorkflowRun:
    """No step starts after this. Raises Conflict when it is over."""
    found = running.held(run.id)
    if found is None:
        raise NotFound
    allow_run(found.workflow, by, found.incident)
    if found.ended_at is not None:
        raise Conflict(f"It is over already: {found.state}", state={"state": found.state})
    running.cancel(found, "cancelled", f"{by.name} cancelled it")
    return found


def manual_for(incident: Incident, by: Actor) -> list[Workflow]:
    """The workflows that somebody may run by hand for this incident."""
    found = session.scalars(queries.visible(by).where(Workflow.event == "manual", Workflow.enabled))
    return [one for one in found if matching.concerns(one, incident)
            and may(by, "workflow.run", team_id=one.team_id or incident.team_id)]
