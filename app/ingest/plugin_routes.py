"""Pages of plugins: all of them, one, and the switch."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from app.core.access import access
from app.core.pages import go, page
from app.core.web import actor
from app.ingest import plugin_pages, switching

blueprint = Blueprint("plugins", __name__)


@blueprint.get("/settings/plugins/<slug>")
@access("admin")
def show(slug: str) -> Response:
    """One plugin."""
    return page("ingest/plugin.html", plugin_pages.plugin_page(slug))


@blueprint.post("/settings/plugins/<slug>/off")
@access("admin")
def switch_off(slug: str) -> Response:
    """Hold what comes for it, and send nothing by it."""
    switching.switch(slug, off=True, by=actor())
    return go(url_for(".show", slug=slug), "Switched off: what comes for it is held")


@blueprint.post("/settings/plugins/<slug>/on")
@access("admin")
def switch_on(slug: str) -> Response:
    """Use it again, and work on what was held."""
    switching.switch(slug, off=False, by=actor())
    return go(url_for(".show", slug=slug), "Switched on: what was held is worked on now")
