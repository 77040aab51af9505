"""Action items for machines, and what stands beside documents: comments, share links, templates, habits, figures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import joinedload

from app.core.access import access
from app.core.openapi import PAGING, PROBLEM, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.queries import allow
from app.postmortems import documents, forms, item_queries, items, queries, rules, schemas, tickets
from app.postmortems.models import ActionItem

blueprint = Blueprint("action_items_api", __name__)
FILTERS = (*PAGING, query("team", "A team's key"), query("owner", "An e-mail address"),
           query("state", "State; left for open and in progress", choices=(*rules.ITEM_STATES, "left")),
           query("priority", "Priority", choices=rules.PRIORITIES), query("due", "When", choices=("overdue", "week")))


@blueprint.get("/action-items")
@access("postmortem.read")
@operation("Action items, by due date", responses={200: listing(schemas.ITEM)}, parameters=FILTERS)
def action_items() -> dict[str, Any]:
    """Of all documents that the caller may read."""
    by = actor()
    allow(by, "postmortem.read")
    found = item_queries.filtered(item_queries.visible(by), request.args).options(joinedload(ActionItem.ticket))
    return paged(found, request.args, by=(ActionItem.due_on, ActionItem.id), show=documents.item_document)


@blueprint.get("/action-items/<id>")
@access("postmortem.read")
@operation("One action item", responses={200: schemas.ITEM})
def action_item(id: str) -> dict[str, Any]:
    """One."""
    return documents.item_document(item_queries.item_for(id, actor()))


@blueprint.post("/postmortems/<id>/action-items")
@access("postmortem.write")
@operation("Give somebody something to do until a date", request=schemas.NEW_ITEM, responses={201: schemas.ITEM})
def add(id: str) -> tuple[dict[str, Any], int]:
    """Its owner is told."""
    by = actor()
    found = queries.postmortem_for(id, by, "postmortem.write")
    return documents.item_document(items.add_item(found, sent(request), by=by)), 201


@blueprint.patch("/action-items/<id>")
@access("action_item.change")
@operation("Change it, or move it to another state", request=schemas.ITEM_CHANGE,
           responses={200: schemas.ITEM, 409: PROBLEM})
def change(id: str) -> dict[str, Any]:
    """What is left out stays; a state that can't be reached is refused with those that can."""
    by = actor()
    found = item_queries.item_for(id, by, "action_item.change")
    values = sent(request)
    fields = {name: values[name] for name in items.FIELDS if name in values}
    if fields:
        found = items.change_item(found, fields, by=by)
    if "state" in values:
        found = items.move_item(found, values["state"], by=by)
    return documents.item_document(found)


@blueprint.post("/action-items/<id>/ticket")
@access("action_item.change")
@operation("Make one issue of it by a connection; asked again, the same", request=schemas.TICKET,
           responses={202: schemas.ITEM})
def order_ticket(id: str) -> tuple[dict[str, Any], int]:
    """An issue elsewhere."""
    by = actor()
    found = item_queries.item_for(id, by, "action_item.change")
    values = sent(request)
    tickets.order(found, values["connection"], values.get("params") or {}, by=by)
    return documents.item_document(found), 202


@blueprint.post("/action-items/hand-over")
@access("action_item.change")
@operation("Hand over all that somebody has left", request=schemas.HAND_OVER, responses={200: {
    "type": "object", "properties": {"handed_over": {"type": "integer"}}}})
def hand_over() -> dict[str, Any]:
    """In one step."""
    by = actor()
    forms.may_write_somewhere(by)
    values = sent(request)
    _, left = item_queries.left_by(values["from"], by)
    return {"handed_over": items.hand_over(left, forms.one_person(values["to"], "to"), by=by)}
