"""The page of a mapping: looked at, grown by presses, and saved. Nothing is kept before that."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.ingest import mapping, mapping_pages, queries, service

blueprint = Blueprint("mapping", __name__)


@blueprint.get("/integrations/<key>/mapping")
@access("integration.edit")
def form(key: str) -> Response:
    """The newest delivery, or the one that is asked for."""
    found = mapping_pages.integration_for(key, actor())
    return page("ingest/mapping.html", mapping_pages.mapping_page(found, request.args))


@blueprint.post("/integrations/<key>/replay")
@access("integration.edit")
def replay_many(key: str) -> Response:
    """Read again all that could not be read, once the mapping or the plugin is mended; or stop that."""
    found = queries.integration_for(key, actor())
    if "stop" in request.form:
        number = service.stop_replay(found, by=actor())
        return go(url_for("ingest.show", key=key), f"Stopped: {number} left as they were")
    number = service.replay_many(found, ("rejected", "failed"), by=actor())
    return go(url_for("ingest.show", key=key), f"{number} are read again, the oldest first")


@blueprint.post("/integrations/<key>/mapping")
@access("integration.edit")
def press(key: str) -> Response:
    """Use a value, look at another payload, or save."""
    by = actor()
    found = mapping_pages.integration_for(key, by)
    shown = mapping_pages.mapping_page(found, request.form)
    if "save" not in request.form or shown.faults.get("mapping"):
        return page("ingest/mapping.html", shown, status=422 if shown.faults else 200)
    try:
        service.save_integration({"key": found.key, "config": {mapping.FIELD: shown.draft or None}}, by=by)
    except Invalid as refusal:
        return page("ingest/mapping.html", replace(shown, faults={**shown.faults, "mapping": refusal.detail}), status=422)
    return go(url_for("ingest.show", key=key), "Saved: the next delivery is read by it")
