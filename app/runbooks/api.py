"""Approving and running for machines, by the commands of the pages. Writing runbooks stands with all configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy import select

from app.core.access import access
from app.core.clock import rfc3339
from app.core.openapi import PAGING, PROBLEM, listing, operation, sent
from app.core.paging import paged
from app.core.web import actor
from app.incidents.models import Incident
from app.incidents.queries import incident_for
from app.runbooks import executions, queries, requests, schemas, service
from app.runbooks.models import Execution, Runbook, RunbookVersion

blueprint = Blueprint("runbooks_api", __name__)
CONFLICT = {409: PROBLEM}


def state_document(runbook: Runbook) -> dict[str, Any]:
    """Where a runbook stands."""
    approved = runbook.state == "approved"
    return {"key": runbook.key, "name": runbook.name, "state": runbook.state, "version": runbook.version,
            "approved_version": runbook.approved_version, "approved_at": rfc3339(runbook.approved_at) if approved else None,
            "approved_by": runbook.approved_name if approved else None, "review_note": runbook.review_note}


def execution_document(execution: Execution) -> dict[str, Any]:
    """One execution; what is secret of its parameters is masked."""
    return execution_documents([execution])[0]


def execution_documents(found: Sequence[Execution]) -> list[dict[str, Any]]:
    """The same of many."""
    versions = queries.documents_of([one for one in found if one.parameters_sealed])
    return [_document(one, requests.secret_names(versions[one.id]) if one.id in versions else ()) for one in found]


def _document(execution: Execution, secret: Iterable[str]) -> dict[str, Any]:
    closed = dict.fromkeys(secret, requests.MASK)
    return {"id": str(execution.id), "runbook": execution.runbook.key, "version": execution.version,
            "state": execution.state, "incident": str(execution.incident_id) if execution.incident_id else None,
            "parameters": {**execution.parameters, **closed}, "started_by": execution.started_name, "via": execution.via,
            "reason": execution.reason, "cause": execution.cause, "output": execution.output, "error": execution.error,
            "progress": list(execution.progress), "attempts": list(execution.attempts),
            "warnings": list(execution.warnings), "created_at": rfc3339(execution.created_at),
            "started_at": rfc3339(execution.started_at), "ended_at": rfc3339(execution.ended_at),
            "deadline_at": rfc3339(execution.deadline_at),
            "url": f"{current_app.config['BASE_URL']}/executions/{execution.id}"}


@blueprint.get("/runbooks/<key>/state")
@access("runbook.read")
@operation("Where a runbook stands", responses={200: schemas.STATE})
def state(key: str) -> Response:
    """Draft, approved or deprecated, and who approved what."""
    return jsonify(state_document(queries.runbook_for(key, actor())))


@blueprint.get("/runbooks/<key>/versions")
@access("runbook.read")
@operation("All versions of a runbook", responses={200: listing(schemas.VERSION)}, parameters=PAGING)
def versions(key: str) -> Response:
    """The newest first."""
    found = queries.runbook_for(key, actor())
    return jsonify(paged(
        select(RunbookVersion).where(RunbookVersion.runbook_id == found.id), request.args, by=(RunbookVersion.number,),
        descending=True, show=lambda one: {"number": one.number, "author": one.author_name, "at": rfc3339(one.at),
                                           "document": one.document}))


@blueprint.post("/runbooks/<key>/approve")
@access("runbook.approve")
@operation("Approve the present version", request=schemas.APPROVE, body_needed=False,
           responses={200: schemas.STATE, **CONFLICT})
def approve(key: str) -> Response:
    """By a platform admin who changed nothing of it since the last approval."""
    found = queries.runbook_for(key, actor(), "runbook.approve")
    return jsonify(state_document(service.approve(found, by=actor(), version=sent(request).get("version"))))


@blueprint.post("/runbooks/<key>/send-back")
@access("runbook.approve")
@operation("Send a draft back with a comment", request=schemas.SEND_BACK, responses={200: schemas.STATE, **CONFLICT})
def send_back(key: str) -> Response:
    """It leaves the queue until it is changed."""
    found = queries.runbook_for(key, actor(), "runbook.approve")
    return jsonify(state_document(service.send_back(found, sent(request)["comment"], by=actor())))


@blueprint.post("/runbooks/<key>/deprecate")
@access("runbook.edit")
@operation("Deprecate a runbook", responses={200: schemas.STATE, **CONFLICT}, body_needed=False)
def deprecate(key: str) -> Response:
    """It can't be run any more and keeps its history."""
    found = queries.runbook_for(key, actor(), "runbook.edit")
    return jsonify(state_document(service.deprecate(found, by=actor())))


