"""Secrets for machines: names and uses can be read, values only written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.core.access import access
from app.core.clock import rfc3339
from app.core.errors import Forbidden
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.runbooks import vault
from app.runbooks.models import Secret

blueprint = Blueprint("secrets_api", __name__)
TEXT, TIME = {"type": "string"}, {"type": ["string", "null"]}
VALUE = {"type": "string", "minLength": 1, "maxLength": vault.MOST, "writeOnly": True}
SECRET = component("Secret", {
    "type": "object", "required": ["id", "name", "team", "last_used_at", "replaced_at", "used_by"],
    "properties": {"id": TEXT, "name": TEXT, "team": TIME, "last_used_at": TIME, "replaced_at": TIME,
                   "used_by": {"type": "array", "items": TEXT}}})
NEW = {"type": "object", "additionalProperties": False, "required": ["name", "value"], "properties": {
    "name": {"type": "string", "maxLength": 63}, "value": VALUE, "team": {"type": ["string", "null"]}}}
OTHER = {"type": "object", "additionalProperties": False, "required": ["value"], "properties": {"value": VALUE}}


def documents(secrets: Sequence[Secret]) -> list[dict[str, Any]]:
    """What may be read of each secret."""
    uses = vault.uses_of(secrets, actor())
    return [{"id": str(one.id), "name": one.name, "team": one.team.key if one.team else None,
             "last_used_at": rfc3339(one.last_used_at), "replaced_at": rfc3339(one.replaced_at),
             "used_by": [use.name for use in uses[one.id]]} for one in secrets]


def document(secret: Secret) -> dict[str, Any]:
    """What may be read of one."""
    return documents([secret])[0]


@blueprint.get("/secrets")
@access("secret.edit")
@operation("All secrets, without their values", responses={200: listing(SECRET)}, parameters=PAGING)
def index() -> Response:
    """By name."""
    return jsonify(paged(vault.visible(actor()), request.args, by=(Secret.name, Secret.id), show_all=documents))


@blueprint.post("/secrets")
@access("secret.edit")
@operation("Store a secret for a team, or without one for everybody", request=NEW, responses={201: SECRET})
def create() -> tuple[Response, int]:
    """Requests name it `{{ secret.<name> }}`."""
    if not may_anywhere(actor(), "secret.edit"):
        raise Forbidden("Your role does not include this.")
    body = sent(request)
    return jsonify(document(vault.add(body["name"], body["value"], team=body.get("team"), by=actor()))), 201


@blueprint.put("/secrets/<int:secret_id>")
@access("secret.edit")
@operation("Replace the value of a secret", request=OTHER, responses={200: SECRET})
def replace(secret_id: int) -> Response:
    """It counts from the next request on."""
    secret = vault.secret_for(secret_id, actor())
    vault.replace(secret, sent(request)["value"], by=actor())
    return jsonify(document(secret))


@blueprint.delete("/secrets/<int:secret_id>")
@access("secret.edit")
@operation("Delete a secret that nothing uses", responses={204: None, 409: PROBLEM})
def delete(secret_id: int) -> tuple[str, int]:
    """While something uses it: 409 with the list."""
    vault.delete(vault.secret_for(secret_id, actor()), by=actor())
    return "", 204
