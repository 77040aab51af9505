"""Messages and push subscriptions for machines."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from flask_login import current_user

from app.core.access import access
from app.core.openapi import PROBLEM, component, operation, sent
from app.core.web import actor
from app.identity.queries import allow
from app.incidents.queries import incident_for, involved
from app.notifications import browsers, channel_pages, contacts, queries, readiness, threads

blueprint = Blueprint("notifications_api", __name__)

OWN = component("OwnChannel", {"type": "object", "required": ["channel"], "additionalProperties": False, "properties": {
    "channel": {"type": "string", "description": "slug of a channel that can open one"}}})
OPENED = component("OpenedChannel", {"type": "object", "required": ["channel", "incident"], "properties": {
    "channel": {"type": "string"}, "incident": {"type": "string"}}})
MESSAGE = component("Message", {
    "type": "object", "required": ["id", "user", "channel", "address", "state", "queued_at"], "properties": {
        "id": {"type": "string"}, "kind": {"type": "string"},
        "user": {"type": "object", "properties": {"email": {"type": "string"}, "name": {"type": "string"}}},
        "channel": {"type": "string"}, "address": {"type": "string", "description": "masked"},
        "reason": {"type": "string"}, "attempts": {"type": "integer"},
        "state": {"enum": ["queued", "sending", "sent", "delivered", "failed", "cancelled", "expired", "unsent"]},
        "queued_at": {"type": "string"}, "next_at": {"type": ["string", "null"]},
        "started_at": {"type": ["string", "null"], "description": "claimed for sending"},
        "sent_at": {"type": ["string", "null"]}, "delivered_at": {"type": ["string", "null"]},
        "provider": {"type": "string"}, "provider_id": {"type": "string"}, "error": {"type": ["string", "null"]},
        "level": {"type": ["integer", "null"]}}})
CHANNEL = component("Channel", {
    "type": "object", "required": ["channel", "name", "methods", "providers"], "properties": {
        "channel": {"type": "string"}, "name": {"type": "string"},
        "methods": {"type": "integer", "description": "proven contact methods of people"},
        "providers": {"type": "array", "items": {
            "type": "object", "required": ["account", "name", "state"], "properties": {
                "account": {"type": "string"}, "name": {"type": "string"},
                "state": {"enum": ["ok", "failing", "out", "off"]}, "left_out_until": {"type": ["string", "null"]},
                "last_hour": {"type": "object", "properties": {
                    "sent": {"type": "integer"}, "failed": {"type": "integer"}, "seconds": {"type": ["number", "null"]}}},
                "last_error": {"type": ["string", "null"]}, "last_error_at": {"type": ["string", "null"]}}}}}})
PERSON = component("Reachability", {
    "type": "object", "required": ["user", "teams", "on_duty", "methods", "problems"], "properties": {
        "user": {"type": "object", "properties": {"email": {"type": "string"}, "name": {"type": "string"}}},
        "teams": {"type": "array", "items": {"type": "string"}},
        "on_duty": {"type": "boolean", "description": "at some time in the next 14 days"},
        "problems": {"type": "array", "items": {"type": "string"}},
        "methods": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "channel": {"type": "string"},
            "state": {"enum": ["proven", "unproven", "disabled", "failing"]},
            "last_reached_at": {"type": ["string", "null"]}}}}}})
SUBSCRIPTION = {
    "type": "object", "required": ["endpoint", "keys"], "properties": {
        "endpoint": {"type": "string", "maxLength": 2000}, "expirationTime": {},
        "former": {"type": "string", "maxLength": 2000, "description": "where the same browser was: it stays in rules"},
        "keys": {"type": "object", "required": ["p256dh", "auth"], "properties": {
            "p256dh": {"type": "string", "maxLength": 200}, "auth": {"type": "string", "maxLength": 100}}}}}
ENDPOINT = {"type": "object", "required": ["endpoint"], "properties": {
    "endpoint": {"type": "string", "maxLength": 2000}}}
METHOD = component("PushSubscription", {"type": "object", "required": ["id", "name"], "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}}})


@blueprint.get("/incidents/<number>/messages")
@access("incident.read")
@operation("Every message about an incident, with its state", responses={200: {"type": "array", "items": MESSAGE}})
def messages(number: str) -> Response:
    """Who was sent what, by which channel, with what outcome."""
    incident = incident_for(number, actor())
    return jsonify([queries.message_document(message) for message in queries.messages_of(incident)])


@blueprint.post("/incidents/<number>/channels")
@access("incident.act")
@operation("Open a channel for the incident alone, its people invited", request=OWN, responses={202: OPENED, 409: PROBLEM})
def open_channel(number: str) -> tuple[Response, int]:
    """It is made in a moment, and the incident posted in it."""
    incident, by = incident_for(number, actor()), actor()
    allow(by, "incident.act", team_id=incident.team_id, involved=involved(incident, by))
    found = threads.open_own(incident, str(sent(request)["channel"]), by=by)
    return jsonify({"channel": found.channel, "incident": str(found.incident_id)}), 202


@blueprint.get("/channels")
@access("admin")
@operation("How each provider of each channel fares", responses={200: {"type": "array", "items": CHANNEL}})
def channels() -> Response:
    """Accounts in the order in which they are tried, with the last hour and the last error of each."""
    return jsonify(channel_pages.document())


@blueprint.get("/reachability")
@access("audit.read")
@operation("Who can't be reached and why: everybody for admins, one's teams for managers",
           responses={200: {"type": "array", "items": PERSON}})
def reachability() -> Response:
    """Trouble on duty first."""
    return jsonify([readiness.document(one) for one in readiness.people(actor())])


@blueprint.post("/me/push-subscriptions")
@access("own.edit")
@operation("Page me in this browser", request=SUBSCRIPTION, responses={201: METHOD})
def subscribe() -> tuple[Response, int]:
    """Keep the browser's subscription as a proven contact method."""
    method = browsers.add_browser(current_user, sent(request), by=actor(), name=_browser())
    return jsonify({"id": str(method.id), "name": method.name}), 201


@blueprint.delete("/me/push-subscriptions")
@access("own.edit")
@operation("Page me no more in the browser with this endpoint", request=ENDPOINT, responses={204: None})
def forget() -> tuple[str, int]:
    """Remove the subscription of the browser that asks; it knows its endpoint, not our id."""
    browsers.remove_browser(current_user, sent(request)["endpoint"], by=actor())
    return "", 204


@blueprint.delete("/me/push-subscriptions/<int:key>")
@access("own.edit")
@operation("Page me no more in that browser", responses={204: None})
def unsubscribe(key: int) -> tuple[str, int]:
    """Remove the browser's subscription."""
    contacts.remove_method(contacts.own_method(current_user, key), by=actor())
    return "", 204


def _browser() -> str:
    """What the browser calls itself, as a name for the method."""
    agent = request.user_agent.string
    for mark, name in (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")):
        if mark in agent:
            return f"Push to {name}"
    return "Push"
