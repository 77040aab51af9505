"""Pages of published maintenance: calendar and list, one time or the series, start, end, cancel."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.db import session, take_back
from app.core.errors import Invalid, NotFound
from app.core.forms import refuse
from app.core.pages import go, page
from app.core.web import actor
from app.status_pages import maintenance, maintenance_forms, queries
from app.status_pages.maintenance_models import Series
from app.status_pages.models import StatusPage

blueprint = Blueprint("status_maintenance", __name__)
DEEDS = {"start": maintenance.start_now, "end": maintenance.end_now, "cancel": maintenance.cancel}


@blueprint.get("/status-pages/<key>/maintenance")
@access("status_page.read")
def index(key: str) -> Response:
    """What runs, comes and was."""
    return page("status_pages/maintenance.html", maintenance_forms.maintenance_page(key, actor()))


@blueprint.get("/status-pages/<key>/maintenance/-/new")
@access("status_page.edit")
def new(key: str) -> Response:
    """The form of new maintenance."""
    return page("status_pages/window.html", maintenance_forms.shown(_editable(key), None))


@blueprint.post("/status-pages/<key>/maintenance/-/new")
@access("status_page.edit")
def create(key: str) -> Response:
    """Plan maintenance."""
    return _saved(_editable(key), None)


@blueprint.get("/status-pages/<key>/maintenance/series/<number>")
@access("status_page.edit")
def edit_series(key: str, number: str) -> Response:
    """The form of a series."""
    found = _editable(key)
    return page("status_pages/window.html", maintenance_forms.shown(found, _series(found, number)))


@blueprint.post("/status-pages/<key>/maintenance/series/<number>")
@access("status_page.edit")
def change_series(key: str, number: str) -> Response:
    """Change a series, or cancel all that is to come of it."""
    found = _editable(key)
    series = _series(found, number)
    if request.form.get("cancel"):
        maintenance.cancel_series(series, by=actor())
        return go(url_for(".index", key=key), f"Nothing more comes of {series.title}")
    return _saved(found, series)


@blueprint.get("/status-pages/<key>/maintenance/<window>")
@access("status_page.edit")
def edit(key: str, window: str) -> Response:
    """The form of one time alone."""
    found = _editable(key)
    return page("status_pages/window.html", maintenance_forms.shown(found, None, maintenance_forms.window_of(found, window)))


@blueprint.post("/status-pages/<key>/maintenance/<window>")
@access("status_page.edit")
def change(key: str, window: str) -> Response:
    """Change one time alone."""
    found = _editable(key)
    one = maintenance_forms.window_of(found, window)
    values = {name: request.form.get(name, "").strip() for name in ("title", "text", "starts", "ends")}
    try:
        maintenance.change_window(one, values, by=actor())
    except Invalid as refusal:
        take_back()
        return page("status_pages/window.html", maintenance_forms.shown(
            found, None, one, typed=values, invalid=refusal), status=422)
    return go(url_for(".index", key=key), f"{one.title} is changed")


@blueprint.post("/status-pages/<key>/maintenance/<window>/updates")
@access("status_page.write")
def say(key: str, window: str) -> Response:
    """Say how it goes."""
    found = queries.page_for(key, actor(), "status_page.write")
    maintenance.add_update(maintenance_forms.window_of(found, window), request.form.get("text", ""), by=actor())
    return go(url_for(".index", key=key), "Readers are told")


@blueprint.post("/status-pages/<key>/maintenance/<window>/<any(start,end,cancel):deed>")
@access("status_page.edit")
def act(key: str, window: str, deed: str) -> Response:
    """Start, end or cancel it now."""
    found = _editable(key)
    one = maintenance_forms.window_of(found, window)
    DEEDS[deed](one, by=actor())
    return go(url_for(".index", key=key), f"{one.title} is {one.state.replace('_', ' ')}")


def _editable(key: str) -> StatusPage:
    return queries.page_for(key, actor(), "status_page.edit")


def _series(found: StatusPage, number: str) -> Series:
    one = session.get(Series, int(number)) if number.isdecimal() and len(number) < 18 else None
    if one is None or one.page_id != found.id:
        raise NotFound
    return one


def _saved(found: StatusPage, series: Series | None) -> Response:
    values = maintenance_forms.read(request.form, request.form.getlist("components"), request.form.getlist("days"))
    try:
        wanted = {**values, "notify": _reminders(values["notify"])}
        saved = maintenance.change_series(series, wanted, by=actor()) if series else maintenance.plan(found, wanted,
                                                                                                      by=actor())
    except Invalid as refusal:
        take_back()
        return page("status_pages/window.html", maintenance_forms.shown(
            found, series, typed=values, invalid=refusal), status=422)
    return go(url_for(".index", key=found.slug), f"{saved.title} is planned")


def _reminders(text: str) -> list[int]:
    try:
        return maintenance_forms.reminders(text)
    except ValueError as fault:
        refuse("notify", str(fault))
