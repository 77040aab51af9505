"""Plugins for machines: which there are, whether they work, and the switch."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from app.core.access import access
from app.core.openapi import component, operation
from app.core.web import actor
from app.ingest import plugin_pages, switching

blueprint = Blueprint("plugins_api", __name__)

PLUGIN = component("Plugin", {
    "type": "object", "required": ["slug", "name", "state"], "properties": {
        "slug": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "string"}, "source": {"type": "string"},
        "kinds": {"type": "array", "items": {"type": "string"}}, "state": {"enum": ["on", "off", "broken"]},
        "failures": {"type": "integer", "description": "Of 24 hours"}, "reason": {"type": "string"}}})
PLUGINS = {"type": "object", "required": ["items"], "properties": {
    "items": {"type": "array", "items": PLUGIN}, "next": {"type": "null"}}}


def document(row: plugin_pages.PluginRow) -> dict[str, Any]:
    """A plugin that works."""
    return {"slug": row.slug, "name": row.name, "version": row.version, "source": row.source, "kinds": row.kinds,
            "state": "on" if row.enabled else "off", "failures": row.failures, "reason": ""}


@blueprint.get("/plugins")
@access("admin")
@operation("Plugins and their state", responses={200: PLUGINS}, tag="plugins")
def plugins() -> Response:
    """Broken ones with the last line of their fault."""
    found = plugin_pages.plugins_page()
    broken = [{"slug": one.slug, "name": one.slug, "version": "", "source": one.source, "kinds": [], "state": "broken",
               "failures": 0, "reason": one.reason} for one in found.broken]
    return jsonify({"items": [*map(document, found.plugins), *broken], "next": None})


@blueprint.post("/plugins/<slug>/off")
@access("admin")
@operation("Switch a plugin off: what comes for it is held", responses={200: PLUGIN}, body_needed=False, tag="plugins")
def switch_off(slug: str) -> Response:
    """Its methods are skipped like failed ones."""
    switching.switch(slug, off=True, by=actor())
    return jsonify(document(plugin_pages.plugin_page(slug).row))


@blueprint.post("/plugins/<slug>/on")
@access("admin")
@operation("Switch a plugin on: what was held is worked on", responses={200: PLUGIN}, body_needed=False, tag="plugins")
def switch_on(slug: str) -> Response:
    """Without a restart."""
    switching.switch(slug, off=False, by=actor())
    return jsonify(document(plugin_pages.plugin_page(slug).row))
