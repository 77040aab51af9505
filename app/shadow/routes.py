"""The page of shadow."""

from __future__ import annotations

import csv
from io import StringIO

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.db import session
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.sheets import inert
from app.core.web import actor
from app.identity.queries import allow
from app.incidents import service as incidents
from app.shadow import pages, queries, service
from app.shadow.models import Unsent

blueprint = Blueprint("shadow", __name__)
MOST = 100_000


@blueprint.get("/shadow")
@access("shadow.read")
def index() -> Response:
    """What is in shadow, and what would have left."""
    return page("shadow/index.html", pages.shadow_page(actor(), request.args))


@blueprint.post("/shadow")
@access("shadow.edit")
def begin() -> Response:
    """Put something in shadow, or show what is wrong."""
    allow(actor(), "shadow.edit")
    typed = {name: request.form.get(name, "").strip() for name in ("what", "reason")}
    scope, _, key = typed["what"].partition(":")
    try:
        made = service.begin(scope, key, reason=typed["reason"], by=actor())
    except Invalid as refusal:
        return page("shadow/index.html", pages.shadow_page(actor(), {}, typed=typed, invalid=refusal), status=422)
    except Conflict as refusal:
        return go(url_for(".index"), refusal.detail, tone="danger")
    return go(url_for(".index"), f"From now on nothing of {made.name} leaves")


@blueprint.get("/shadow/<key>/end")
@access("shadow.edit")
def ending(key: str) -> Response:
    """What is open before it goes live."""
    allow(actor(), "shadow.edit")
    return page("shadow/end.html", pages.end_page(queries.shadow_for(key)))


@blueprint.post("/shadow/<key>/end")
@access("shadow.edit")
def end(key: str) -> Response:
    """Live from now on; what is ticked pages."""
    allow(actor(), "shadow.edit")
    ticked = [int(one) for one in request.form.getlist("page") if one.isascii() and one.isdecimal() and len(one) < 19]
    try:
        ended = service.end(queries.shadow_for(key), page=ticked, by=actor())
    except (Conflict, Invalid) as refusal:
        return go(url_for(".index"), refusal.detail, tone="danger")
    return go(url_for(".index"), f"{ended.name[:1].upper()}{ended.name[1:]} is live")


@blueprint.post("/shadow/incidents/<int:number>/page")
@access("shadow.edit")
def let_page(number: int) -> Response:
    """An incident that stayed silent pages."""
    allow(actor(), "shadow.edit")
    try:
        service.let_page(incidents.lock(number), by=actor())
    except Conflict as refusal:
        return go(url_for(".index"), refusal.detail, tone="danger")
    return go(url_for(".index"), f"#{number} pages now")


@blueprint.get("/shadow/unsent.csv")
@access("shadow.read")
def unsent_csv() -> Response:
    """Everything that would have left, oldest first."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(pages.HEADINGS)
    for one in session.scalars(queries.unsent(actor(), request.args).order_by(Unsent.at, Unsent.id).limit(MOST)):
        writer.writerow([inert("" if cell is None else str(cell)) for cell in pages.row_of(one)])
    return Response(text.getvalue(), mimetype="text/csv", headers={
        "Content-Disposition": "attachment; filename=would-have-left.csv"})
