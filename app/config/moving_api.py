"""Moving in for machines: begin an import, and see what it came to."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, request

from app.config import errands, imports, parity, replays
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
        "same_people": {"type": "boolean"}, "answered_there": {"type": ["string", "null"]},
        "later": {"type": "integer", "description": "Pages here after it was answered there, left out"}}}}}})
REPLAY = component("Replay", {"type": "object", "required": ["id", "state", "from", "to", "error", "progress"],
                              "properties": {
    "id": {"type": "string"}, "state": {"enum": ["waiting", "running", "done", "failed"]}, "from": {"type": "string"},
    "to": {"type": "string"}, "answers": {"type": "string"}, "error": {"type": "string"}, "progress": {"type": "string"},
    "really": {"type": "boolean", "description": "Held against what really happened: no document was given"},
    "deliveries": {"type": "integer"}, "purged": {"type": "integer"}, "same": {"type": "integer"},
    "differing": {"type": "integer"}, "differences": {"type": "array", "items": {"type": "object"}},
    "people": {"type": "array", "items": {"type": "object"}}}})
PLAY = {"type": "object", "additionalProperties": False, "required": ["from", "to"], "properties": {
    "from": {"type": "string"}, "to": {"type": "string"}, "answers": {
        "type": "string", "default": "recorded", "description": "`recorded`, `never`, or a time such as `after=5m`"},
    "document": {"type": ["object", "string"], "description": "The changed document, or its text as YAML or JSON"}}}
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
    since, until = _period(values)
    return _parity(parity.reported(values["source"], values["data"], since, until, by=by)), 201


@blueprint.post("/replays")
@access("admin")
@own_transaction
@takes(12 * 1024 * 1024)
@operation("Play a period again through a changed document", request=PLAY, responses={202: REPLAY}, tag=TAG)
def play() -> tuple[dict[str, Any], int]:
    """A worker does it; at most 31 days. Nothing is sent or stored."""
    by = actor()
    allow(by, "admin")
    values = sent(request)
    said = values.get("document")
    sources = [("document", (said if isinstance(said, str) else json.dumps(said)).encode())] if said else []
    since, until = _period(values)
    return _replay(replays.begun(since, until, sources, answers=values.get("answers", "recorded"), by=by)), 202


@blueprint.get("/replays/<key>")
@access("admin")
@operation("How far a replay is, or what it came to", responses={200: REPLAY}, tag=TAG)
def replay(key: str) -> dict[str, Any]:
    """Pages added, removed, moved and the same, by incident and by person."""
    return _replay(errands.errand_for(key, "replay", actor()))


@blueprint.get("/parity-reports/<key>")
@access("admin")
@operation("One parity report", responses={200: PARITY}, tag=TAG)
def parity_report(key: str) -> dict[str, Any]:
    """As it was compared."""
    return _parity(errands.errand_for(key, "parity", actor()))


def _period(values: dict[str, Any]) -> tuple[datetime, datetime]:
    try:
        return clock.parse_instant(values["from"]), clock.parse_instant(values["to"])
    except ValueError as fault:
        raise Invalid(str(fault)) from None


def _replay(errand: Errand) -> dict[str, Any]:
    return {"id": errand.key, "state": errand.state, "from": errand.said["since"], "to": errand.said["until"],
            "answers": errand.said["answers"], "error": errand.error, "progress": errand.progress, **errand.found}


def _parity(errand: Errand) -> dict[str, Any]:
    return {"id": errand.key, "source": errand.said["source"], "from": errand.said["since"], "to": errand.said["until"],
            **errand.found}


def _shown(errand: Errand) -> dict[str, Any]:
    more = {"document": errands.secret_of(errand)["document"]} if errand.state == "done" else {}
    return {"id": errand.key, "state": errand.state, "source": errand.said["source"], "error": errand.error,
            "created_at": clock.rfc3339(errand.created_at), "ended_at": clock.rfc3339(errand.ended_at),
            "progress": errand.progress, "lines": errand.found.get("lines", []), **more}
