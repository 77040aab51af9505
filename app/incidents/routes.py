"""Pages of incidents: the list, one incident, a new one, and a form for each action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound

from app.core.access import Actor, access
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pages import go, page
from app.core.panels import panels
from app.core.web import actor
from app.identity.queries import allow, may_anywhere
from app.identity.rules import own_path
from app.incidents import alert_pages, alert_queries, detail, forms, merging, pages, queries, room, service
from app.incidents.models import Incident

blueprint = Blueprint("incidents", __name__)
LIST, DETAIL, FORM, NEW, ALERT, ALERTS = (f"incidents/{name}.html" for name in (
    "index", "incident", "action", "new", "alert", "all_alerts"))
Command = Callable[[Incident, Actor], Any]


@blueprint.get("/incidents")
@access("incident.read")
def index() -> Response:
    """What is open, or what the address asks for."""
    found = pages.incident_list(actor(), request.args)
    return page(LIST, found, status=422 if found.problems else 200)


@blueprint.get("/incidents/new")
@access("incident.create")
def new() -> Response:
    """The form of a new incident."""
    return page(NEW, forms.new(_creator(), request.args))


@blueprint.post("/incidents/new")
@access("incident.create")
def create() -> Response:
    """Open an incident, or show what is wrong; the same once more within seconds is the same incident."""
    by = _creator()
    try:
        opening = forms.opening(request.form, by)
        person = request.form.get("person", "").strip()
        named = forms.people([person], "person") if person else []
        incident = queries.just_opened(opening.title, opening.service, opening.team, by=by)
        if incident is None:
            incident = service.open_by_hand(opening, by=by)
            incident = service.add_responders(incident, named, by=by) if named else incident
    except Invalid as invalid:
        return page(NEW, forms.new(by, request.form, invalid), status=422)
    return go(url_for("incidents.show", id=incident.id), f"#{incident.id} is open and paged")


@blueprint.get("/incidents/<id>")
@access("incident.read")
def show(id: str) -> Response:
    """One incident; a merged one leads to where it went, unless it is itself asked for."""
    found = detail.incident_page(id, actor(), request.args)
    if found.incident.merged_into_id is not None and "itself" not in request.args:
        return go(url_for("incidents.show", id=found.incident.merged_into_id, came=found.id))
    return page(DETAIL, found)


@blueprint.get("/incidents/<id>/alerts/<alert>")
@access("incident.read")
def alert(id: str, alert: str) -> Response:
    """One alert of an incident: what the sender said."""
    incident = queries.incident_for(id, actor())
    found = alert_queries.alert_for(alert, actor())
    if found.incident_id != incident.id:
        raise NotFound
    return page(ALERT, {"incident": incident, "alert": found, "panels": panels("alert", found)})


@blueprint.get("/alerts")
@access("incident.read")
def alerts() -> Response:
    """What senders reported, whether it paged or not."""
    found = alert_pages.alert_list(actor(), request.args)
    return page(ALERTS, found, status=422 if found.problems else 200)


@blueprint.get("/alerts/<id>")
@access("incident.read")
def lone_alert(id: str) -> Response:
    """One alert; one of an incident is shown there."""
    found = alert_queries.alert_for(id, actor())
    if found.incident_id is not None:
        return go(url_for("incidents.alert", id=found.incident_id, alert=found.id))
    return page(ALERT, {"incident": None, "alert": found, "panels": panels("alert", found)})


@blueprint.post("/incidents/<id>/acknowledge")
@access("incident.act")
def acknowledge(id: str) -> Response:
    """Take it."""
    return acted(id, lambda incident, by: service.acknowledge(incident, by=by), "Acknowledged")


@blueprint.post("/incidents/<id>/unacknowledge")
@access("incident.act")
def unacknowledge(id: str) -> Response:
    """Give it back."""
    return acted(id, lambda incident, by: service.unacknowledge(incident, by=by), "Given back, nobody has it now")


@blueprint.post("/incidents/<id>/reopen")
@access("incident.act")
def reopen(id: str) -> Response:
    """It is not over."""
    return acted(id, lambda incident, by: service.reopen(incident, by=by), "Reopened")


@blueprint.get("/incidents/<id>/<any(resolve, assign, responders, snooze, priority, severity, edit, merge):what>")
@access("incident.act")
def ask(id: str, what: str) -> Response:
    """The form of an action that asks for more."""
    incident, by = permitted(id)
    return page(FORM, forms.action(what, incident, by))


@blueprint.post("/incidents/<id>/<any(resolve, assign, responders, snooze, priority, severity, edit, merge):what>")
@access("incident.act")
def change(id: str, what: str) -> Response:
    """Do it, or show what is wrong."""
    incident, by = permitted(id)
    command, said = COMMANDS[what]
    try:
        return acted(id, command, said)
    except Invalid as invalid:
        return page(FORM, forms.action(what, incident, by, typed=request.form, invalid=invalid), status=422)


COMMANDS: dict[str, tuple[Command, str]] = {
    "resolve": (lambda incident, by: service.resolve(incident, by=by, note=request.form.get("note", "")), "Resolved"),
    "assign": (lambda incident, by: service.assign(incident, forms.named(request.form), by=by), "Assigned"),
    "responders": (lambda incident, by: service.add_responders(incident, forms.named(request.form), by=by),
                   "Asked for help"),
    "snooze": (lambda incident, by: service.snooze(incident, forms.until_typed(request.form, by), by=by), "Snoozed"),
    "priority": (lambda incident, by: service.set_priority(incident, request.form.get("priority") or None, by=by),
                 "Priority set"),
    "severity": (lambda incident, by: _weigh(incident, by), "Severity set"),
    "edit": (lambda incident, by: room.edit_text(incident, request.form.get("title"), request.form.get("description"),
                                                 by=by), "Text changed"),
    "merge": (lambda incident, by: merging.merge(incident, forms.target(request.form, by), by=by), "Merged"),
}


def _weigh(incident: Incident, by: Actor) -> None:
    """Severity and urgency in one form; an urgency that was left alone follows the severity."""
    urgency = request.form.get("urgency", incident.urgency)
    apart = urgency != incident.urgency
    room.set_severity(incident, request.form.get("severity", ""), by=by)
    if apart:
        room.set_urgency(incident, urgency, by=by)


def acted(id: str, command: Command, said: str) -> Response:
    """Do it and go on; where the state has changed meanwhile, the page says so and nothing else happens."""
    incident, by = permitted(id)
    try:
        command(incident, by)
    except Conflict as conflict:
        return page(DETAIL, detail.incident_page(id, by, request.args, refusal=conflict.detail), status=409)
    back = own_path(request.form.get("back"))
    return go(back if back != "/" else url_for("incidents.show", id=id), f"#{id}: {said}")


def permitted(id: str) -> tuple[Incident, Actor]:
    """The incident, if the reader may act on it: asked before the form is read."""
    by = actor()
    incident = queries.incident_for(id, by)
    allow(by, "incident.act", team_id=incident.team_id, involved=queries.involved(incident, by))
    return incident, by


def _creator() -> Actor:
    by = actor()
    if not may_anywhere(by, "incident.create"):
        raise Forbidden("Your role does not include this.")
    return by
