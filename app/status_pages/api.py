"""Status pages for machines: the access link, notices and their updates, subscribers. Pages stand with all configuration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import access
from app.core.db import session
from app.core.forms import refuse
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.status_pages import document as documents
from app.status_pages import notices, queries, rules, service, subscribing
from app.status_pages.models import Notice, StatusPage
from app.status_pages.notices import Said
from app.status_pages.subscriber_models import Subscriber

blueprint = Blueprint("status_pages_api", __name__)
TEXT, TIME = {"type": "string"}, {"type": ["string", "null"], "format": "date-time"}
IDS = {"type": "array", "items": TEXT, "maxItems": rules.MOST_COMPONENTS}
STATE = {"type": "string", "enum": list(rules.NOTICE_STATES)}
CHANGES = {"type": "object", "maxProperties": rules.MOST_COMPONENTS, "additionalProperties": {
    "type": "string", "enum": [*rules.STATES, notices.COMPUTED]},
    "description": "Moves components: id → state for 4 hours, or `computed` to end an override"}
SAID: dict[str, Any] = {"state": STATE, "text": {**TEXT, "minLength": 1, "maxLength": 5000, "description": "Markdown"},
                        "at": {**TIME, "description": "Entered late: when it was said"},
                        "due_at": {**TIME, "description": "Published then, by itself"}, "components_to": CHANGES}
UPDATE = component("StatusUpdate", {"type": "object", "required": ["at", "state", "text"], "properties": {
    "at": TEXT, "state": STATE, "text": TEXT}})
NOTICE = component("StatusNotice", {
    "type": "object", "required": ["id", "title", "state", "impact", "components", "draft", "updates"], "properties": {
        "id": TEXT, "title": TEXT, "state": STATE, "impact": {"type": "string", "enum": list(rules.IMPACTS)},
        "components": IDS, "draft": {"type": "boolean"}, "started_at": TIME, "resolved_at": TIME,
        "updates": {"type": "array", "items": UPDATE}}})
NEW_NOTICE = {"type": "object", "additionalProperties": False, "required": ["title", "state", "text"], "properties": {
    **SAID, "title": {**TEXT, "minLength": 1, "maxLength": 200},
    "impact": {"type": "string", "enum": list(rules.IMPACTS)}, "components": IDS, "draft": {"type": "boolean"},
    "incident": {"type": ["integer", "string"], "description": "The incident it is about; nobody outside sees it"},
    "started_at": TIME, "resolved_at": TIME}}
NEW_UPDATE = {"type": "object", "additionalProperties": False, "required": ["state", "text"], "properties": SAID}
SUBSCRIBER = component("StatusSubscriber", {
    "type": "object", "required": ["id", "kind", "address", "state", "components", "news"], "properties": {
        "id": TEXT, "kind": {**TEXT, "description": "email, webhook, chat, or the channel of a room"},
        "address": {"type": ["string", "null"]},
        "state": {"type": "string", "enum": ["pending", "active", "ended"]}, "components": IDS,
        "news": {"type": "array", "items": TEXT}, "failures": {"type": "integer"}, "reason": TEXT, "created_at": TIME,
        "confirmed_at": TIME}})
LINK = component("StatusLink", {"type": "object", "required": ["url", "token"], "properties": {"url": TEXT, "token": TEXT}})
NEW_SUBSCRIBERS = {"type": "object", "additionalProperties": False, "required": ["addresses"], "properties": {
    "addresses": {"type": "array", "items": {**TEXT, "maxLength": 254}, "minItems": 1, "maxItems": subscribing.MOST_ADDED}}}
ASKED = {"type": "object", "required": ["asked"], "properties": {"asked": {"type": "integer"}}}


@blueprint.post("/status-pages/<key>/link")
@access("status_page.edit")
@operation("A new access link of a private page; the old one is dead", responses={201: LINK, 409: PROBLEM},
           body_needed=False)
def renew_link(key: str) -> Any:
    """Shown once."""
    found = queries.page_for(key, actor(), "status_page.edit")
    token = service.renew_link(found, by=actor())
    return jsonify({"url": f"{queries.address_of(found)}/open/{token}", "token": token}), 201


@blueprint.get("/status-pages/<key>/notices")
@access("status_page.read")
@operation("Notices of a status page, newest first", responses={200: listing(NOTICE)}, parameters=PAGING)
def list_notices(key: str) -> Response:
    """Drafts too."""
    found = queries.page_for(key, actor())
    rows = select(Notice).where(Notice.page_id == found.id).options(selectinload(Notice.updates))
    return jsonify(paged(rows, request.args, by=(Notice.started_at, Notice.id), descending=True,
                         show=lambda one: _document(one, found)))


@blueprint.post("/status-pages/<key>/notices")
@access("status_page.write")
@operation("Publish a notice with its first update", request=NEW_NOTICE, responses={201: NOTICE})
def open_notice(key: str) -> Any:
    """Or keep it as a draft."""
    found = queries.page_for(key, actor(), "status_page.write")
    values = sent(request)
    given = {name: values[name] for name in ("title", "impact", "components", "draft") if values.get(name)}
    given |= {name: at for name in ("started_at", "resolved_at") if (at := _instant(values, name))}
    if values.get("incident"):
        number = str(values["incident"]).lstrip("#")
        if not number.isdecimal() or len(number) > 17:
            refuse("incident", "There is no such incident")
        given["incident"] = int(number)
    made = notices.open_notice(found, given, _said(values), by=actor())
    return jsonify(_document(made, found)), 201


@blueprint.post("/status-pages/<key>/notices/<notice>/updates")
@access("status_page.write")
@operation("Publish an update of a notice", request=NEW_UPDATE, responses={201: NOTICE, 409: PROBLEM})
def add_update(key: str, notice: str) -> Any:
    """Every move is an update with text."""
    found = queries.page_for(key, actor(), "status_page.write")
    one = queries.notice_of(found, notice, by=actor())
    notices.say(one, _said(sent(request)), by=actor())
    session.refresh(one)
    return jsonify(_document(one, found)), 201


@blueprint.get("/status-pages/<key>/subscribers")
@access("status_page.edit")
@operation("Subscribers of a status page", responses={200: listing(SUBSCRIBER)},
           parameters=(*PAGING, query("state", "Only those", choices=("pending", "active", "ended"))))
def list_subscribers(key: str) -> Response:
    """Addresses are for managers of the page."""
    found = queries.page_for(key, actor(), "status_page.edit")
    rows = select(Subscriber).where(Subscriber.page_id == found.id)
    if request.args.get("state"):
        rows = rows.where(Subscriber.state == request.args["state"])
    return jsonify(paged(rows, request.args, by=(Subscriber.id,), show=_subscriber))


@blueprint.post("/status-pages/<key>/subscribers")
@access("status_page.edit")
@operation("Ask mail addresses whether they want to hear", request=NEW_SUBSCRIBERS, responses={202: ASKED})
def add_subscribers(key: str) -> Any:
    """Each gets a link to confirm; whoever ended a subscription before is left out."""
    found = queries.page_for(key, actor(), "status_page.edit")
    return jsonify({"asked": subscribing.add(found, sent(request)["addresses"], by=actor())}), 202


@blueprint.delete("/status-pages/<key>/subscribers/<number>")
@access("status_page.edit")
@operation("End a subscription and erase its address", responses={204: None})
def remove_subscriber(key: str, number: str) -> Any:
    """A hash stays, so that no import adds it again."""
    found = queries.page_for(key, actor(), "status_page.edit")
    subscribing.remove(subscribing.of_page(found, number), by=actor())
    return "", 204


def _said(values: dict[str, Any]) -> Said:
    return Said(values["state"], values["text"], at=_instant(values, "at"), due_at=_instant(values, "due_at"),
                changes=values.get("components_to") or {})


def _instant(values: dict[str, Any], name: str) -> datetime | None:
    if not values.get(name):
        return None
    try:
        return clock.parse_instant(values[name])
    except ValueError:
        refuse(name, "Write a time like 2026-03-01T09:00:00Z")


def _document(one: Notice, page: StatusPage) -> dict[str, Any]:
    names = {part.id: part.public_id for part in page.components}
    return {**documents.notice_json(documents.public_notice(one, names)), "draft": one.draft}


def _subscriber(subscriber: Subscriber) -> dict[str, Any]:
    """One as the page's managers get it."""
    names = {one.id: one.public_id for one in subscriber.page.components}
    return {"id": str(subscriber.id), "kind": subscriber.kind, "address": subscriber.address or None,
            "state": subscriber.state,
            "components": [names[key] for key in subscriber.components if key in names], "news": list(subscriber.kinds),
            "failures": subscriber.failures, "reason": subscriber.reason, "created_at": clock.rfc3339(subscriber.created_at),
            "confirmed_at": clock.rfc3339(subscriber.confirmed_at)}
