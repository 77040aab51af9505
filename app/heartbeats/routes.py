"""Pages of heartbeats: list, form, one heartbeat."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.heartbeats import forms, pages, queries, service
from app.heartbeats.models import Heartbeat
from app.identity.queries import may_anywhere

blueprint = Blueprint("heartbeats", __name__)


@blueprint.get("/heartbeats")
@access("integration.read")
def index() -> Response:
    """All heartbeats."""
    return page("heartbeats/index.html", pages.index_page(actor()))


@blueprint.get("/heartbeats/-/new")
@access("integration.edit")
def new() -> Response:
    """The form of a new heartbeat."""
    return page("heartbeats/form.html", forms.shown(None, actor()))


@blueprint.post("/heartbeats/-/new")
@access("integration.edit")
def create() -> Response:
    """Add a heartbeat, or show what is wrong."""
    if not may_anywhere(actor(), "integration.edit"):
        raise Forbidden("Your role does not include this.")
    return _saved(None)


@blueprint.get("/heartbeats/<key>")
@access("integration.read")
def show(key: str) -> Response:
    """One heartbeat."""
    return page("heartbeats/heartbeat.html", pages.heartbeat_page(key, actor()))


@blueprint.get("/heartbeats/<key>/edit")
@access("integration.edit")
def edit(key: str) -> Response:
    """The form of a heartbeat."""
    return page("heartbeats/form.html", forms.shown(_editable(key), actor()))


@blueprint.post("/heartbeats/<key>/edit")
@access("integration.edit")
def change(key: str) -> Response:
    """Change a heartbeat, or show what is wrong."""
    return _saved(_editable(key))


@blueprint.post("/heartbeats/<key>/mute")
@access("integration.edit")
def mute(key: str) -> Response:
    """Quiet for a while, with a reason."""
    found = _editable(key)
    try:
        service.mute(found, forms.mute_end(request.form), reason=request.form.get("reason", ""), by=actor())
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("heartbeats/heartbeat.html", pages.heartbeat_page(key, actor(), errors=errors), status=422)
    return go(url_for(".show", key=key), f"{found.name} is muted")


@blueprint.post("/heartbeats/<key>/unmute")
@access("integration.edit")
def unmute(key: str) -> Response:
    """It fires again."""
    found = _editable(key)
    service.unmute(found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} fires again")


@blueprint.post("/heartbeats/<key>/token")
@access("integration.edit")
def renew_token(key: str) -> Response:
    """A new address; the old one is dead at once."""
    found = _editable(key)
    service.renew_token(found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} has a new address; the old one answers 404 from now on")


@blueprint.post("/heartbeats/<key>/delete")
@access("integration.edit")
def delete(key: str) -> Response:
    """Delete it."""
    found = _editable(key)
    service.remove_heartbeat(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted")


def _editable(key: str) -> Heartbeat:
    return queries.heartbeat_for(key, actor(), "integration.edit")


def _saved(heartbeat: Heartbeat | None) -> Response:
    values, by = forms.read(request.form, heartbeat), actor()
    try:
        saved = (service.save_heartbeat if heartbeat else service.add_heartbeat)(values, by=by)
    except Invalid as refusal:
        shown = forms.shown(heartbeat, by, typed=request.form, invalid=refusal)
        return page("heartbeats/form.html", shown, status=422)
    return go(url_for(".show", key=saved.key), f"Saved {saved.name}" if heartbeat else
              f"{saved.name} counts from its first call on")
