"""Moving in for machines: begin an import, and see what it came to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from app.config import errands, imports
from app.config.models import Errand
from app.core import clock
from app.core.access import access, own_transaction
from app.core.openapi import component, operation, sent
from app.core.web import actor, takes
from app.identity.queries import allow

blueprint = Blueprint("moving_api", __name__)
IMPORT = component("Import", {"type": "object", "required": ["id", "state", "source", "error", "progress", "lines"],
                              "properties": {
    "id": {"type": "string"}, "state": {"enum": ["waiting", "running", "done", "failed"]}, "source": {"type": "string"},
    "created_at": {"type": "string"}, "ended_at": {"type": ["string", "null"]}, "error": {"type": "string"},
    "progress": {"type": "string"}, "document": {"type": "string", "description": "YAML, once it is done"},
    "lines": {"type": "array", "items": {"type": "object", "properties": {
        name: {"type": "string"} for name in ("kind", "id", "name", "verdict", "key", "into", "reason", "advice")}}}}})
BEGIN = {"type": "object", "additionalProperties": False, "required": ["source"], "properties": {
    "source": {"type": "string", "description": "The importer, as `oncall import` calls it"},
    "url": {"type": "string", "maxLength": 500}, "token": {"type": "string", "maxLength": 500},
    "data": {"type": "object", "description": "Exported answers by path, in place of a token"}}}
TAG = "moving in"


@blueprint.post("/imports")
@access("admin")
@own_transaction
@takes(32 * 1024 * 1024)
@operation("Read another product's configuration; nothing is changed here or there", request=BEGIN,
           responses={202: IMPORT}, tag=TAG)
def begin() -> tuple[dict[str, Any], int]:
    """By its API, or from answers that were exported."""
    by = actor()
    allow(by, "admin")
    values = sent(request)
    if "data" in values:
        return _shown(imports.brought(values["source"], values["data"], by=by)), 202
    return _shown(imports.connected(values["source"], values.get("url", ""), values.get("token", ""), by=by)), 202


@blueprint.get("/imports/<key>")
@access("admin")
@operation("How far an import is, or what it came to", responses={200: IMPORT}, tag=TAG)
def show(key: str) -> dict[str, Any]:
    """State, plan and document."""
    return _shown(errands.errand_for(key, "import", actor()))


def _shown(errand: Errand) -> dict[str, Any]:
    more = {"document": errands.secret_of(errand)["document"]} if errand.state == "done" else {}
    return {"id": errand.key, "state": errand.state, "source": errand.said["source"], "error": errand.error,
            "created_at": clock.rfc3339(errand.created_at), "ended_at": clock.rfc3339(errand.ended_at),
            "progress": errand.progress, "lines": errand.found.get("lines", []), **more}
