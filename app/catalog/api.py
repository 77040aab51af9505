"""Silences for machines, and the end of what is open now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.catalog import window_queries, window_service
from app.catalog.models import Window
from app.core.access import access
from app.core.errors import Forbidden
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import may_anywhere

blueprint = Blueprint("catalog_api", __name__)
NAMES: dict[str, Any] = {"type": "array", "maxItems": 200, "items": {"type": "string", "maxLength": 100}}
LABELS: dict[str, Any] = {"type": "object", "maxProperties": 20, "additionalProperties": {
    "type": ["string", "number", "boolean", "null", "array"], "maxLength": 256, "maxItems": 100}}
SCOPE: dict[str, Any] = {"services": NAMES, "teams": NAMES, "integrations": NAMES, "labels": LABELS}
SILENCE = component("Silence", {"type": "object", "required": ["id", "reason", "ends", "active"], "properties": {
    "id": {"type": "string"}, "reason": {"type": "string"}, "team": {"type": ["string", "null"]},
    "owner": {"type": ["object", "null"]}, **SCOPE, "starts": {"type": "string"}, "ends": {"type": "string"},
    "page_critical": {"type": "boolean"}, "active": {"type": "boolean"}}})
NEW: dict[str, Any] = {"type": "object", "additionalProperties": False, "required": ["reason"], "properties": {
    "reason": {"type": "string", "minLength": 3, "maxLength": 500}, "team": {"type": ["string", "null"], "maxLength": 60},
    **SCOPE, "starts": {"type": "string", "maxLength": 40}, "ends": {"type": "string", "maxLength": 40},
    "for": {"type": "string", "maxLength": 10, "description": "A duration like 2h, in place of `ends`"},
    "page_critical": {"type": "boolean"}}}


@blueprint.get("/silences")
@access("team.read")
@operation("Silences, newest first", responses={200: listing(SILENCE)}, parameters=PAGING, tag="silences")
def silences() -> Response:
    """All that the caller may see, the past ones too."""
    return jsonify(paged(window_queries.of_kind("silence", actor()), request.args, by=(Window.id,), descending=True,
                         show_all=window_queries.silence_documents))


@blueprint.post("/silences")
@access("silence.edit")
@operation("Hold pages until a time, with a reason", request=NEW, responses={201: SILENCE}, tag="silences")
def add_silence() -> tuple[Response, int]:
    """What it covers is recorded and shown as ever; whoever asks owns it."""
    if not may_anywhere(actor(), "silence.edit"):
        raise Forbidden("Your role does not include this.")
    made = window_service.add_silence(sent(request), by=actor())
    return jsonify(window_queries.silence_document(made)), 201


@blueprint.get("/silences/<key>")
@access("team.read")
@operation("One silence", responses={200: SILENCE}, tag="silences")
def silence(key: str) -> Response:
    """One silence."""
    return jsonify(window_queries.silence_document(window_queries.window_for("silence", key, actor())))


@blueprint.delete("/silences/<key>")
@access("silence.edit")
@operation("End a silence now", responses={200: SILENCE, 409: PROBLEM}, tag="silences")
def end_silence(key: str) -> Response:
    """What it held and is still open is paged now."""
    found = window_queries.window_for("silence", key, actor(), "silence.edit")
    return jsonify(window_queries.silence_document(window_service.end_window(found, by=actor())))


@blueprint.post("/maintenance/<key>/end")
@access("maintenance.edit")
@operation("End what is open now of a maintenance window", responses={204: None, 409: PROBLEM}, tag="maintenance",
           body_needed=False)
def end_maintenance(key: str) -> tuple[str, int]:
    """A window that repeats opens again at its next time."""
    window_service.end_window(window_queries.window_for("maintenance", key, actor(), "maintenance.edit"), by=actor())
    return "", 204
