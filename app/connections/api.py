"""Testing a connection, for machines. Creating and changing stand with all other configuration."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.connections import trial
from app.core import clock
from app.core.access import access, own_transaction
from app.core.openapi import component, operation
from app.core.web import actor

blueprint = Blueprint("connections_api", __name__)
TESTED = component("ConnectionTest", {
    "type": "object", "required": ["key", "works", "outcome", "tested_at"], "properties": {
        "key": {"type": "string"}, "works": {"type": "boolean"}, "outcome": {"type": "string"},
        "tested_at": {"type": "string", "format": "date-time"}}})


@blueprint.post("/connections/<key>/test")
@access("connection.edit")
@operation("Test a connection", responses={200: TESTED})
@own_transaction
def test(key: str) -> Response:
    """Ask the product who we are."""
    found = trial.test(key, by=actor())
    return jsonify({"key": found.key, "works": found.works, "outcome": found.outcome,
                    "tested_at": clock.rfc3339(found.tested_at)})
