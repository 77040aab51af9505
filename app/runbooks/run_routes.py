"""Pages of runs: the form, the request before it goes out, the execution, and cancelling it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, Invalid
from app.core.forms import Problems
from app.core.pages import go, page
from app.core.web import actor
from app.incidents.models import Incident
from app.incidents.queries import incident_for
from app.runbooks import controls, executions, queries, rehearsal, run_pages
from app.runbooks.models import Runbook
from app.runbooks.parameters import check_values

blueprint = Blueprint("executions", __name__)


@blueprint.get("/runbooks/<key>/run")
@access("runbook.run")
def form(key: str) -> Response:
    """The form, for the incident that `incident` names."""
    runbook, incident = _asked(key, request.args.get("incident", ""))
    return page("runbooks/run.html", run_pages.run_page(runbook, incident, actor()))


@blueprint.post("/runbooks/<key>/run")
@access("runbook.run")
def run(key: str) -> Response:
    """Show what would be sent, or run what was shown."""
    runbook, incident = _asked(key, request.form.get("incident", ""))
    try:
        values = _values(runbook)
    except Invalid as refusal:
        return _form(runbook, incident, invalid=refusal)
    mark, do = run_pages.mark_of(values, runbook.version), request.form.get("do", "")
    if do == "run" and request.form.get("seen") == mark:
        return _started(runbook, incident, values)
    return _form(runbook, incident, preview=run_pages.preview_of(runbook, incident, values, actor()), seen=mark,
                 changed=do == "run")


@blueprint.post("/runbooks/<key>/check")
@access("runbook.run")
@own_transaction
def check(key: str) -> Response:
    """Ask the target whether it would take it: nothing is open while it answers."""
    with transaction():
        runbook, incident = _asked(key, request.form.get("incident", ""))
        try:
            values = _values(runbook)
        except Invalid as refusal:
            return _form(runbook, incident, invalid=refusal)
        ready = rehearsal.ready(runbook, incident, values, by=actor())
    tried = rehearsal.tried(ready)
    runbook, incident = _asked(key, request.form.get("incident", ""))
    return _form(runbook, incident, preview=run_pages.preview_of(runbook, incident, values, actor()), tried=tried,
                 seen=run_pages.mark_of(values, runbook.version))


def _values(runbook: Runbook) -> dict[str, Any]:
    """The typed parameters with their defaults. Raises Invalid."""
    problems = Problems()
    typed = controls.typed_values(runbook.parameters, request.form)
    values = check_values(runbook.parameters, typed, problems.at("parameters"))
    problems.raise_if_any()
    return values


def _form(runbook: Runbook, incident: Incident | None, *, status: int = 200, **more: Any) -> Response:
    """The form again, with all that was typed."""
    shown = run_pages.run_page(runbook, incident, actor(), typed=controls.shown_values(runbook.parameters, request.form),
                               form_key=request.form.get("form_key", "")[:100], reason=request.form.get("reason", "")[:500],
                               **more)
    return page("runbooks/run.html", shown, status=422 if more.get("invalid") else status)


@blueprint.get("/executions/<number>")
@access("runbook.read")
def show(number: str) -> Response:
    """One execution."""
    return page("runbooks/execution.html", run_pages.execution_page(number, actor()))


@blueprint.post("/executions/<number>/cancel")
@access("runbook.run")
def cancel(number: str) -> Response:
    """End it now."""
    found = executions.cancel(queries.execution_for(number, actor()), by=actor())
    return go(url_for(".show", number=number), f"{found.runbook.name} is cancelled")


def _asked(key: str, number: str) -> tuple[Runbook, Incident | None]:
    """The runbook and the incident, if the actor may run it there."""
    runbook = queries.runbook_for(key, actor())
    incident = incident_for(number, actor()) if number else None
    executions.check_right(runbook, incident, actor())
    return runbook, incident


def _started(runbook: Runbook, incident: Incident | None, values: dict[str, Any]) -> Response:
    by, key = actor(), request.form.get("form_key", "")[:60]
    how = executions.Start(form_key=f"form:{by.ref}:{key}" if key else None, reason=request.form.get("reason", ""))
    try:
        found = executions.start(runbook, parameters=values, by=by, incident=incident, how=how)
    except Conflict as refusal:
        return _form(runbook, incident, status=409, refusal=refusal.detail, running=str(refusal.state.get("url", "")))
    return go(url_for(".show", number=str(found.id)), f"{runbook.name} is on its way")
