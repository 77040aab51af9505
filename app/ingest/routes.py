"""Pages of integrations: list, gallery, form, one integration, one delivery, plugins."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request, url_for
from sqlalchemy import select

from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.http import Unreachable
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import allow, may_anywhere
from app.ingest import forms, inspection, pages, plugin_pages, queries, service, trial
from app.ingest.models import Delivery

blueprint = Blueprint("ingest", __name__)
# An icon comes from whoever wrote the plugin: opened by itself it may load and run nothing.
ICON_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
ICON_COLOUR = b"#77778a"  # an image knows no page's colours; this grey has 4:1 on both themes
WEEK = 7 * 24 * 3600


@blueprint.get("/integrations")
@access("integration.read")
def index() -> Response:
    """All integrations."""
    return page("ingest/index.html", pages.index_page(actor(), request.args))


@blueprint.get("/integrations/-/new")
@access("integration.edit")
def gallery() -> Response:
    """What can be added."""
    return page("ingest/gallery.html", pages.gallery_page(request.args))


@blueprint.get("/integrations/-/new/<slug>")
@access("integration.edit")
def new(slug: str) -> Response:
    """The form of a new integration."""
    return page("ingest/form.html", forms.shown(None, _plugin(slug), actor()))


@blueprint.post("/integrations/-/new/<slug>")
@access("integration.edit")
def create(slug: str) -> Response:
    """Add an integration, or show what is wrong."""
    plugin, by = _plugin(slug), actor()
    try:
        saved = service.add_integration(forms.read(request.form, plugin, None), by=by)
    except Invalid as refusal:
        return page("ingest/form.html", forms.shown(None, plugin, by, typed=request.form, invalid=refusal), status=422)
    return go(url_for(".show", key=saved.key), f"{saved.name} can send now: give it the address below")


def _plugin(slug: str) -> object:
    if not may_anywhere(actor(), "integration.edit"):
        raise Forbidden("Your role does not include this.")
    found = forms.plugin_of(slug)
    if found is None:
        raise NotFound(f"There is no plugin {slug} to receive from")
    return found


@blueprint.get("/integrations/<key>")
@access("integration.read")
def show(key: str) -> Response:
    """One integration."""
    return page("ingest/integration.html", pages.integration_page(key, actor(), request.args))


@blueprint.get("/integrations/<key>/edit")
@access("integration.edit")
def edit(key: str) -> Response:
    """The form of an integration."""
    found = queries.integration_for(key, actor())
    allow(actor(), "integration.edit", team_id=found.team_id)
    return page("ingest/form.html", forms.shown(found, forms.plugin_of(found.plugin), actor()))


@blueprint.post("/integrations/<key>/edit")
@access("integration.edit")
def change(key: str) -> Response:
    """Change an integration, or show what is wrong."""
    by = actor()
    found = queries.integration_for(key, by)
    plugin = forms.plugin_of(found.plugin)
    try:
        service.save_integration(forms.read(request.form, plugin, found), by=by)
    except Invalid as refusal:
        return page("ingest/form.html", forms.shown(found, plugin, by, typed=request.form, invalid=refusal), status=422)
    return go(url_for(".show", key=key), "Saved")


@blueprint.post("/integrations/<key>/pause")
@access("integration.edit")
def pause(key: str) -> Response:
    """Hold what comes."""
    found = queries.integration_for(key, actor())
    service.pause(found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} is paused: what comes is held")


@blueprint.post("/integrations/<key>/resume")
@access("integration.edit")
def resume(key: str) -> Response:
    """Go on; `held=discard` gives up what came meanwhile."""
    discard = request.form.get("held") == "discard"
    number = service.resume(queries.integration_for(key, actor()), by=actor(), discard=discard)
    return go(url_for(".show", key=key), f"Resumed, {number} held {'discarded' if discard else 'now processed'}")


@blueprint.post("/integrations/<key>/delete")
@access("integration.edit")
def delete(key: str) -> Response:
    """Delete it once its name is typed."""
    found = queries.integration_for(key, actor())
    allow(actor(), "integration.edit", team_id=found.team_id)
    if request.form.get("name", "").strip() != found.name:
        shown = pages.integration_page(key, actor(), {}, problem=f"Type {found.name} to delete it. Nothing was deleted")
        return page("ingest/integration.html", shown, status=422)
    service.remove_integration(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted: its address answers 404")


@blueprint.post("/integrations/<key>/test")
@access("integration.edit")
@own_transaction
def send_test(key: str) -> Response:
    """Post the plugin's sample to our own address; the page of the delivery shows what becomes of it."""
    with transaction():
        found = queries.integration_for(key, actor())
        ready = trial.prepare(found, page="page" in request.form, by=actor())
    try:
        answer = trial.send(ready)
    except Unreachable as fault:
        return go(url_for(".show", key=key), f"The test did not arrive: {fault.reason}", tone="danger")
    number = session.scalar(select(Delivery.id).where(Delivery.integration_id == ready.integration_id,
                                                      Delivery.delivery_key == ready.key))
    if number is None:
        return go(url_for(".show", key=key), trial.refusal(answer), tone="danger")
    return go(url_for(".delivery", key=key, number=number), "The test arrived")


@blueprint.get("/integrations/<key>/deliveries/<int:number>")
@access("integration.read")
def delivery(key: str, number: int) -> Response:
    """One delivery."""
    return page("ingest/delivery.html", inspection.delivery_page(key, number, actor()))


@blueprint.post("/integrations/<key>/deliveries/<int:number>/replay")
@access("integration.edit")
def replay(key: str, number: int) -> Response:
    """Work on it once more; one that was processed already is asked about first."""
    found = queries.delivery_for(str(number), actor())
    if found.integration.key != key:
        raise NotFound
    allow(actor(), "integration.edit", team_id=found.integration.team_id)
    if found.state == "processed" and "confirmed" not in request.form:
        return page("ingest/delivery.html", inspection.delivery_page(key, number, actor(), asked=True))
    try:
        service.replay(found, by=actor())
    except Conflict as refusal:
        shown = inspection.delivery_page(key, number, actor(), problem=refusal.detail)
        return page("ingest/delivery.html", shown, status=409)
    return go(url_for(".delivery", key=key, number=number), "Replayed: it is worked on now")


@blueprint.get("/plugins/<slug>/icon.svg")
@access("integration.read")
def icon(slug: str) -> Response:
    """A plugin's drawing."""
    registry = current_app.extensions["plugins"]
    known = slug in {one.slug for one in registry.installed}
    path = registry.icon(slug) if known else None
    if path is None:
        abort(404)
    drawing = path.read_bytes().replace(b"currentColor", ICON_COLOUR)
    response = Response(drawing, mimetype="image/svg+xml", headers={
        "Content-Security-Policy": ICON_POLICY, "Cache-Control": f"private, max-age={WEEK}"})
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/settings/plugins")
@access("admin")
def plugins() -> Response:
    """What is installed, and what could not be used."""
    return page("ingest/plugins.html", plugin_pages.plugins_page())
