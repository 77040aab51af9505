"""Pages of routes: the table with its order, and the form."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may
from app.ingest import route_pages, route_store, route_trial
from app.ingest.models import Route

blueprint = Blueprint("routing", __name__)


@blueprint.get("/routes")
@access("route.read")
def index() -> Response:
    """All routes, in their order."""
    return page("ingest/routes.html", route_pages.routes_page(actor()))


@blueprint.get("/routes/-/new")
@access("route.edit")
def new() -> Response:
    """The form of a new route, filled in with what the address names."""
    _allow()
    return page("ingest/route.html", route_pages.shown(None, typed=request.args.to_dict(flat=False) or None))


@blueprint.post("/routes/-/new")
@access("route.edit")
def create() -> Response:
    """Add a route at the end of the table, or show what is wrong."""
    _allow()
    return _saved(None)


@blueprint.get("/routes/<key>")
@access("route.edit")
def edit(key: str) -> Response:
    """The form of a route."""
    return page("ingest/route.html", route_pages.shown(route_pages.route_for(key, actor())))


@blueprint.post("/routes/<key>")
@access("route.edit")
def change(key: str) -> Response:
    """Change a route, or show what is wrong."""
    return _saved(route_pages.route_for(key, actor()))


@blueprint.post("/routes/<key>/up")
@access("route.edit")
def up(key: str) -> Response:
    """One place earlier."""
    return _moved(key, -1)


@blueprint.post("/routes/<key>/down")
@access("route.edit")
def down(key: str) -> Response:
    """One place later."""
    return _moved(key, 1)


@blueprint.post("/routes/<key>/delete")
@access("route.edit")
def delete(key: str) -> Response:
    """Take a route out of the table."""
    found = route_pages.route_for(key, actor())
    route_store.remove_route(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted; the next signal goes without it")


def _allow() -> None:
    if not may(actor(), "route.edit"):
        raise Forbidden("Your role does not include this.")


def _moved(key: str, step: int) -> Response:
    found = route_pages.route_for(key, actor())
    route_store.move_route(found, step, by=actor())
    return go(url_for(".index"))


def _saved(route: Route | None) -> Response:
    typed = request.form.to_dict(flat=False)
    if request.form.get("action") == "more":
        return page("ingest/route.html", route_pages.shown(route, typed=typed, more=True))
    values = route_pages.read(typed, route)
    try:
        if request.form.get("action") == "test":
            found = route_trial.trial(values, route)
            return page("ingest/route.html", route_pages.shown(route, typed=typed, trial=found))
        if route is None and route_store.route_by_name(values["name"]) is not None:
            raise Conflict(f"There is a route {values['name']} already")
        saved = route_store.save_route(values, by=actor())
    except Invalid as refusal:
        return page("ingest/route.html", route_pages.shown(route, typed=typed, invalid=refusal), status=422)
    return go(url_for(".index"), f"Saved {saved.name}. It counts from the next signal on")
