"""Pages of action items: one's own, lists, one with its form, and handing over what somebody left."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, Invalid, NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.identity.rules import own_path
from app.postmortems import forms, item_pages, item_queries, items, pages, tickets
from app.postmortems.routes import permitted

blueprint = Blueprint("action_items", __name__)
LIST, ITEM = "postmortems/action-items.html", "postmortems/action-item.html"


@blueprint.get("/action-items")
@access("postmortem.read")
def index() -> Response:
    """The reader's own, or those that the filters name."""
    return page(LIST, item_pages.items_page(actor(), request.args))


@blueprint.get("/action-items.csv")
@access("postmortem.read")
def as_csv() -> Response:
    """The same as CSV; without filters everybody's."""
    found = item_pages.listed(actor(), request.args, most=None)
    return Response(item_queries.as_csv(found), mimetype="text/csv", headers={
        "Content-Disposition": 'attachment; filename="action-items.csv"', "Cache-Control": "no-store"})


@blueprint.post("/postmortems/<id>/items")
@access("postmortem.write")
def add(id: str) -> Response:
    """Give somebody something to do."""
    found, by = permitted(id, "postmortem.write")
    try:
        items.add_item(found, request.form, by=by)
    except Invalid as invalid:
        shown = pages.postmortem_page(id, by, typed=request.form, faults=forms.faults_of(invalid))
        return page("postmortems/postmortem.html", shown, status=422)
    return go(url_for("postmortems.show", id=id), "The action item is added")


@blueprint.get("/action-items/<id>")
@access("postmortem.read")
def show(id: str) -> Response:
    """One."""
    return page(ITEM, item_pages.item_page(id, actor()))


@blueprint.post("/action-items/<id>")
@access("action_item.change")
def change(id: str) -> Response:
    """Another text, owner, date or priority."""
    by = actor()
    found = item_queries.item_for(id, by, "action_item.change")
    try:
        items.change_item(found, {name: request.form.get(name, "") for name in items.FIELDS}, by=by)
    except Invalid as invalid:
        shown = item_pages.item_page(id, by, typed=request.form, faults=forms.faults_of(invalid))
        return page(ITEM, shown, status=422)
    return go(url_for(".show", id=id), "Saved")


@blueprint.post("/action-items/<id>/move")
@access("action_item.change")
def move(id: str) -> Response:
    """To another state, by one press."""
    by = actor()
    found = item_queries.item_for(id, by, "action_item.change")
    try:
        moved = items.move_item(found, request.form.get("state", ""), by=by)
    except (Conflict, Invalid) as refusal:
        return page(ITEM, item_pages.item_page(id, by, refusal=refusal.detail), status=refusal.status)
    back = own_path(request.form.get("back"))
    return go(back if back != "/" else url_for(".show", id=id), f"“{moved.title}” is {moved.state.replace('_', ' ')}")


@blueprint.post("/action-items/<id>/ticket")
@access("action_item.change")
def order_ticket(id: str) -> Response:
    """Make an issue of it elsewhere, once."""
    by = actor()
    found = item_queries.item_for(id, by, "action_item.change")
    params = {name.removeprefix("params."): value for name, value in request.form.items() if name.startswith("params.")}
    try:
        tickets.order(found, request.form.get("connection", ""), params, by=by)
    except (Invalid, NotFound) as refusal:
        shown = item_pages.item_page(id, by, refusal=refusal.detail, params=request.form)
        return page(ITEM, shown, status=refusal.status)
    return go(url_for(".show", id=id), "The issue is ordered")


@blueprint.post("/action-items/<id>/ticket/refresh")
@access("action_item.change")
@own_transaction
def refresh_ticket(id: str) -> Response:
    """Look how the issue stands, now."""
    with transaction():
        ticket = item_queries.item_for(id, actor(), "action_item.change").ticket
        key = ticket.id if ticket else 0
    tickets.refresh(key)
    return go(url_for(".show", id=id), "Looked up")


@blueprint.post("/action-items/hand-over")
@access("action_item.change")
def hand_over() -> Response:
    """All that somebody left, in one step, to somebody else."""
    by = actor()
    owner, left = item_queries.left_by(request.form.get("from", ""), by)
    try:
        number = items.hand_over(left, forms.one_person(request.form.get("to", ""), "to"), by=by)
    except Invalid as invalid:
        shown = item_pages.items_page(by, {"owner": owner.email}, refusal=invalid.detail)
        return page(LIST, shown, status=422)
    return go(url_for(".index", of="all", state="left"), f"{number} handed over")
