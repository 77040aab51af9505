"""The addresses of partners: login, link, their pages. A cookie of their own; people of the house are strangers here.

Looking at a page writes its row of the log before the answer leaves: the one GET of the house that writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
)

from app.core.access import Actor, access, own_transaction
from app.core.db import transaction
from app.core.errors import NotFound, RateLimited
from app.core.web import from_elsewhere
from app.partners import entering, journal, looking, queries, rules
from app.partners.models import Login, Partner
from app.partners.words import PARTNERS
from app.status_pages.models import StatusPage
from app.status_pages.words import LANGUAGES, Words

blueprint = Blueprint("partner", __name__)
COOKIE = "oncall_partner"
HEADERS = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
Make = Callable[[StatusPage, Partner], looking.Rendered]


@blueprint.after_request
def _private(response: Response) -> Response:
    """No answer of this door is kept, listed or told to the next site."""
    response.headers.update(HEADERS)
    return response


@blueprint.before_request
def _from_here() -> None:
    """What changes something comes from our own pages."""
    if request.method not in ("GET", "HEAD", "OPTIONS") and from_elsewhere():
        abort(403, "This request came from another site.")


@blueprint.get("/partner/login")
@access("public")
def login() -> Response:
    """One field."""
    return _page("login", _spoken(), sent=False)


@blueprint.post("/partner/login")
@access("public")
@own_transaction
def ask() -> Response:
    """A link is on its way, if the address is known: the same answer whatever was typed."""
    with transaction():
        entering.request_link(request.form.get("email", ""), by=visitor())
    return _page("login", _spoken(), sent=True)


@blueprint.get("/partner/open/<token>")
@access("public")
def show_link(token: str) -> Response:
    """A button; looking at it, however often, uses nothing up and sets nothing."""
    link = queries.link_of(token)
    fault = rules.link_fault(link.used_at, link.voided_at, link.expires_at, looking.now()) if link else "unknown"
    fits = link is not None and not fault and link.partner.state == "active"
    if link is None or not fits:
        return _page("open", _spoken(), token="", who="")
    return _page("open", looking.spoken(link.partner), token=token, who=rules.masked(link.partner.email))


@blueprint.post("/partner/open")
@access("public")
@own_transaction
def open_link() -> Response:
    """The button: a new login of a day, whatever cookie was there before."""
    try:
        with transaction():
            token = entering.redeem(request.form.get("token", ""), by=visitor())
    except RateLimited as refusal:
        with transaction():
            journal.note("limited", by=visitor(), detail="too many links were opened")
        raise refusal
    if token is None:
        return _page("open", _spoken(), 410, token="", who="")
    answer = Response(status=303, headers={"Location": "/partner"})
    answer.set_cookie(COOKIE, token, max_age=rules.LOGIN_LASTS, path="/partner", httponly=True, samesite="Lax",
                      secure=current_app.config["SESSION_COOKIE_SECURE"])
    return answer


@blueprint.post("/partner/logout")
@access("public")
@own_transaction
def log_out() -> Response:
    """End this login; a person's own in the same browser goes on."""
    found = here()
    if found is not None:
        with transaction():
            entering.log_out(found, by=visitor())
    answer = Response(status=303, headers={"Location": "/partner/login"})
    answer.delete_cookie(COOKIE, path="/partner")
    return answer


@blueprint.get("/partner")
@access("public")
def index() -> Response:
    """The pages that were shared."""
    found = here()
    if found is None:
        return _to_login()
    shown = looking.index(found.partner)
    return _page("index", shown.pop("w"), **shown)


@blueprint.get("/partner/pages/<slug>")
@access("public")
def show(slug: str) -> Response:
    """One page."""
    return _shown(slug, "", lambda page, partner: looking.page(page, partner, _base(slug)))


@blueprint.get("/partner/pages/<slug>.json")
@access("public")
def machines(slug: str) -> Response:
    """The same for machines."""
    return _shown(slug, "json", lambda page, _: looking.as_json(page))


