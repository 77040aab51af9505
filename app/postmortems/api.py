"""Postmortems for machines: the same commands as the pages call."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.access import Actor, access
from app.core.openapi import PAGING, PROBLEM, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import allow
from app.incidents.rules import SEVERITIES
from app.postmortems import (
    documents,
    editing,
    forms,
    list_pages,
    patterns,
    queries,
    reviewing,
    rules,
    schemas,
    service,
)
from app.postmortems.models import Postmortem, PostmortemIncident

blueprint = Blueprint("postmortems_api", __name__)
CHANGED = {200: schemas.POSTMORTEM, 409: PROBLEM}
FILTERS = (*PAGING, query("team", "A team's key"), query("state", "State", choices=rules.STATES),
           query("severity", "Of one of its incidents", choices=SEVERITIES), query("service", "A service's key"),
           query("tag", "A tag of a service"), query("q", "Part of the title or text"),
           query("from", "Begun on or after", form="date"), query("to", "Begun on or before", form="date"))


@blueprint.get("/postmortems")
@access("postmortem.read")
@operation("Postmortems, newest first", responses={200: listing(schemas.LINE)}, parameters=FILTERS)
def postmortems() -> dict[str, Any]:
    """All that the caller may read."""
    by = actor()
    allow(by, "postmortem.read")
    wanted = {name: request.args[name] for name in list_pages.FILTERS if request.args.get(name)}
    query = select(Postmortem).options(joinedload(Postmortem.team), joinedload(Postmortem.owner), selectinload(
        Postmortem.links).joinedload(PostmortemIncident.incident))
    found = list_pages.filtered(queries.visible(query, by), wanted)
    return paged(found, request.args, by=(Postmortem.id,), descending=True, show=documents.summary_document)


@blueprint.post("/postmortems")
@access("postmortem.write")
@operation("Begin a postmortem of one or several incidents, filled in from the log", request=schemas.NEW,
           responses={201: schemas.POSTMORTEM, 409: PROBLEM})
def create() -> tuple[dict[str, Any], int]:
    """A draft."""
    by = actor()
    forms.may_write_somewhere(by)
    values = sent(request)
    chosen = forms.incidents(values["incidents"], by)
    template = patterns.template_for(values["template"], by) if values.get("template") else None
    owner = queries.person(by)
    made = service.create(chosen, by=by, team=forms.team(values.get("team", ""), chosen, by), owner=owner,
                          title=values.get("title", ""), template=template)
    return documents.postmortem_document(made), 201


@blueprint.get("/postmortems/<id>")
@access("postmortem.read")
@operation("One postmortem, as its readers see it", responses={200: schemas.POSTMORTEM})
def postmortem(id: str) -> dict[str, Any]:
    """The published version where there is one, else the newest."""
    by = actor()
    found = queries.postmortem_for(id, by)
    return documents.postmortem_document(found, queries.read_by(found))


@blueprint.patch("/postmortems/<id>")
@access("postmortem.write")
@operation("Change it, beginning with a version; an old version is refused", request=schemas.CHANGE, responses=CHANGED)
def change(id: str) -> dict[str, Any]:
    """A new version; what is left out stays."""
    found, by = _permitted(id, "postmortem.write")
    values = sent(request)
    saved = service.save(found, forms.known_version(values["version"], found), forms.changed(values, found, by), by=by,
                         strict=not values.get("merge", False))
    if "owner" in values:
        editing.name_owner(saved, forms.one_person(values["owner"], "owner"), by=by)
    return documents.postmortem_document(saved)


@blueprint.delete("/postmortems/<id>")
@access("postmortem.manage")
@operation("Delete a draft and its action items; what is published stays", responses={204: None, 409: PROBLEM})
def delete(id: str) -> Response:
    """A manager deletes a draft."""
    found, by = _permitted(id, "postmortem.manage")
    service.delete_draft(found, by=by)
    return Response(status=204)


@blueprint.post("/postmortems/<id>/submit")
@access("postmortem.write")
@operation("Ask for a review; without reviewers those who were asked before, else a manager of the team",
           request=schemas.SUBMIT, responses=CHANGED, body_needed=False)
def submit(id: str) -> dict[str, Any]:
    """In review."""
    found, by = _permitted(id, "postmortem.write")
    named = forms.reviewers(sent(request).get("reviewers", ()), found, by)
    return documents.postmortem_document(reviewing.submit(found, named, by=by))


@blueprint.post("/postmortems/<id>/withdraw")
@access("postmortem.write")
@operation("Take it back into draft", responses=CHANGED, body_needed=False)
def withdraw(id: str) -> dict[str, Any]:
    """Draft again."""
    found, by = _permitted(id, "postmortem.write")
    return documents.postmortem_document(reviewing.withdraw(found, by=by))


@blueprint.post("/postmortems/<id>/changes")
@access("postmortem.review")
@operation("Send it back with a comment", request=schemas.NOTE, responses=CHANGED)
def ask_changes(id: str) -> dict[str, Any]:
    """Draft again, with a comment."""
    found, by = _permitted(id, "postmortem.review")
    return documents.postmortem_document(reviewing.ask_changes(found, sent(request)["body"], by=by))


@blueprint.post("/postmortems/<id>/approve")
@access("postmortem.review")
@operation("Approve the newest version, or refuse when it is not the one named", request=schemas.APPROVE,
           responses=CHANGED, body_needed=False)
def approve(id: str) -> dict[str, Any]:
    """An approval of this very version."""
    found, by = _permitted(id, "postmortem.review")
    return documents.postmortem_document(reviewing.approve(found, by=by, version=sent(request).get("version")))


@blueprint.post("/postmortems/<id>/publish")
@access("postmortem.write")
@operation("Publish it: text, facts and timeline are frozen; a later version needs a reason", request=schemas.PUBLISH,
           responses=CHANGED, body_needed=False)
def publish(id: str) -> dict[str, Any]:
    """Published."""
    found, by = _permitted(id, "postmortem.write")
    return documents.postmortem_document(reviewing.publish_version(found, by=by, reason=sent(request).get("reason", "")))


@blueprint.get("/postmortems/<id>/versions")
@access("postmortem.read")
@operation("Its versions, newest first", responses={200: {"type": "array", "items": schemas.VERSION}})
def versions(id: str) -> Response:
    """Those that the caller may read."""
    by = actor()
    found = queries.postmortem_for(id, by)
    return jsonify([documents.version_document(one) for one in queries.versions_of(found, by, whole=True)])


@blueprint.post("/postmortems/<id>/versions/<number>/restore")
@access("postmortem.write")
@operation("Make a new version equal to a former one", responses=CHANGED, body_needed=False)
def restore(id: str, number: str) -> dict[str, Any]:
    """A former text once more."""
    found, by = _permitted(id, "postmortem.write")
    return documents.postmortem_document(editing.restore(found, queries.number_of(number), by=by))


@blueprint.post("/postmortems/<id>/incidents")
@access("postmortem.write")
@operation("Add an incident and its rows", request=schemas.INCIDENT, responses=CHANGED)
def add_incident(id: str) -> dict[str, Any]:
    """One more incident."""
    found, by = _permitted(id, "postmortem.write")
    incident = forms.incidents([sent(request)["incident"]], by, "incident")[0]
    return documents.postmortem_document(editing.add_incident(found, incident, by=by))


@blueprint.delete("/postmortems/<id>/incidents/<number>")
@access("postmortem.write")
@operation("Take an incident and its rows out", responses=CHANGED)
def remove_incident(id: str, number: str) -> dict[str, Any]:
    """One incident less."""
    found, by = _permitted(id, "postmortem.write")
    return documents.postmortem_document(editing.remove_incident(found, queries.number_of(number), by=by))


@blueprint.post("/postmortems/<id>/rows")
@access("postmortem.write")
@operation("Add a row of one's own to the timeline", request=schemas.ADD_ROW, responses=CHANGED)
def add_row(id: str) -> dict[str, Any]:
    """A row that is marked as added."""
    found, by = _permitted(id, "postmortem.write")
    values = sent(request)
    at = forms.instant(values["at"], "at", by)
    return documents.postmortem_document(editing.add_row(found, at, values["text"], by=by))


def _permitted(id: str, action: str) -> tuple[Postmortem, Actor]:
    by = actor()
    return queries.postmortem_for(id, by, action), by
