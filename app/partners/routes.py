"""Pages about partners for the people of the house: list, one partner, import, and the log."""

from __future__ import annotations

import csv
import io
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.db import take_back
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.pages import go, page
from app.core.sheets import inert
from app.core.web import actor
from app.identity.queries import allow
from app.partners import entering, forms, journal, pages, queries, service
from app.partners.models import Partner
from app.status_pages.models import StatusPage
from app.status_pages.queries import page_by_slug

blueprint = Blueprint("partners", __name__)


@blueprint.get("/partners")
@access("partner.edit")
def index() -> Response:
    """The partners."""
    return page("partners/list.html", pages.index_page(actor(), request.args))


@blueprint.get("/partners/-/new")
@access("partner.edit")
def new() -> Response:
    """The form of a new partner."""
    return page("partners/form.html", pages.FormPage(forms.page_choices(actor())))


@blueprint.post("/partners/-/new")
@access("partner.edit")
def create() -> Response:
    """Add a partner, or show what is wrong."""
    by, values = actor(), forms.read(request.form)
    if not queries.may_create(by):
        raise Forbidden("Your role does not include this.")
    try:
        partner = service.add_partner(values, by=by)
    except (Invalid, Conflict) as refusal:
        errors = pages.errors_of(refusal) if isinstance(refusal, Invalid) else {"email": refusal.detail}
        shown = pages.FormPage(forms.page_choices(by), request.form, errors)
        return page("partners/form.html", shown, status=refusal.status)
    return go(url_for(".show", key=partner.id), f"{partner.name} is added. Send a link when they should have one.")


@blueprint.get("/partners/-/import")
@access("partner.admin")
def ask_import() -> Response:
    """Where lines are pasted."""
    return page("partners/import.html", pages.ImportPage())


@blueprint.post("/partners/-/import")
@access("partner.admin")
def take_lines() -> Response:
    """What would become of the lines; with `sure` it does."""
    by, text = actor(), request.form.get("lines", "")
    allow(by, "partner.admin")
    try:
        found = forms.tried(forms.lines(text), by=by)
    except Invalid as refusal:
        return page("partners/import.html", pages.ImportPage(text, errors=pages.errors_of(refusal)), status=422)
    good = sum(not one.fault for one in found)
    if request.form.get("sure") != "1":
        take_back()
        return page("partners/import.html", pages.ImportPage(text, found))
    return go(url_for(".index"), f"{good} of {len(found)} lines are taken over")


@blueprint.get("/partners/<int:key>")
@access("partner.edit")
def show(key: int) -> Response:
    """One partner."""
    return page("partners/partner.html", pages.partner_page(str(key), actor()))


@blueprint.post("/partners/<int:key>")
@access("partner.admin")
def change(key: int) -> Response:
    """Change name and organisation."""
    partner, by = _one(key), actor()
    values = {name: request.form[name] for name in ("name", "organisation", "language") if name in request.form}
    try:
        service.save_partner({"email": partner.email, **values}, by=by)
    except Invalid as refusal:
        return page("partners/partner.html", pages.partner_page(str(key), by, invalid=refusal, typed=values), status=422)
    return go(url_for(".show", key=key), "Saved")


@blueprint.post("/partners/<int:key>/grants")
@access("partner.edit")
def grant(key: int) -> Response:
    """Share a page."""
    partner, by = _one(key), actor()
    try:
        found = _page(request.form.get("page", ""))
        until = service.checked_end(request.form.get("expires", ""))
        service.grant(partner, found, until, by=by)
    except (Invalid, Conflict) as refusal:
        invalid = refusal if isinstance(refusal, Invalid) else Invalid(refusal.detail)
        shown = pages.partner_page(str(key), by, invalid=invalid, typed=request.form)
        return page("partners/partner.html", shown, status=refusal.status)
    return go(url_for(".show", key=key), f"{partner.name} may read {found.name}")


@blueprint.post("/partners/<int:key>/grants/<slug>/revoke")
@access("partner.edit")
def revoke(key: int, slug: str) -> Response:
    """Share it no more."""
    partner = _one(key)
    found = page_by_slug(slug)
    if found is None:
        raise NotFound
    service.revoke(partner, found, by=actor())
    return go(url_for(".show", key=key), f"{found.name} is no longer shared with {partner.name}")


@blueprint.post("/partners/<int:key>/link")
@access("partner.edit")
def send_link(key: int) -> Response:
    """Mail a link."""
    partner = _one(key)
    try:
        entering.send_link(partner, by=actor())
    except Invalid as refusal:
        return go(url_for(".show", key=key), refusal.detail, tone="caution")
    return go(url_for(".show", key=key), f"A link is on its way to {partner.email}")


@blueprint.post("/partners/<int:key>/<any(deactivate, reactivate, logins, erase):step>")
@access("partner.admin")
def act(key: int, step: str) -> Response:
    """Let out, let in, sign out everywhere, erase."""
    partner, by = _one(key), actor()
    if step == "erase":
        service.erase(partner, by=by)
        return go(url_for(".index"), "The partner's data is erased")
    if step == "logins":
        number = service.end_logins(partner, by=by)
        return go(url_for(".show", key=key), f"{number} login{'' if number == 1 else 's'} ended")
    (service.deactivate if step == "deactivate" else service.reactivate)(partner, by=by)
    return go(url_for(".show", key=key), f"{partner.name} is {step}d")


@blueprint.get("/partners/-/log")
@access("partner.edit")
def log() -> Response:
    """What partners did and were refused."""
    filters = {name: request.args[name] for name in journal.FILTERS if request.args.get(name)}
    return page("partners/log.html", pages.log_page(actor(), request.args, urlencode(filters)))


@blueprint.get("/partners/-/log.csv")
@access("partner.admin")
def export() -> Response:
    """Exactly the filtered rows."""
    allow(actor(), "partner.admin")
    out = io.StringIO()
    writer = csv.DictWriter(out, journal.COLUMNS)
    writer.writeheader()
    for entry in journal.every(journal.rows(request.args, pages=None)):
        writer.writerow({name: inert(str(value or "")) for name, value in journal.document(entry).items()})
    return Response(out.getvalue(), mimetype="text/csv", headers={
        "Content-Disposition": "attachment; filename=partner-log.csv"})


def _one(key: int) -> Partner:
    return queries.partner_for(str(key), actor())


def _page(slug: str) -> StatusPage:
    found = page_by_slug(slug)
    if found is None:
        service.refuse("page", "Choose a page")
    return found
