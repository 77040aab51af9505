"""Moving in for machines: begin an import, and see what it came to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from app.config import errands, imports, parity
from app.config.models import Errand
from app.core import clock
from app.core.access import access, own_transaction
from app.core.errors import Invalid
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
PARITY = component("Parity", {"type": "object", "required": ["id", "percentage", "pairs", "duty"], "properties": {
    "id": {"type": "string"}, "source": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"},
    "percentage": {"type": "number"}, "duty": {"type": "array", "items": {"type": "object"}},
    "pairs": {"type": "array", "items": {"type": "object", "properties": {
        "where": {"enum": ["both", "there", "here"]}, "title": {"type": "string"}, "cause": {"type": "string"},
        "first_there": {"type": ["string", "null"]}, "first_here": {"type": ["string", "null"]},
        "apart": {"type": ["integer", "null"], "description": "Seconds; negative when ours was first"},
        "same_people": {"type": "boolean"}}}}}})
COMPARE = {"type": "object", "additionalProperties": False, "required": ["source", "from", "to", "data"], "properties": {
    "source": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"},
    "data": {"type": "object", "description": "What the product recorded, by the path of its API"}}}


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


@blueprint.post("/parity-reports")
@access("admin")
@own_transaction
@takes(32 * 1024 * 1024)
@operation("Compare what another product recorded with what happened here", request=COMPARE, responses={201: PARITY},
           tag=TAG)
def compare() -> tuple[dict[str, Any], int]:
    """Both, only there, only here; at most 31 days."""
    by = actor()
    allow(by, "admin")
    values = sent(request)
    try:
        since, until = (clock.parse_instant(values[name]) for name in ("from", "to"))
    except ValueError as fault:
        raise Invalid(str(fault)) from None
    return _parity(parity.reported(values["source"], values["data"], since, until, by=by)), 201


@blueprint.get("/parity-reports/<key>")
@access("admin")
@operation("One parity report", responses={200: PARITY}, tag=TAG)
def parity_report(key: str) -> dict[str, Any]:
    """As it was compared."""
    return _parity(errands.errand_for(key, "parity", actor()))


def _parity(errand: Errand) -> dict[str, Any]:
    return {"id": errand.key, "source": errand.said["source"], "from": errand.said["since"], "to": errand.said["until"],
            **errand.found}


def _shown(errand: Errand) -> dict[str, Any]:
    more = {"document": errands.secret_of(errand)["document"]} if errand.state == "done" else {}
    return {"id": errand.key, "state": errand.state, "source": errand.said["source"], "error": errand.error,
            "created_at": clock.rfc3339(errand.created_at), "ended_at": clock.rfc3339(errand.ended_at),
            "progress": errand.progress, "lines": errand.found.get("lines", []), **more}
