"""What a webhook sent, for machines. Creating and changing stand with all other configuration."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app.core.access import access
from app.core.errors import NotFound
from app.core.openapi import PAGING, PROBLEM, component, listing, operation
from app.core.paging import paged
from app.core.web import actor
from app.webhooks import queries, rules, service
from app.webhooks.models import WebhookDelivery

blueprint = Blueprint("webhooks_api", __name__)
TEXT = {"type": ["string", "null"]}
DELIVERY = component("WebhookDelivery", {
    "type": "object", "required": ["id", "event", "kind", "state", "attempts", "answer", "error", "created_at", "next_at",
                                   "ended_at"],
    "properties": {
        "id": {"type": "string"}, "event": TEXT, "kind": {"type": "string"}, "state": {"enum": list(rules.STATES)},
        "attempts": {"type": "integer"}, "answer": {"type": ["integer", "null"]}, "error": {"type": "string"},
        "created_at": {"type": "string"}, "next_at": TEXT, "ended_at": TEXT}})


@blueprint.get("/webhooks/<key>/deliveries")
@access("webhook.edit")
@operation("What a webhook sent, newest first", responses={200: listing(DELIVERY)}, parameters=PAGING)
def deliveries(key: str) -> Response:
    """With state and the receiver's answer."""
    found = queries.webhook_for(key, actor(), "webhook.edit")
    query = queries.deliveries_of(found)
    return jsonify(paged(query, request.args, by=(WebhookDelivery.id,), show=queries.delivery_document, descending=True))


@blueprint.post("/webhooks/<key>/test")
@access("webhook.edit")
@operation("Send a test by a webhook", responses={202: DELIVERY}, body_needed=False)
def test(key: str) -> tuple[Response, int]:
    """It takes the road of every other delivery."""
    delivery = service.send_test(queries.webhook_for(key, actor(), "webhook.edit"), by=actor())
    return jsonify(queries.delivery_document(delivery)), 202


@blueprint.post("/webhooks/<key>/deliveries/<delivery>/again")
@access("webhook.edit")
@operation("Send a delivery again", responses={202: DELIVERY, 409: PROBLEM}, body_needed=False)
def again(key: str, delivery: str) -> tuple[Response, int]:
    """With the same id, so that the receiver can tell."""
    found = queries.webhook_for(key, actor(), "webhook.edit")
    if not (delivery.isascii() and delivery.isdecimal() and len(delivery) < 19):
        raise NotFound
    one = queries.delivery_of(found, int(delivery))
    service.send_again(one, by=actor())
    return jsonify(queries.delivery_document(one)), 202


@blueprint.post("/webhooks/<key>/on")
@access("webhook.edit")
@operation("Switch a webhook on again", responses={204: None}, body_needed=False)
def switch_on(key: str) -> tuple[str, int]:
    """What happened meanwhile is not told."""
    service.switch_on(queries.webhook_for(key, actor(), "webhook.edit"), by=actor())
    return "", 204
