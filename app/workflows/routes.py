"""Pages of workflows: list, library, one workflow, its versions and runs."""

from __future__ import annotations

import json

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.incidents.queries import incident_for
from app.workflows import exchange, forms, manual, pages, queries, service, watching
from app.workflows.models import Workflow

blueprint = Blueprint("workflows", __name__)


@blueprint.get("/workflows")
@access("workflow.read")
def index() -> Response:
    """All workflows."""
    return page("workflows/index.html", pages.index_page(actor(), request.args))


@blueprint.get("/workflows/-/library")
@access("workflow.read")
def library() -> Response:
    """Templates to begin with."""
    return page("workflows/library.html", pages.library_page(actor()))


@blueprint.get("/workflows/-/new")
@access("workflow.edit")
def new() -> Response:
    """The form of a new workflow: an empty one, one of the library, or one that is read from a text."""
    return page("workflows/new.html", forms.shown(actor(), request.args))


@blueprint.post("/workflows/-/new")
@access("workflow.edit")
def create() -> Response:
    """Add it, switched off, and go on to the builder; or show what is wrong."""
    by = actor()
    if not may_anywhere(by, "workflow.edit"):
        raise Forbidden("Your role does not include this.")
    try:
        made = exchange.begin(forms.read(request.form), by=by)
    except Invalid as refusal:
        return page("workflows/new.html", forms.shown(by, request.form, refusal), status=422)
    return go(url_for("workflow_builder.build", key=made.workflow.key), made.said)


@blueprint.get("/workflows/<key>")
@access("workflow.read")
def show(key: str) -> Response:
    """One workflow."""
    return page("workflows/workflow.html", pages.workflow_page(key, actor(), request.args))


@blueprint.post("/workflows/<key>/enable")
@access("workflow.edit")
def enable(key: str) -> Response:
    """Switch it on or off."""
    found, on = _editable(key), request.form.get("on") == "1"
    try:
        service.enable(found, on, by=actor())
    except Invalid as refusal:
        said = f"It can't be switched on: {refusal.detail[:300]}"
        return go(url_for("workflow_builder.build", key=key), said, tone="danger")
    return go(url_for(".show", key=key), f"{found.name} is {'on' if on else 'off'}")


@blueprint.post("/workflows/<key>/archive")
@access("workflow.edit")
def archive(key: str) -> Response:
    """Put it away, or take it back."""
    found, by = _editable(key), actor()
    if found.archived_at is None:
        service.archive(found, by=by)
        return go(url_for(".index"), f"{found.name} is archived; what it did stays readable")
    service.restore(found, by=by)
    return go(url_for(".show", key=key), f"{found.name} is back, switched off")


@blueprint.post("/workflows/<key>/duplicate")
@access("workflow.edit")
def duplicate(key: str) -> Response:
    """The same once more, switched off."""
    copied = exchange.copied(_editable(key), by=actor())
    return go(url_for(".show", key=copied.key), f"{copied.name} is a copy, switched off")


@blueprint.get("/workflows/<key>/export")
@access("workflow.read")
def export(key: str) -> Response:
    """The workflow as a file that "Import" reads."""
    document = {"version": 1, "workflows": [queries.workflow_document(queries.workflow_for(key, actor()))]}
    return Response(json.dumps(document, indent=2, ensure_ascii=False), mimetype="application/json",
                    headers={"Content-Disposition": f"attachment; filename=workflow-{key}.json"})


@blueprint.get("/workflows/<key>/versions/<int:number>")
@access("workflow.read")
def version(key: str, number: int) -> Response:
    """What one version changed."""
    return page("workflows/version.html", pages.version_page(key, number, actor()))


@blueprint.post("/workflows/<key>/versions/<int:number>/restore")
@access("workflow.edit")
def go_back(key: str, number: int) -> Response:
    """A new version that is equal to this one."""
    saved = service.go_back(_editable(key), number, by=actor())
    return go(url_for(".show", key=key), f"Version {saved.number} is equal to version {number}")


@blueprint.get("/workflows/<key>/rehearse")
@access("workflow.run")
def rehearse(key: str) -> Response:
    """What would happen, for an incident or for a made-up one."""
    found = queries.workflow_for(key, actor())
    manual.allow_run(found, actor())
    return page("workflows/rehearse.html", forms.rehearsed(found, actor(), request.args))


@blueprint.post("/workflows/<key>/run")
@access("workflow.run")
def run(key: str) -> Response:
    """Run it now."""
    by, number = actor(), request.form.get("incident", "").strip().removeprefix("#")
    found = queries.workflow_for(key, by)
    manual.allow_run(found, by)
    made = manual.run_by_hand(found, incident_for(number, by) if number else None, by=by)
    if request.form.get("back") == "incident":
        return go(f"/incidents/{made.incident_id}", f"{found.name} began")
    return go(url_for(".run_page", id=made.id), f"{found.name} began")


@blueprint.get("/workflows/-/runs/<id>")
@access("workflow.read")
def run_page(id: str) -> Response:
    """One run."""
    return page("workflows/run.html", pages.run_page(id, actor()))


@blueprint.post("/workflows/-/runs/<id>/cancel")
@access("workflow.run")
def cancel(id: str) -> Response:
    """End it now."""
    run = manual.cancel(queries.run_for(id, actor()), by=actor())
    return go(url_for(".run_page", id=run.id), "It is cancelled")


@blueprint.post("/teams/<key>/workflows")
@access("team.edit")
def watch(key: str) -> Response:
    """Let global workflows act on a private team's incidents, or no more."""
    team = queries.team_for(key, actor())
    watching.watch(team, request.form.get("on") == "1", by=actor())
    return go(f"/teams/{key}", "Saved")


def _editable(key: str) -> Workflow:
    return queries.workflow_for(key, actor(), "workflow.edit")
