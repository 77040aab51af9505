"""Pages of maintenance windows and silences."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from app.catalog import window_pages, window_queries, window_service
from app.catalog.models import Window
from app.core.access import access
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere

blueprint = Blueprint("windows", __name__)
HOUR = 3600


@blueprint.get("/maintenance")
@access("team.read")
def index() -> Response:
    """What holds pages now, what will, what did."""
    return page("catalog/windows.html", window_pages.windows_page(actor()))


@blueprint.get("/maintenance/-/new")
@access("maintenance.edit")
def new() -> Response:
    """The form of a new maintenance window; the address may name services."""
    return _form("maintenance")


@blueprint.post("/maintenance/-/new")
@access("maintenance.edit")
def create() -> Response:
    """Plan a window, or show what is wrong."""
    _allow("maintenance")
    return _saved("maintenance", None)


@blueprint.get("/silences/-/new")
@access("silence.edit")
def new_silence() -> Response:
    """The form of a new silence; the address may name services and labels."""
    return _form("silence")


@blueprint.post("/silences/-/new")
@access("silence.edit")
def create_silence() -> Response:
    """Silence from now on, or show what is wrong."""
    _allow("silence")
    return _saved("silence", None)


@blueprint.get("/maintenance/<key>")
@access("maintenance.edit")
def edit(key: str) -> Response:
    """The form of a window."""
    return page("catalog/window.html", window_pages.shown("maintenance", _found(key), actor()))


@blueprint.post("/maintenance/<key>")
@access("maintenance.edit")
def change(key: str) -> Response:
    """Change a window, or show what is wrong."""
    return _saved("maintenance", _found(key))


@blueprint.post("/maintenance/<key>/<any(end, extend, delete):deed>")
@access("maintenance.edit")
def act(key: str, deed: str) -> Response:
    """End it now, let it last an hour longer, or cancel it for good."""
    return _act(_found(key), deed)


@blueprint.post("/silences/<key>/<any(end, extend):deed>")
@access("silence.edit")
def act_on_silence(key: str, deed: str) -> Response:
    """End it now, or let it last an hour longer."""
    return _act(window_queries.window_for("silence", key, actor(), "silence.edit"), deed)


def _found(key: str) -> Window:
    return window_queries.window_for("maintenance", key, actor(), "maintenance.edit")


def _allow(kind: str) -> None:
    if not may_anywhere(actor(), f"{kind}.edit"):
        raise Forbidden("Your role does not include this.")


def _form(kind: str) -> Response:
    _allow(kind)
    shown = window_pages.shown(kind, None, actor())
    named = {"services": request.args.getlist("service"), "reason": request.args.get("reason", ""),
             "labels": "\n".join(request.args.getlist("label"))}
    shown.values.update({name: value for name, value in named.items() if value})  # type: ignore[attr-defined]
    return page("catalog/window.html", shown)


def _saved(kind: str, window: Window | None) -> Response:
    values: dict[str, Any] = window_pages.read(request.form.to_dict(flat=False), window, kind)
    try:
        if kind == "silence":
            saved = window_service.add_silence(values, by=actor())
        else:
            if window is None and window_queries.maintenance_by_key(values["key"]) is not None:
                raise Conflict(f"There is a maintenance window {values['key']} already")
            saved = window_service.save_maintenance(values, by=actor())
    except Invalid as refusal:
        shown = window_pages.shown(kind, window, actor(), typed=values, invalid=refusal)
        return page("catalog/window.html", shown, status=422)
    return go(url_for(".index"), f"Saved {saved.title}")


def _act(window: Window, what: str) -> Response:
    try:
        if what == "delete":
            window_service.remove_maintenance(window, by=actor())
        elif what == "extend":
            window_service.extend(window, HOUR, by=actor())
        else:
            window_service.end_window(window, by=actor())
    except Conflict as refusal:
        return go(url_for(".index"), refusal.detail, tone="danger")
    said = {"end": "is over: what is still open is paged", "extend": "lasts an hour longer", "delete": "is cancelled"}[what]
    return go(url_for(".index"), f"{window.title} {said}")
