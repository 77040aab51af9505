"""Pages of connections: list, form, test."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.connections import forms, pages, queries, service, trial
from app.connections.models import Connection
from app.core.access import access, own_transaction
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.plugin_api import Action

blueprint = Blueprint("connections", __name__)


@blueprint.get("/connections")
@access("connection.read")
def index() -> Response:
    """All connections, and what can be connected."""
    return page("connections/index.html", pages.index_page(actor()))


@blueprint.get("/connections/-/new/<slug>")
@access("connection.edit")
def new(slug: str) -> Response:
    """The form of a new connection."""
    return page("connections/form.html", forms.shown(_action(slug), None, actor()))


@blueprint.post("/connections/-/new/<slug>")
@access("connection.edit")
def create(slug: str) -> Response:
    """Add a connection, or show what is wrong."""
    if not may_anywhere(actor(), "connection.edit"):
        raise Forbidden("Your role does not include this.")
    return _saved(_action(slug), None)


@blueprint.get("/connections/<key>")
@access("connection.edit")
def edit(key: str) -> Response:
    """The form of a connection."""
    found = _editable(key)
    return page("connections/form.html", forms.shown(queries.action_of(found), found, actor()))


@blueprint.post("/connections/<key>")
@access("connection.edit")
def change(key: str) -> Response:
    """Change a connection, or show what is wrong."""
    found = _editable(key)
    return _saved(queries.action_of(found), found)


@blueprint.post("/connections/<key>/test")
@access("connection.edit")
@own_transaction
def test(key: str) -> Response:
    """Ask the product who we are."""
    tested = trial.test(key, by=actor())
    return go(url_for(".index"), tested.outcome, tone="calm" if tested.works else "danger")


@blueprint.post("/connections/<key>/delete")
@access("connection.edit")
def delete(key: str) -> Response:
    """Delete it."""
    found = _editable(key)
    service.remove_connection(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted")


def _action(slug: str) -> Action:
    found = queries.actions().get(slug)
    if found is None:
        raise NotFound
    return found


def _editable(key: str) -> Connection:
    return queries.connection_for(key, actor(), "connection.edit")


def _saved(action: Action, connection: Connection | None) -> Response:
    values, by = forms.read(request.form, action, connection), actor()
    try:
        saved = (service.save_connection if connection else service.add_connection)(values, by=by)
    except Invalid as refusal:
        shown = forms.shown(action, connection, by, typed=request.form, invalid=refusal)
        return page("connections/form.html", shown, status=422)
    return go(url_for(".index"), f"Saved {saved.name}. Press Test to see whether it works.")
