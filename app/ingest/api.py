"""Deliveries for machines: the log, one with headers and body, replay."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app.core.access import access, own_transaction
from app.core.errors import Invalid, Problem
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import allow, may
from app.incidents.rules import SEVERITIES
from app.ingest import health, queries, renewal, route_store, service, simulation
from app.ingest.models import Delivery, Integration
from app.ingest.rules import MOVES
from app.ingest.wellbeing import WORDS

blueprint = Blueprint("ingest_api", __name__)

DELIVERY = component("Delivery", {
    "type": "object", "required": ["id", "integration", "state", "received_at", "note", "results"], "properties": {
        "id": {"type": "string"}, "integration": {"type": "string"}, "state": {"enum": list(MOVES)},
        "received_at": {"type": "string"}, "processed_at": {"type": ["string", "null"]}, "note": {"type": "string"},
        "attempts": {"type": "integer"}, "signature": {"type": "string"},
        "duplicate_of": {"type": ["string", "null"]},
        "results": {"type": "array", "items": {"type": "object", "properties": {
            "alert": {"type": ["string", "null"]}, "incident": {"type": ["string", "null"]},
            "note": {"type": "string"}}}},
        "method": {"type": "string"}, "headers": {"type": "object"}, "query": {"type": "object"},
        "body": {"type": "string"}, "encoding": {"enum": ["text", "base64"]}}})

ORDER = {"type": "object", "additionalProperties": False, "required": ["names"], "properties": {
    "names": {"type": "array", "maxItems": 1000, "items": {"type": "string", "maxLength": 100}}}}


@blueprint.put("/routes")
@access("route.edit")
@operation("Put the named routes first, in this order", request=ORDER, responses={200: ORDER}, tag="routes")
def order_routes() -> Response:
    """All at once or not at all; routes that are not named follow in the order they had."""
    allow(actor(), "route.edit")
    route_store.order_routes(sent(request)["names"], by=actor())
    return jsonify({"names": [one.name for one in route_store.all_routes()]})


RENEWAL = {"type": "object", "additionalProperties": False, "properties": {
    "overlap": {"type": "string", "default": "1d", "description": "How long the old one counts: 0m to 7d"}}}
RENEWED = component("Renewed", {"type": "object", "required": ["value"], "properties": {
    "value": {"type": "string", "description": "The new token or secret: no other answer ever holds it"}}})
REVOKED = {"type": "object", "additionalProperties": False, "required": ["what"],
           "properties": {"what": {"type": "string", "enum": ["token", "secret"]}}}


@blueprint.post("/integrations/<key>/token")
@access("integration.edit")
@operation("A new token; the old one counts a while longer", request=RENEWAL, responses={200: RENEWED, 409: PROBLEM},
           body_needed=False)
def renew_token(key: str) -> Response:
    """Shown once."""
    found = _editable(key)
    overlap = sent(request).get("overlap", renewal.OVERLAP)
    return jsonify({"value": renewal.renew_token(found, overlap=overlap, by=actor())})


@blueprint.post("/integrations/<key>/secret")
@access("integration.edit")
@operation("A new signing secret; the old one counts a while longer", request=RENEWAL,
           responses={200: RENEWED, 409: PROBLEM}, body_needed=False)
def renew_secret(key: str) -> Response:
    """Shown once."""
    found = _editable(key)
    overlap = sent(request).get("overlap", renewal.OVERLAP)
    return jsonify({"value": renewal.renew_secret(found, overlap=overlap, by=actor())})


@blueprint.post("/integrations/<key>/revoke")
@access("integration.edit")
@operation("End the old token or secret now", request=REVOKED, responses={204: None})
def revoke(key: str) -> tuple[str, int]:
    """What was replaced counts no longer."""
    found = _editable(key)
    renewal.revoke(found, sent(request)["what"], by=actor())
    return "", 204


def _editable(key: str) -> Integration:
    """Permission first, then the body."""
    found = queries.integration_for(key, actor())
    allow(actor(), "integration.edit", team_id=found.team_id)
    return found


HEALTH = component("IntegrationHealth", {
    "type": "object", "required": ["key", "health", "reason", "last_24h"], "properties": {
        "key": {"type": "string"}, "health": {"enum": list(WORDS)}, "reason": {"type": "string"},
        "since": {"type": ["string", "null"]}, "expected_every": {"type": ["string", "null"]},
        "last_seen": {"type": ["string", "null"]}, "last_good": {"type": ["string", "null"]},
        "last_24h": {"type": "object", "properties": {
            name: {"type": "integer"} for name in ("deliveries", "rejected", "refused")}},
        "last_bad": {"type": ["object", "null"], "properties": {"at": {"type": "string"}, "reason": {"type": "string"}}},
        "processing_p95_ms": {"type": ["integer", "null"]}}})


@blueprint.get("/integrations/<key>/health")
@access("integration.read")
@operation("How an integration is, and why", responses={200: HEALTH}, tag="integrations")
def integration_health(key: str) -> Response:
    """As its page says it."""
    return jsonify(health.document(queries.integration_for(key, actor())))


@blueprint.get("/deliveries")
@access("integration.read")
@operation("Deliveries, newest first", responses={200: listing(DELIVERY)}, parameters=(
    *PAGING, query("state", "State; repeat for or", choices=tuple(MOVES), repeated=True),
    query("integration", "Key of an integration")))
def deliveries() -> Response:
    """The inbox as far as the caller may see it."""
    states = tuple(request.args.getlist("state"))
    if set(states) - set(MOVES):
        raise Invalid(problems=[Problem("state", f"A state is one of {', '.join(MOVES)}")])
    chosen = queries.integration_for(request.args["integration"], actor()) if request.args.get("integration") else None
    return jsonify(paged(queries.deliveries_query(actor(), integration=chosen, states=states), request.args,
                         by=(Delivery.id,), descending=True, show=queries.delivery_document))


@blueprint.get("/deliveries/<key>")
@access("integration.read")
@operation("One delivery; its body for responders of the team, its headers for managers", responses={200: DELIVERY})
def delivery(key: str) -> Response:
    """The row, and for the owning team what was sent."""
    found = queries.delivery_for(key, actor())
    team_id = found.integration.team_id
    return jsonify(queries.delivery_document(found, whole=may(actor(), "integration.secrets", team_id=team_id),
                                             headers=may(actor(), "integration.edit", team_id=team_id)))


@blueprint.post("/deliveries/<key>/replay")
@access("integration.edit")
@operation("Work on a delivery once more", responses={200: DELIVERY, 409: PROBLEM}, body_needed=False)
def replay(key: str) -> Response:
    """It joins the same alert if that is still open."""
    return jsonify(queries.delivery_document(service.replay(queries.delivery_for(key, actor()), by=actor())))

MANY = {"type": "object", "additionalProperties": False, "required": ["integration"], "properties": {
    "integration": {"type": "string", "maxLength": 60}, "stop": {"type": "boolean", "default": False},
    "state": {"type": "array", "minItems": 1, "items": {"enum": ["rejected", "failed"]}, "default": ["rejected", "failed"]}}}
REPLAYING = component("Replaying", {"type": "object", "required": ["replayed", "waiting"], "properties": {
    "replayed": {"type": "integer"}, "waiting": {"type": "integer", "description": "Still to be worked on"}}})


@blueprint.post("/deliveries/replay")
@access("integration.edit")
@operation("Read again all that could not be read, at most 10,000; or stop that", request=MANY, responses={200: REPLAYING})
def replay_many() -> Response:
    """Oldest first; each signal counts on what is open."""
    said = sent(request)
    found = _editable(said["integration"])
    number = service.stop_replay(found, by=actor()) if said.get("stop") else service.replay_many(
        found, said.get("state", ("rejected", "failed")), by=actor())
    return jsonify({"replayed": number, "waiting": queries.waiting(found)})


SIMULATE = {"type": "object", "additionalProperties": False, "properties": {
    "integration": {"type": "string", "maxLength": 60}, "payload": {}, "delivery": {"type": "string", "maxLength": 20},
    "service": {"type": "string", "maxLength": 100}, "severity": {"type": "string", "enum": list(SEVERITIES)},
    "at": {"type": "string", "maxLength": 40}}}
NAMED = {"type": ["object", "null"], "properties": {"key": {"type": "string"}, "name": {"type": "string"}}}
STEPS = {"type": "array", "items": {"type": "object"}}
SIMULATION = component("Simulation", {
    "type": "object", "required": ["at", "route", "service", "policy", "incident", "pages", "skipped"], "properties": {
        "at": {"type": "string"}, "route": {"type": "object"}, "service": NAMED, "policy": {"type": ["string", "null"]},
        "incident": {"type": "object", "properties": {"action": {"enum": list(simulation.ACTIONS)},
                                                      "number": {"type": ["integer", "null"]}}},
        "held": {"type": ["object", "null"]}, "pages": STEPS, "skipped": STEPS, "posts": STEPS,
        "notes": {"type": "array", "items": {"type": "string"}}, "signals": {"type": "integer"}}})


@blueprint.post("/simulate")
@access("integration.read")
@own_transaction
@operation("Who would be paged, when and by what", request=SIMULATE, responses={200: SIMULATION}, tag="simulation",
           description="A payload at an integration, a stored delivery, or an incident of a service, at any time. "
                       "Nothing is sent and nothing is stored.")
def simulate() -> Response:
    """The same code as the real road, taken back at its end."""
    return jsonify(simulation.simulate(simulation.supposed(sent(request), by=actor()), by=actor()))
