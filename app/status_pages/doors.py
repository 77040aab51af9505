"""The addresses that outsiders read: page, JSON, history, notices, badge, and the access link of a private page."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, redirect, request
from flask_login import current_user

from app.core.access import access
from app.core.db import session
from app.core.errors import NotFound
from app.core.web import actor
from app.identity.queries import may
from app.status_pages import feeds, queries, rendering, shelf
from app.status_pages.models import StatusPage
from app.status_pages.rendering import Rendered
from app.status_pages.shelf import Known

blueprint = Blueprint("status", __name__)
HIDDEN = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
NOTHING = b"There is no status page at this address.\n"
COOKIE = "status_page"
LINK_LASTS = 90 * 86400
PICTURE = "default-src 'none'; sandbox"  # opened by itself it may load and run nothing
Make = Callable[[StatusPage], Rendered]


@blueprint.get("/status/<slug>")
@access("public")
def show(slug: str) -> Response:
    """The page."""
    return _answered(slug, "page", lambda page: rendering.page(page, base=_base(slug)))


@blueprint.get("/status/<slug>.json")
@access("public")
def machines(slug: str) -> Response:
    """The page for machines."""
    return _answered(slug, "json", rendering.as_json)


@blueprint.get("/status/<slug>/history")
@access("public")
def history(slug: str) -> Response:
    """The notices of a month."""
    month = request.args.get("month", "")[:rendering.MONTH]
    return _answered(slug, f"history {month}", lambda page: rendering.history(page, month, base=_base(slug)))


@blueprint.get("/status/<slug>/notices/<notice>")
@access("public")
def notice(slug: str, notice: str) -> Response:
    """One notice."""
    return _answered(slug, f"notice {notice}", lambda page: rendering.notice(page, notice, base=_base(slug)))


@blueprint.get("/status/<slug>/feed.atom")
@access("public")
def atom(slug: str) -> Response:
    """Notices as an Atom feed."""
    return _answered(slug, "atom", feeds.atom)


@blueprint.get("/status/<slug>/feed.rss")
@access("public")
def rss(slug: str) -> Response:
    """Notices as an RSS feed."""
    return _answered(slug, "rss", feeds.rss)


@blueprint.get("/status/<slug>/maintenance.ics")
@access("public")
def calendar(slug: str) -> Response:
    """Maintenance for calendars."""
    return _answered(slug, "calendar", feeds.calendar)


@blueprint.get("/status/<slug>/badge.svg")
@access("public")
def badge(slug: str) -> Response:
    """A small picture of how it is; of public pages only."""
    page, component = shelf.known(slug), request.args.get("component", "")[:20]
    if page is None or not page.open:
        return nothing()
    return _answered(slug, f"badge {component}", lambda found: rendering.badge(found, component))


@blueprint.get("/status/<slug>/logo")
@access("public")
def logo(slug: str) -> Response:
    """The picture above the page."""
    def of(page: StatusPage) -> Rendered:
        if page.logo is None:
            raise NotFound
        return Rendered(page.logo, page.logo_type, {"Content-Security-Policy": PICTURE})
    return _answered(slug, "logo", of)


@blueprint.get("/status/<slug>/open/<token>")
@access("token")
def open_link(slug: str, token: str) -> Response:
    """The access link of a private page: a cookie for this page only, then the clean address."""
    page = shelf.known(slug)
    if not queries.opens(_link_of(page), token):
        return nothing()
    answer = redirect(_base(slug), 303)
    answer.headers.update(HIDDEN)
    answer.set_cookie(COOKIE, token, max_age=LINK_LASTS, path=f"/status/{slug}", httponly=True, samesite="Lax",
                      secure=current_app.config["SESSION_COOKIE_SECURE"])
    return Response(answer.get_data(), 303, answer.headers)


def _base(slug: str) -> str:
    return f"/status/{slug}"


def _link_of(page: Known | None) -> str | None:
    return page.link_hash if page is not None and page.access == "private" and not page.draft else None


def _answered(slug: str, what: str, make: Make) -> Response:
    """From the shelf for everybody, or made for this reader; to all others there is nothing."""
    page = shelf.known(slug)
    if page is not None and page.open:
        try:
            rendered, mark = shelf.taken(page, what, lambda: make(session.get_one(StatusPage, page.id)))
        except NotFound:
            return nothing()
        shelf.note_address(f"{request.path}?{request.query_string.decode('latin-1')}", slug, what)
        return _said(rendered, mark)
    if not _let_in(page):
        return nothing()
    try:
        rendered = make(session.get_one(StatusPage, page.id if page else 0))
    except NotFound:
        return nothing()
    return Response(rendered.body, mimetype=rendered.mimetype, headers={**rendered.headers, **HIDDEN})


def _said(rendered: Rendered, mark: str) -> Response:
    headers = {"Cache-Control": rendering.PUBLIC, **rendered.headers, "ETag": mark}
    if mark in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers=headers)
    return Response(rendered.body, mimetype=rendered.mimetype, headers=headers)


def _let_in(page: Known | None) -> bool:
    """Whoever has the access link, as a cookie or as a token, or may see the page as a person of the system."""
    given = request.authorization
    token = given.token if given is not None and given.type == "bearer" and given.token else request.cookies.get(COOKIE, "")
    if queries.opens(_link_of(page), token):
        return True
    if "oncall" not in request.cookies or not current_user.is_authenticated:
        return False
    return page is not None and may(actor(), "status_page.read", team_id=page.team_id)


def nothing() -> Response:
    """The same for what is not there and for what is not yours."""
    return Response(NOTHING, 404, mimetype="text/plain", headers=HIDDEN)
