"""The configuration document for machines: export, plan, apply, and what changed since."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from app.config import managed, plans, service
from app.config.insides import published
from app.config.models import AppliedDocument
from app.core import clock
from app.core.access import access, own_transaction
from app.core.errors import Forbidden
from app.core.openapi import PROBLEM, component, operation, sent
from app.core.web import actor, takes
from app.identity.queries import may_anywhere

blueprint = Blueprint("configuration_api", __name__)
DOCUMENT = {"type": "object", "description": "The configuration document; its schema is at /configuration/schema"}
BROUGHT = {"type": "object", "additionalProperties": False, "required": ["document"], "properties": {
    "document": {"type": ["object", "string"], "description": "The document, or its text as YAML or JSON"},
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "default": "document",
             "description": "What faults and the log call it"},
    "prune": {"type": "boolean", "default": False, "description": "Remove what the document's own kinds do not name"},
    "yes": {"type": "boolean", "default": False, "description": "Remove even more than 20 objects or a fifth of a kind"}}}
RESULT = component("ConfigurationResult", {"type": "object", "required": ["changes", "warnings", "large"], "properties": {
    "changes": {"type": "array", "items": {"type": "object", "required": ["action", "kind", "key", "fields"], "properties": {
        "action": {"enum": ["created", "changed", "removed"]}, "kind": {"type": "string"}, "key": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "string"}}, "was": {"type": "object"}, "now": {"type": "object"}}}},
    "warnings": {"type": "array", "items": {"type": "string"}},
    "large": {"type": "array", "items": {"type": "string"}, "description": "Removals that need `yes`"}}})
STATE = component("ConfigurationState", {"type": "object", "required": ["last", "managed", "drift"], "properties": {
    "last": {"type": ["object", "null"]}, "managed": {"type": "integer"},
    "drift": {"type": "array", "items": {"type": "object", "properties": {
        "kind": {"type": "string"}, "key": {"type": "string"}, "gone": {"type": "boolean"},
        "fields": {"type": "object"}}}}}})
TAG = "configuration"


@blueprint.get("/configuration")
@access("configuration.read")
@operation("The whole configuration, secrets left out; a manager's own teams' alone", responses={200: DOCUMENT}, tag=TAG)
def export() -> Response:
    """As `oncall export` writes it."""
    _allow("configuration.read")
    return jsonify(service.export(actor()))


@blueprint.get("/configuration/schema")
@access("configuration.read")
@operation("The JSON Schema (2020-12) of the document", responses={200: {"type": "object"}}, tag=TAG)
def schema() -> Response:
    """As `oncall schema` prints it."""
    _allow("configuration.read")
    return jsonify(published(current_app.extensions["plugins"]))


@blueprint.get("/configuration/state")
@access("configuration.read")
@operation("The document last applied, and what is otherwise since", responses={200: STATE}, tag=TAG)
def state() -> dict[str, Any]:
    """Each field as the document said, and as it is."""
    _allow("configuration.read")
    count, found = managed.drift(actor())
    last = next(iter(managed.applications(1)), None)
    return {"last": _applied(last) if last else None, "managed": count, "drift": [
        {"kind": one.noun, "key": one.key, "gone": one.gone, "fields": {
            name: {"document": was, "here": now} for name, (was, now) in one.fields.items()}} for one in found]}


@blueprint.post("/configuration/plan")
@access("configuration.apply")
@own_transaction
@takes(12 * 1024 * 1024)
@operation("What an apply of this document would do; nothing is done", request=BROUGHT, responses={200: RESULT}, tag=TAG)
def plan() -> dict[str, Any]:
    """The same road as `apply`, taken back."""
    _allow("configuration.apply")
    values = sent(request)
    return plans.written(plans.looked_at_only(_sources(values), prune=values.get("prune", False), by=actor()))


@blueprint.post("/configuration/apply")
@access("configuration.apply")
@own_transaction
@takes(12 * 1024 * 1024)
@operation("Make the system match this document, wholly or not at all", request=BROUGHT,
           responses={200: RESULT, 409: PROBLEM}, tag=TAG,
           description="`${env:…}` and `${file:…}` are refused: only `oncall apply`, on the machine itself, reads them.")
def apply() -> dict[str, Any]:
    """All or nothing."""
    _allow("configuration.apply")
    values = sent(request)
    done = plans.applied(_sources(values), prune=values.get("prune", False), yes=values.get("yes", False), by=actor())
    return plans.written(done)


def _allow(action: str) -> None:
    if not may_anywhere(actor(), action):
        raise Forbidden("Your role does not include this.")


def _sources(values: dict[str, Any]) -> list[plans.Source]:
    said = values["document"]
    return [(values.get("name", "document"), (said if isinstance(said, str) else json.dumps(said)).encode())]


def _applied(one: AppliedDocument) -> dict[str, Any]:
    return {"at": clock.rfc3339(one.at), "by": one.actor_name, "actor": one.actor, "via": one.via,
            "files": one.files, "changes": one.changes}