@blueprint.get("/partner/pages/<slug>/history")
@access("public")
def history(slug: str) -> Response:
    """The notices of a month."""
    month = request.args.get("month", "")[:7]
    return _shown(slug, "history", lambda page, partner: looking.history(page, partner, month, base=_base(slug)))


@blueprint.get("/partner/pages/<slug>/notices/<notice>")
@access("public")
def notice(slug: str, notice: str) -> Response:
    """One notice."""
    return _shown(slug, "notice", lambda page, partner: looking.notice(page, partner, notice, base=_base(slug)))


@blueprint.get("/partner/pages/<slug>/maintenance.ics")
@access("public")
def calendar(slug: str) -> Response:
    """Maintenance, for a calendar."""
    return _shown(slug, "calendar", lambda page, _: looking.calendar(page))


@blueprint.get("/partner/pages/<slug>/logo")
@access("public")
def logo(slug: str) -> Response:
    """The picture above the page; no view of its own in the log."""
    found = here()
    page = queries.granted_page(found.partner, slug) if found else None
    if page is None or page.logo is None:
        return _nothing()
    return Response(page.logo, mimetype=page.logo_type)


@blueprint.route("/partner/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@access("public")
@own_transaction
def nowhere(_rest: str) -> Response:
    """There is nothing else here, and nothing that could be changed."""
    if request.method not in ("GET", "HEAD"):
        abort(403, "Partners read; nothing can be changed here.")
    return _nothing() if here() is not None else _to_login()


def visitor() -> Actor:
    """Whoever is behind this request, as far as the log wants to know."""
    return Actor("partner", "", "web", ip=request.remote_addr or "", agent=request.user_agent.string)


def here() -> Login | None:
    """The login that this request's own cookie opens."""
    return queries.login_of(request.cookies.get(COOKIE, ""))


def _base(slug: str) -> str:
    return f"/partner/pages/{slug}"


def _to_login() -> Response:
    answer = redirect("/partner/login", 303)
    return Response(answer.get_data(), 303, answer.headers)


def _shown(slug: str, what: str, make: Make) -> Response:
    """A page that was granted, with its row in the log; for everything else the same "not there", with one, too."""
    found = here()
    if found is None:
        return _to_login()
    partner = found.partner
    if not _refreshes() and entering.too_many(partner):
        with transaction():
            journal.note("limited", by=visitor(), partner=partner, slug=slug, detail="more than 100 pages a minute")
        raise RateLimited("This is more than 100 pages a minute.", after=60)
    page = queries.granted_page(partner, slug)
    try:
        rendered = make(page, partner) if page is not None else None
    except NotFound:
        return _nothing()
    if rendered is not None and rendered.etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers={"ETag": rendered.etag})
    if page is None or not (_refreshes() and entering.has_seen(found, page)):
        _note(partner, page, slug, what)
    if rendered is None:
        return _nothing()
    return Response(rendered.body, mimetype=rendered.mimetype, headers={**rendered.headers, "ETag": rendered.etag})


def _refreshes() -> bool:
    """Whether a page that is open looks again by itself: browsers say so of what a script asks for."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _note(partner: Partner, page: StatusPage | None, slug: str, what: str) -> None:
    known = page or looking.page_asked_for(slug)
    with transaction():
        journal.note("page_viewed" if page else "denied", by=visitor(), partner=partner, page=known, slug=slug, detail=what)


def _nothing() -> Response:
    found = here()
    return _page("nothing", looking.spoken(found.partner) if found else _spoken(), 404)


def _spoken() -> Words:
    """The words for somebody who is not known: in the language that the browser wants most."""
    return Words(request.accept_languages.best_match(tuple(LANGUAGES)) or "en", PARTNERS)


def _page(name: str, words: Words, status: int = 200, **shown: Any) -> Response:
    return Response(render_template(f"partners/{name}.html", w=words, **shown), status)