@blueprint.post("/runbooks/<key>/revive")
@access("runbook.approve")
@operation("Make a deprecated runbook a draft again", responses={200: schemas.STATE, **CONFLICT}, body_needed=False)
def revive(key: str) -> Response:
    """It has to be approved anew."""
    found = queries.runbook_for(key, actor(), "runbook.approve")
    return jsonify(state_document(service.revive(found, by=actor())))


@blueprint.post("/runbooks/<key>/rollback")
@access("runbook.edit")
@operation("A new version that is equal to an old one", request=schemas.ROLL_BACK,
           responses={200: schemas.STATE, **CONFLICT})
def roll_back(key: str) -> Response:
    """As every edit it drops the approval."""
    found = queries.runbook_for(key, actor(), "runbook.edit")
    return jsonify(state_document(service.roll_back(found, sent(request)["version"], by=actor())))


@blueprint.get("/runbooks/<key>/executions")
@access("runbook.read")
@operation("Executions of a runbook", responses={200: listing(schemas.EXECUTION)}, parameters=PAGING)
def list_executions(key: str) -> Response:
    """The newest first."""
    found = queries.runbook_for(key, actor())
    return jsonify(paged(queries.executions_query(found, actor()), request.args, by=(Execution.id,), descending=True,
                         show_all=execution_documents))


@blueprint.post("/runbooks/<key>/executions")
@access("runbook.run")
@operation("Run an approved runbook", request=schemas.START, body_needed=False,
           responses={202: schemas.EXECUTION, **CONFLICT})
def start(key: str) -> tuple[Response, int]:
    """For an incident or without one; its parameters are checked, and nothing starts where one is wrong."""
    found = _runnable(key)
    body = sent(request)
    incident = incident_for(body["incident"], actor()) if body.get("incident") else None
    return _started(found, incident, body)


@blueprint.post("/incidents/<number>/runbooks/<key>/executions")
@access("runbook.run")
@operation("Run an approved runbook for an incident", request=schemas.START_THERE, body_needed=False, tag="incidents",
           responses={202: schemas.EXECUTION, **CONFLICT})
def start_there(number: str, key: str) -> tuple[Response, int]:
    """By whoever is a responder of the incident's team."""
    incident = incident_for(number, actor())
    found = queries.runbook_for(key, actor())
    executions.check_right(found, incident, actor())
    return _started(found, incident, sent(request))


@blueprint.get("/executions/<number>")
@access("runbook.read")
@operation("One execution", responses={200: schemas.EXECUTION})
def execution(number: str) -> Response:
    """As it is now."""
    return jsonify(execution_document(queries.execution_for(number, actor())))


@blueprint.post("/executions/<number>/cancel")
@access("runbook.run")
@operation("Cancel an execution", responses={202: schemas.EXECUTION, **CONFLICT}, body_needed=False)
def cancel(number: str) -> tuple[Response, int]:
    """At once; the target is asked to stop where it can."""
    found = queries.execution_for(number, actor())
    return jsonify(execution_document(executions.cancel(found, by=actor()))), 202


def _runnable(key: str) -> Runbook:
    """The runbook, if the actor may run it somewhere: where, the command asks once the incident is known."""
    found = queries.runbook_for(key, actor())
    if found.team_id is not None:
        executions.check_right(found, None, actor())
    else:
        executions.check_somewhere(actor())
    return found


def _started(runbook: Runbook, incident: Incident | None, body: dict[str, Any]) -> tuple[Response, int]:
    by = actor()
    key = f"api:{by.ref}:{body['key']}" if body.get("key") else None
    found = executions.start(runbook, parameters=body.get("parameters", {}), by=by, incident=incident,
                             how=executions.Start(form_key=key, reason=body.get("reason", "")))
    return jsonify(execution_document(found)), 202
