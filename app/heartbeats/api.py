"""How a heartbeat is, for machines; and muting it. Creating and changing stand with all other configuration."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, jsonify, request

from app.core import clock
from app.core.access import access
from app.core.forms import duration, refuse
from app.core.openapi import component, operation, sent
from app.core.web import actor
from app.heartbeats import queries, rules, service

blueprint = Blueprint("heartbeats_api", __name__)
TIME = {"type": ["string", "null"]}
STATE = component("HeartbeatState", {
    "type": "object", "required": ["key", "state", "last_ping_at", "due_at", "muted_until", "last_output", "last"],
    "properties": {
        "key": {"type": "string"}, "state": {"enum": [*rules.STATES, "muted"]}, "last_ping_at": TIME, "due_at": TIME,
        "muted_until": TIME, "last_output": {"type": "string"},
        "last": {"type": "array", "items": {"type": "object", "properties": {
            "at": {"type": "string"}, "kind": {"enum": ["ok", "late", "failed"]}, "took": {"type": ["integer", "null"]}}}}}})
MUTE = {"type": "object", "additionalProperties": False, "required": ["for", "reason"], "properties": {
    "for": {"type": "string", "description": "How long: 1m to 90d"},
    "reason": {"type": "string", "minLength": 1, "maxLength": 200}}}


@blueprint.get("/heartbeats/<key>/state")
@access("integration.read")
@operation("How a heartbeat is: last ping, deadline, last 30 intervals", responses={200: STATE})
def state(key: str) -> Response:
    """Waiting, alive, late or muted."""
    return jsonify(queries.state_document(queries.heartbeat_for(key, actor())))


@blueprint.post("/heartbeats/<key>/mute")
@access("integration.edit")
@operation("Mute a heartbeat for a while", request=MUTE, responses={200: STATE})
def mute(key: str) -> Response:
    """It fires nothing until then."""
    found = queries.heartbeat_for(key, actor(), "integration.edit")
    values = sent(request)
    try:
        until = clock.now() + timedelta(seconds=duration(values["for"]))
    except ValueError as fault:
        refuse("for", str(fault))
    service.mute(found, until, reason=values["reason"], by=actor())
    return jsonify(queries.state_document(found))


@blueprint.post("/heartbeats/<key>/unmute")
@access("integration.edit")
@operation("Let a muted heartbeat fire again", responses={200: STATE}, body_needed=False)
def unmute(key: str) -> Response:
    """From now on."""
    found = queries.heartbeat_for(key, actor(), "integration.edit")
    service.unmute(found, by=actor())
    return jsonify(queries.state_document(found))
