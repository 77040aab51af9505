"""The page of digests, subscribing, and the link by which a mail is ended without a login (RFC 8058)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import allow, team_by_key
from app.insights import digest_pages, digest_service

blueprint = Blueprint("digests", __name__)


@blueprint.get("/insights/digests")
@access("incident.read")
def index() -> Response:
    """Preview, recipients and past ones."""
    return page("insights/digests.html", digest_pages.digest_page(request.args, actor()))


@blueprint.post("/teams/<key>/digest")
@access("incident.act")
def choose(key: str) -> Response:
    """Subscribe oneself, or end that."""
    team = team_by_key(key)
    if team is None:
        raise NotFound
    allow(actor(), "incident.act", team_id=team.id)
    wanted = request.form.get("wanted") == "1"
    digest_service.choose(team, wanted, by=actor())
    return go(url_for("digests.index", team=key), "You get it from next Monday on" if wanted else "You get it no more")


@blueprint.get("/digest/<token>")
@access("token")
def show_end(token: str) -> Response:
    """What the link of a mail ends, and a button."""
    return _ended(token, done=False)


@blueprint.post("/digest/<token>")
@access("token")
def end(token: str) -> Response:
    """End it: also by a bare POST of a mail program, and also the second time."""
    found = digest_service.copy_of(token)
    if found is not None:
        digest_service.unsubscribe(*found, ip=request.remote_addr or "", agent=request.headers.get("User-Agent", "")[:200])
    return _ended(token, done=True)


def _ended(token: str, *, done: bool) -> Response:
    found = digest_service.copy_of(token)
    shown = digest_pages.UnsubscribePage(token, found[1].name if found else "", done)
    return page("insights/unsubscribe.html", shown, status=200 if found else 404)
