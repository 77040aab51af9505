"""The builder: every press changes the draft and shows it again; it works without script."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.workflows import build_pages, drafts, editing, node_forms, queries, service
from app.workflows.models import Workflow
from app.workflows.rules import TRIGGER

blueprint = Blueprint("workflow_builder", __name__)


@blueprint.get("/workflows/<key>/build")
@access("workflow.edit")
def build(key: str) -> Response:
    """The draft as it is."""
    return page("workflows/build.html", build_pages.build_page(key, actor(), request.args))


@blueprint.post("/workflows/<key>/build/step")
@access("workflow.edit")
def step(key: str) -> Response:
    """Add, move, connect, disconnect, place or remove a step."""
    workflow = _editable(key)
    form, definition = request.form, _definition(workflow)
    do, node, after, target = (form.get(name, "") for name in ("do", "node", "after", "target"))
    try:
        if do == "add":
            kind, _, action = form.get("kind", "").partition(":")
            definition, node = editing.add(definition, after, kind, action)
        elif do == "remove":
            definition, node = editing.remove(definition, node), ""
        elif do == "up":
            definition = editing.move_up(definition, node)
        elif do in ("connect", "disconnect"):
            change = editing.connect if do == "connect" else editing.disconnect
            definition = change(definition, after, target)
        elif do == "place":
            definition = editing.place(definition, node, form.get("x", ""), form.get("y", ""))
    except (ValueError, KeyError) as fault:
        return go(_address(key, node), str(fault) or "That is not possible here", tone="caution")
    drafts.keep(workflow, definition, by=actor())
    return go(_address(key, node))


@blueprint.post("/workflows/<key>/build/configure")
@access("workflow.edit")
def configure(key: str) -> Response:
    """What was typed about one step, or about the trigger."""
    workflow = _editable(key)
    form, definition, node = request.form.to_dict(flat=False), _definition(workflow), request.form.get("node", "")
    try:
        if node == TRIGGER:
            changed: dict[str, Any] = {**definition, "trigger": node_forms.read_trigger(form)}
        else:
            one = next((each for each in definition["nodes"] if each["id"] == node), {"kind": ""})
            params = build_pages.params_of(str(one.get("action")))
            changed = editing.configure(definition, node, node_forms.read_node(form, one, params))
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("workflows/build.html", build_pages.build_page(key, actor(), {"step": node}, errors), status=422)
    drafts.keep(workflow, changed, by=actor())
    return go(_address(key, node), "Taken over; save when the whole is right")


@blueprint.post("/workflows/<key>/build/about")
@access("workflow.edit")
def about(key: str) -> Response:
    """Name, description, category and time limit."""
    workflow = _editable(key)
    values = {name: request.form.get(name, "") for name in ("name", "description", "category")}
    try:
        service.describe(workflow, values, by=actor())
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("workflows/build.html", build_pages.build_page(key, actor(), {}, errors), status=422)
    drafts.keep(workflow, {**_definition(workflow), "timeout": request.form.get("timeout", "15m")}, by=actor())
    return go(_address(key, ""), "Taken over")


@blueprint.post("/workflows/<key>/build/undo")
@access("workflow.edit")
def undo(key: str) -> Response:
    """One press back."""
    drafts.undo(_editable(key), by=actor())
    return go(_address(key, ""))


@blueprint.post("/workflows/<key>/build/discard")
@access("workflow.edit")
def discard(key: str) -> Response:
    """Back to the version that is saved."""
    drafts.discard(_editable(key), by=actor())
    return go(_address(key, ""), "Your changes are gone")


@blueprint.post("/workflows/<key>/build/save")
@access("workflow.edit")
def save(key: str) -> Response:
    """The draft becomes a version, or every fault is listed."""
    workflow = _editable(key)
    try:
        saved = drafts.save(workflow, by=actor())
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("workflows/build.html", build_pages.build_page(key, actor(), {}, errors), status=422)
    except Conflict as refusal:
        stale = {"version": refusal.detail}
        return page("workflows/build.html", build_pages.build_page(key, actor(), {}, stale), status=409)
    return go(url_for("workflows.show", key=key), f"Saved version {saved.number}")


def _editable(key: str) -> Workflow:
    return queries.workflow_for(key, actor(), "workflow.edit")


def _definition(workflow: Workflow) -> Any:
    draft = drafts.draft_of(workflow, actor())
    return draft.definition if draft else queries.version_of(workflow).definition


def _address(key: str, node: str) -> str:
    return url_for(".build", key=key, step=node, _anchor="step") if node else url_for(".build", key=key)
