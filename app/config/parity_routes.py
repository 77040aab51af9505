"""The pages of parity: what another product recorded beside what happened here."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.config import errands, imports, parity, parity_pages
from app.core.access import access, own_transaction
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor, takes
from app.identity.queries import allow

blueprint = Blueprint("parity", __name__)


@blueprint.get("/configuration/parity")
@access("admin")
def index() -> Response:
    """What to compare with."""
    allow(actor(), "admin")
    return page("config/parities.html", parity_pages.parities_page(actor()))


@blueprint.post("/configuration/parity")
@access("admin")
@own_transaction
@takes(32 * 1024 * 1024)
def compare() -> Response:
    """Compare what was brought."""
    by, form = actor(), request.form
    allow(by, "admin")
    files = [(one.filename or "export.json", one.stream.read()) for one in request.files.getlist("files") if one.filename]
    try:
        report = parity.reported(form.get("source", ""), imports.data_of(files), *errands.period(form), by=by)
    except Invalid as refusal:
        return page("config/parities.html", parity_pages.parities_page(by, typed=form, refused=refusal.detail), status=422)
    return go(url_for(".show", key=report.key))


@blueprint.get("/configuration/parity/<key>")
@access("admin")
def show(key: str) -> Response:
    """One report."""
    return page("config/parity.html", parity_pages.parity_page(errands.errand_for(key, "parity", actor()), request.args))


@blueprint.get("/configuration/parity/<key>/parity.csv")
@access("admin")
def as_csv(key: str) -> Response:
    """The same for spreadsheets."""
    text = parity_pages.as_csv(errands.errand_for(key, "parity", actor()))
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="parity.csv"'})
