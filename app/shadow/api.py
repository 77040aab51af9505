"""Shadow, for machines."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app.core.access import access
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.shadow import Shadow
from app.core.web import actor
from app.identity.queries import allow
from app.shadow import queries, service
from app.shadow.models import Unsent

blueprint = Blueprint("shadow_api", __name__)
TEXT, MAYBE = {"type": "string"}, {"type": ["string", "null"]}
SHADOW = component("Shadow", {
    "type": "object", "required": ["id", "scope", "ref", "name", "reason", "since", "by", "ended_at", "ended_by"],
    "properties": {"id": TEXT, "scope": {"enum": list(service.SCOPES)}, "ref": TEXT, "name": TEXT, "reason": TEXT,
                   "since": TEXT, "by": TEXT, "ended_at": MAYBE, "ended_by": TEXT}})
UNSENT = component("Unsent", {
    "type": "object", "required": ["id", "at", "kind", "channel", "whom", "user", "reason", "incident", "title", "shadow"],
    "properties": {"id": TEXT, "at": TEXT, "kind": TEXT, "channel": TEXT, "whom": TEXT, "user": MAYBE, "reason": TEXT,
                   "incident": MAYBE, "title": MAYBE, "shadow": TEXT}})
BEGIN = {"type": "object", "required": ["scope", "reason"], "additionalProperties": False,
         "properties": {"scope": {"enum": list(service.SCOPES)}, "key": TEXT, "reason": TEXT}}
END = {"type": "object", "additionalProperties": False, "properties": {
    "page": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{1,18}$"}}}}
FILTERS = tuple(query(name, text) for name, text in (
    ("from", "Due at or after this time"), ("to", "Due before this time"), ("user", "Id of a person"),
    ("incident", "Number of an incident"), ("kind", "page, request, post, webhook, runbook, action, readers, …"),
    ("shadow", "Id of a shadow")))


@blueprint.get("/shadows")
@access("shadow.read")
@operation("What is in shadow now", responses={200: listing(SHADOW)})
def index() -> Response:
    """The longest first."""
    return jsonify({"items": [queries.shadow_document(one) for one in queries.visible(actor())], "next": None})


@blueprint.post("/shadows")
@access("shadow.edit")
@operation("Put something in shadow", request=BEGIN, responses={201: SHADOW, 409: PROBLEM, 422: PROBLEM})
def begin() -> tuple[Response, int]:
    """From this instant nothing of it leaves."""
    allow(actor(), "shadow.edit")
    said = sent(request)
    made = service.begin(said["scope"], said.get("key", ""), reason=said["reason"], by=actor())
    return jsonify(queries.shadow_document(made)), 201


@blueprint.post("/shadows/<shadow>/end")
@access("shadow.edit")
@operation("Go live", request=END, responses={200: SHADOW, 409: PROBLEM, 422: PROBLEM}, body_needed=False)
def end(shadow: str) -> Response:
    """Open incidents stay silent, but for those named in `page`."""
    allow(actor(), "shadow.edit")
    found: Shadow = queries.shadow_for(shadow)
    named = sent(request).get("page", [])
    return jsonify(queries.shadow_document(service.end(found, page=[int(one) for one in named], by=actor())))


@blueprint.get("/shadows/-/unsent")
@access("shadow.read")
@operation("What would have left, newest first", responses={200: listing(UNSENT)}, parameters=(*PAGING, *FILTERS))
def unsent() -> Response:
    """Pages, notices, posts, calls and runbooks, each with its time, person, channel and reason."""
    return jsonify(paged(queries.unsent(actor(), request.args), request.args, by=(Unsent.at, Unsent.id),
                         show=queries.unsent_document, descending=True))
