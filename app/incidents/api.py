"""Incidents, alerts and the log for machines: the same commands as the pages call."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.access import Actor, access
from app.core.errors import Forbidden
from app.core.events import Event
from app.core.openapi import PAGING, PROBLEM, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity import audit
from app.identity.queries import allow, may_anywhere
from app.incidents import (
    alert_queries,
    filters,
    forms,
    queries,
    room_pages,
    schemas,
    service,
)
from app.incidents.models import Incident, Responder, Role
from app.incidents.rules import SEVERITIES

blueprint = Blueprint("incidents_api", __name__)
CHANGED = {200: schemas.INCIDENT, 409: PROBLEM}
SPAN = (query("from", "Not before this time", form="date-time"), query("to", "Before this time", form="date-time"))
OWNERS = (query("severity", "Severity; repeat for or", choices=SEVERITIES, repeated=True),
          query("team", "A team's key; repeat for or", repeated=True),
          query("service", "A service's key; repeat for or", repeated=True))
INCIDENTS = (*PAGING, *OWNERS, *SPAN, query("status", "State; repeat for or", choices=filters.STATUSES, repeated=True),
             query("urgency", "Urgency; repeat for or", choices=("high", "low"), repeated=True),
             query("assignee", "A person's e-mail address; repeat for or", repeated=True),
             query("q", "Number, or part of the title, service, labels, notes or alerts"),
             query("sort", "By number", choices=filters.SORTS))
ALERTS = (*PAGING, *OWNERS, *SPAN, query("status", "State; repeat for or", choices=("firing", "resolved"), repeated=True),
          query("integration", "An integration's key; repeat for or", repeated=True),
          query("incident", "An incident's id; repeat for or", repeated=True),
          query("paged", "Whether it belongs to an incident", choices=("yes", "no")),
          query("label", "A label as name=value; repeat for and", repeated=True), query("q", "Part of the title or text"))
FACTS = (*PAGING, *SPAN, query("kind", "A kind, or a pattern as incident.*"), query("actor", "A reference as user:7"),
         query("subject", "A reference as incident:42"), query("person", "Who did it: an e-mail address"),
         query("team", "A team's key: what concerns it and its things"),
         query("address", "Where the actor was, or a pattern as 192.0.2.*"))


@blueprint.get("/incidents")
@access("incident.read")
@operation("Incidents, newest first", responses={200: listing(schemas.INCIDENT)}, parameters=INCIDENTS)
def incidents() -> dict[str, Any]:
    """Every incident the caller may see, in every state unless `status` says otherwise."""
    by = actor()
    allow(by, "incident.read")
    wanted = filters.read(request.args)
    queries.check_known(wanted, by)
    found = queries.filtered(queries.visible(select(Incident), by), wanted).options(
        selectinload(Incident.service), selectinload(Incident.team),
        selectinload(Incident.responders).selectinload(Responder.user),
        selectinload(Incident.roles).selectinload(Role.user))
    return paged(found, request.args, by=(Incident.id,), descending=wanted.sort == "newest",
                 show_all=queries.incident_documents)


@blueprint.post("/incidents")
@access("incident.create")
@operation("Open an incident; it is paged like any other", request=schemas.NEW, responses={201: schemas.INCIDENT})
def open_incident() -> tuple[dict[str, Any], int]:
    """A person or machine opens an incident."""
    by = actor()
    if not may_anywhere(by, "incident.create"):
        raise Forbidden("Your role does not include this.")
    values = sent(request)
    opening = forms.opening({"severity": "medium", **values}, by)
    named = forms.people(values.get("assignees", ()), "assignees")
    found = service.open_by_hand(opening, by=by)
    if named:
        found = service.assign(found, named, by=by)
    return queries.incident_document(found), 201


@blueprint.get("/incidents/<id>")
@access("incident.read")
@operation("One incident", responses={200: schemas.INCIDENT})
def incident(id: str) -> dict[str, Any]:
    """One incident."""
    return queries.incident_document(queries.incident_for(id, actor()))


@blueprint.post("/incidents/<id>/acknowledge")
@access("incident.act")
@operation("Take it; the escalation stops", responses=CHANGED)
def acknowledge(id: str) -> dict[str, Any]:
    """Take the incident."""
    found, by = permitted(id)
    return queries.incident_document(service.acknowledge(found, by=by))


@blueprint.post("/incidents/<id>/unacknowledge")
@access("incident.act")
@operation("Give it back; it escalates from the first level", responses=CHANGED)
def unacknowledge(id: str) -> dict[str, Any]:
    """Give the incident back."""
    found, by = permitted(id)
    return queries.incident_document(service.unacknowledge(found, by=by))


@blueprint.post("/incidents/<id>/resolve")
@access("incident.act")
@operation("It is over", request=schemas.RESOLVE, responses=CHANGED, body_needed=False)
def resolve(id: str) -> dict[str, Any]:
    """Resolve the incident, with a note if there is one."""
    found, by = permitted(id)
    return queries.incident_document(service.resolve(found, by=by, note=sent(request).get("note", "")))


@blueprint.post("/incidents/<id>/reopen")
@access("incident.act")
@operation("It is not over; it escalates from the first level", responses=CHANGED)
def reopen(id: str) -> dict[str, Any]:
    """Reopen the incident."""
    found, by = permitted(id)
    return queries.incident_document(service.reopen(found, by=by))


@blueprint.post("/incidents/<id>/snooze")
@access("incident.act")
@operation("Be silent until a time, or for so many minutes", request=schemas.SNOOZE, responses=CHANGED)
def snooze(id: str) -> dict[str, Any]:
    """Snooze the incident."""
    found, by = permitted(id)
    return queries.incident_document(service.snooze(found, forms.until(sent(request)), by=by))


@blueprint.post("/incidents/<id>/assign")
@access("incident.act")
@operation("Make these the people whose incident it is", request=schemas.ASSIGN, responses=CHANGED)
def assign(id: str) -> dict[str, Any]:
    """Assign the incident."""
    found, by = permitted(id)
    people = forms.people(sent(request)["assignees"], "assignees")
    return queries.incident_document(service.assign(found, people, by=by))


@blueprint.post("/incidents/<id>/add-responders")
@access("incident.act")
@operation("Ask more people to help", request=schemas.ADD_RESPONDERS, responses=CHANGED)
def add_responders(id: str) -> dict[str, Any]:
    """Ask people to help: by name, whoever is on duty now, or a whole team."""
    found, by = permitted(id)
    return queries.incident_document(service.add_responders(found, forms.helpers(sent(request), by), by=by))


@blueprint.post("/incidents/<id>/notes")
@access("incident.act")
@operation("Write a note, in any state", request=schemas.NOTE, responses={200: schemas.INCIDENT})
def add_note(id: str) -> dict[str, Any]:
    """Write a note."""
    found, by = permitted(id)
    service.add_note(found, sent(request)["body"], by=by)
    return queries.incident_document(found)


@blueprint.post("/incidents/<id>/priority")
@access("incident.act")
@operation("Set the priority, or none", request=schemas.PRIORITY, responses=CHANGED)
def set_priority(id: str) -> dict[str, Any]:
    """Set the priority."""
    found, by = permitted(id)
    return queries.incident_document(service.set_priority(found, sent(request)["priority"], by=by))


@blueprint.get("/incidents/<id>/timeline")
@access("incident.read")
@operation("All that happened, oldest first", responses={200: {"type": "array", "items": schemas.ENTRY}})
def timeline(id: str) -> list[dict[str, Any]]:
    """The timeline, entry by entry as on the page."""
    return room_pages.timeline_documents(queries.incident_for(id, actor()))


@blueprint.get("/alerts")
@access("incident.read")
@operation("Alerts, newest first", responses={200: listing(schemas.ALERT)}, parameters=ALERTS)
def alerts() -> dict[str, Any]:
    """Every alert the caller may see."""
    by = actor()
    allow(by, "incident.read")
    return alert_queries.listed(by, request.args)


@blueprint.get("/alerts/<id>")
@access("incident.read")
@operation("One alert", responses={200: schemas.ALERT})
def alert(id: str) -> dict[str, Any]:
    """One alert."""
    allow(actor(), "incident.read")
    return alert_queries.alert_document(alert_queries.alert_for(id, actor()))


@blueprint.get("/events")
@access("audit.read")
@operation("The audit log, newest first; managers see what concerns their teams", tag="events",
           responses={200: listing(schemas.FACT)}, parameters=FACTS)
def facts() -> dict[str, Any]:
    """What was done, by whom, when."""
    found = audit.facts(actor(), request.args)
    return paged(found, request.args, by=(Event.id,), descending=True, show=audit.document)


def permitted(id: str) -> tuple[Incident, Actor]:
    """The incident, if the caller may act on it: asked before the body is read."""
    by = actor()
    found = queries.incident_for(id, by)
    allow(by, "incident.act", team_id=found.team_id, involved=queries.involved(found, by))
    return found, by
