"""Pages of status pages for the people of the system: list, now, editor with preview, access link."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.db import session, take_back
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.status_pages import forms, pages, queries, rendering, service
from app.status_pages.models import StatusPage

blueprint = Blueprint("status_pages", __name__)


@blueprint.get("/status-pages")
@access("status_page.read")
def index() -> Response:
    """All status pages."""
    return page("status_pages/index.html", pages.index_page(actor()))


@blueprint.get("/status-pages/-/new")
@access("status_page.edit")
def new() -> Response:
    """The form of a new page."""
    return page("status_pages/form.html", forms.shown(None, actor()))


@blueprint.post("/status-pages/-/new")
@access("status_page.edit")
def create() -> Response:
    """Add a page, or show what is wrong."""
    if not may_anywhere(actor(), "status_page.edit"):
        raise Forbidden("Your role does not include this.")
    return _saved(None)


@blueprint.get("/status-pages/<key>")
@access("status_page.read")
def show(key: str) -> Response:
    """The screen of one page."""
    return page("status_pages/now.html", pages.now_page(key, actor()))


@blueprint.get("/status-pages/<key>/edit")
@access("status_page.edit")
def edit(key: str) -> Response:
    """The editor."""
    return page("status_pages/form.html", forms.shown(_editable(key), actor()))


@blueprint.post("/status-pages/<key>/edit")
@access("status_page.edit")
def change(key: str) -> Response:
    """Change the page, show what is wrong, or show what readers would see."""
    return _saved(_editable(key))


@blueprint.post("/status-pages/<key>/logo")
@access("status_page.edit")
def logo(key: str) -> Response:
    """A new logo; without a file it goes away."""
    found = _editable(key)
    given = request.files.get("logo")
    try:
        service.set_logo(found, given.read() if given else b"", by=actor())
    except Invalid as refusal:
        return page("status_pages/form.html", forms.shown(found, actor(), invalid=refusal), status=422)
    return go(url_for(".edit", key=key), "The logo is changed")


@blueprint.post("/status-pages/<key>/link")
@access("status_page.edit")
def renew_link(key: str) -> Response:
    """A new access link, shown once."""
    found = _editable(key)
    token = service.renew_link(found, by=actor())
    session.flush()
    return page("status_pages/now.html", pages.now_page(key, actor(), link=f"{queries.address_of(found)}/open/{token}"))


@blueprint.post("/status-pages/<key>/delete")
@access("status_page.edit")
def delete(key: str) -> Response:
    """Delete it with its history."""
    found = _editable(key)
    service.remove_page(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted")


def _editable(key: str) -> StatusPage:
    return queries.page_for(key, actor(), "status_page.edit")


def _saved(found: StatusPage | None) -> Response:
    values, by = forms.read(request.form, found), actor()
    try:
        saved = (service.save_page if found else service.add_page)(values, by=by)
    except Invalid as refusal:
        return page("status_pages/form.html", forms.shown(found, by, typed=values, invalid=refusal), status=422)
    if request.form.get("preview"):
        return _previewed(saved)
    return go(url_for(".show", key=saved.slug), f"Saved {saved.name}")


def _previewed(saved: StatusPage) -> Response:
    """What readers would see; nothing is kept."""
    shown = rendering.page(saved, base=f"/status/{saved.slug}")
    take_back()
    return Response(shown.body, mimetype=shown.mimetype, headers={**shown.headers, "Cache-Control": "no-store"})
