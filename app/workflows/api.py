"""Runs of workflows, for machines. Creating and changing workflows stands with all other configuration."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import joinedload, selectinload

from app.core.access import access
from app.core.errors import Invalid, NotFound, Problem
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.incidents.models import Incident
from app.incidents.queries import incident_for
from app.workflows import manual, queries, rehearsal
from app.workflows.models import WorkflowRun

blueprint = Blueprint("workflows_api", __name__)
TEXT, TIME = {"type": "string"}, {"type": ["string", "null"]}
STATES = ["running", "waiting", "succeeded", "failed", "timed_out", "cancelled", "refused"]
STEP = component("WorkflowStep", {"type": "object", "required": ["id", "kind", "state"], "properties": {
    "id": TEXT, "kind": TEXT, "state": TEXT, "attempts": {"type": "integer"}, "taken": {"type": "array", "items": TEXT},
    "started_at": TIME, "ended_at": TIME, "seconds": {"type": ["number", "null"]}, "next_at": TIME,
    "output": {"type": "object"}, "request": {"type": "object"}, "response": {"type": "object"},
    "warnings": {"type": "array", "items": TEXT}, "error": TEXT}})
RUN = component("WorkflowRun", {"type": "object", "required": ["id", "workflow", "state", "steps"], "properties": {
    "id": TEXT, "workflow": TEXT, "version": {"type": "integer"}, "incident": TIME, "state": {"enum": STATES},
    "reason": TEXT, "error": TEXT, "failed_step": TIME, "started_at": TIME, "ended_at": TIME,
    "chain": {"type": "array", "items": TEXT}, "steps": {"type": "array", "items": STEP}}})
REHEARSAL = component("WorkflowRehearsal", {"type": "object", "required": ["dry_run", "path", "steps"], "properties": {
    "dry_run": {"const": True}, "triggered": {"type": "boolean"}, "path": {"type": "array", "items": TEXT},
    "steps": {"type": "array", "items": {"type": "object"}}}})
WISH = {"type": "object", "additionalProperties": False, "properties": {
    "incident": {"type": ["string", "integer", "null"], "description": "Number of the incident it is about"},
    "dry_run": {"type": "boolean", "default": False,
                "description": "Evaluate conditions and render requests; send and change nothing"}}}


def _incident(values: dict[str, Any]) -> Incident | None:
    number = values.get("incident")
    if number in (None, ""):
        return None
    try:
        return incident_for(str(number), actor())
    except NotFound:
        raise Invalid(problems=[Problem("incident", f"There is no incident {number}")]) from None


@blueprint.post("/workflows/<key>/runs")
@access("workflow.run")
@operation("Run a workflow by hand, or rehearse it", request=WISH, body_needed=False, tag="workflows",
           responses={200: REHEARSAL, 202: RUN, 409: PROBLEM})
def run(key: str) -> tuple[Response, int]:
    """202 with the run; a rehearsal answers 200 with what would happen."""
    found = queries.workflow_for(key, actor())
    manual.allow_run(found, actor())
    values = sent(request)
    incident = _incident(values)
    if values.get("dry_run"):
        return jsonify(rehearsal.document(rehearsal.rehearse(found, incident))), 200
    return jsonify(queries.run_document(manual.run_by_hand(found, incident, by=actor()))), 202


@blueprint.get("/workflows/<key>/runs")
@access("workflow.read")
@operation("The runs of a workflow, newest first", responses={200: listing(RUN)}, tag="workflows",
           parameters=(*PAGING, query("state", "Only runs in this state", choices=STATES)))
def runs(key: str) -> dict[str, Any]:
    """A page of them."""
    wanted = queries.runs_of(queries.workflow_for(key, actor())).options(
        joinedload(WorkflowRun.version), selectinload(WorkflowRun.steps))
    if request.args.get("state"):
        wanted = wanted.where(WorkflowRun.state == request.args["state"])
    return paged(queries.seen_runs(wanted, actor()), request.args, by=(WorkflowRun.id,), show=queries.run_document,
                 descending=True)


@blueprint.get("/runs/<id>")
@access("workflow.read")
@operation("One run with its steps", responses={200: RUN}, tag="workflows")
def show(id: str) -> Response:
    """State, steps, requests and answers; secrets are masked."""
    return jsonify(queries.run_document(queries.run_for(id, actor())))


@blueprint.post("/runs/<id>/cancel")
@access("workflow.run")
@operation("Cancel a run", responses={200: RUN, 409: PROBLEM}, tag="workflows")
def cancel(id: str) -> Response:
    """No step starts after the answer."""
    return jsonify(queries.run_document(manual.cancel(queries.run_for(id, actor()), by=actor())))
