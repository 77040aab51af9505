"""Calendar addresses, the fairness of schedules and their archive for machines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.core import clock
from app.core.access import access
from app.core.openapi import PROBLEM, component, operation, sent
from app.core.web import actor
from app.oncall import feeds, links, queries
from app.oncall.archive import archive_schedule, restore_schedule
from app.oncall.calendar_models import CalendarFeed, CalendarLink
from app.oncall.calendar_pages import what_of
from app.oncall.quality_pages import quality_document, quality_page
from app.oncall.schemas import QUALITY

blueprint = Blueprint("oncall_api_calendars", __name__)
INSTANT = {"type": "string", "format": "date-time"}
FEED = component("CalendarFeed", {
    "type": "object", "required": ["id", "of", "url", "created_at", "last_read_at"],
    "properties": {"id": {"type": "string"}, "of": {"type": "string", "description": "me, or the id of a schedule or team"},
                   "url": {"type": "string"}, "created_at": INSTANT,
                   "last_read_at": {**INSTANT, "type": ["string", "null"]}}})
LINK = component("CalendarLink", {
    "type": "object", "required": ["id", "plugin", "account", "state", "calendar", "choices", "synced_at", "error"],
    "properties": {"id": {"type": "string"}, "plugin": {"type": "string"}, "account": {"type": "string"},
                   "state": {"enum": ["choosing", "on", "broken"]}, "calendar": {"type": ["string", "null"]},
                   "choices": {"type": "array", "items": {"type": "object", "properties": {
                       "id": {"type": "string"}, "name": {"type": "string"}}}},
                   "synced_at": {**INSTANT, "type": ["string", "null"]}, "error": {"type": ["string", "null"]}}})
CHOICE = {"type": "object", "additionalProperties": False, "required": ["calendar"], "properties": {
    "calendar": {"type": "string", "maxLength": 1000, "description": "The id of one of the `choices`"}}}
WISH = {"type": "object", "additionalProperties": False, "required": ["of"], "properties": {
    "of": {"type": "string", "maxLength": 80, "description": "`me`, `schedule:<key>` or `team:<key>`"}}}


@blueprint.get("/me/calendars")
@access("own.edit")
@operation("My calendar addresses", responses={200: {"type": "array", "items": FEED}})
def mine() -> Any:
    """Whoever has an address reads what I may see."""
    return jsonify([_shown(one) for one in feeds.feeds_of(actor().user_id)])


@blueprint.post("/me/calendars")
@access("own.edit")
@operation("Make a calendar address, or renew it", request=WISH, responses={201: FEED},
           description="The address there was before for the same ends at once.")
def make() -> Any:
    """For oneself, a schedule or a team."""
    return jsonify(_shown(feeds.make_feed(what_of(sent(request)["of"]), by=actor()))), 201


@blueprint.delete("/me/calendars/<int:key>")
@access("own.edit")
@operation("Revoke a calendar address", responses={204: None})
def revoke(key: int) -> Any:
    """Nothing is found there from then on."""
    feeds.revoke_feed(feeds.own_feed(key, actor()), by=actor())
    return Response(status=204)


@blueprint.get("/me/calendar-links")
@access("own.edit")
@operation("The calendars outside that are kept in step with my shifts", responses={200: {"type": "array", "items": LINK}},
           description="They are connected in a browser, since the vendor asks the person.")
def outside() -> Any:
    """What I connected, and how it fares."""
    return jsonify([_link(one) for one in links.links_of(actor().user_id) if one.state != "leaving"])


@blueprint.patch("/me/calendar-links/<int:key>")
@access("own.edit")
@operation("Choose the calendar that shows my shifts", request=CHOICE, responses={200: LINK})
def choose(key: int) -> Any:
    """What we wrote in another goes."""
    link = links.own_link(key, actor())
    links.choose(link, sent(request)["calendar"], by=actor())
    return jsonify(_link(link))


@blueprint.delete("/me/calendar-links/<int:key>")
@access("own.edit")
@operation("Disconnect a calendar outside", responses={204: None})
def disconnect(key: int) -> Any:
    """The entries to come go, and the tokens."""
    links.leave(links.own_link(key, actor()), by=actor())
    return Response(status=204)


@blueprint.get("/schedules/<key>/quality")
@access("schedule.read")
@operation("How fair a schedule is", responses={200: component("Quality", QUALITY)},
           description="Hours weigh 1, and 1 more at night, at a weekend and on a holiday, each.")
def quality(key: str) -> Any:
    """Coverage, balance, each person's load, and an exchange that evens it out."""
    return jsonify(quality_document(quality_page(queries.schedule_for(key, actor()), actor())))


@blueprint.post("/schedules/<key>/archive")
@access("schedule.edit")
@operation("Archive a schedule", responses={204: None, 409: PROBLEM},
           description="409 names the policies that use it. Nobody is on duty by it any more; what has been stays.")
def put_away(key: str) -> Any:
    """Put a schedule away that nothing uses any more."""
    archive_schedule(queries.schedule_for(key, actor(), "schedule.edit"), by=actor())
    return Response(status=204)


@blueprint.post("/schedules/<key>/restore")
@access("schedule.edit")
@operation("Take an archived schedule back into use", responses={204: None})
def restore(key: str) -> Any:
    """As it stands."""
    restore_schedule(queries.schedule_for(key, actor()), by=actor())
    return Response(status=204)


def _shown(feed: CalendarFeed) -> dict[str, Any]:
    return {"id": str(feed.id), "of": feed.what, "url": feeds.address_of(feed),
            "created_at": clock.rfc3339(feed.created_at), "last_read_at": clock.rfc3339(feed.last_read_at)}


def _link(link: CalendarLink) -> dict[str, Any]:
    return {"id": str(link.id), "plugin": link.plugin, "account": link.account, "state": link.state,
            "calendar": link.calendar or None, "choices": [{"id": one[0], "name": one[1]} for one in link.choices],
            "synced_at": clock.rfc3339(link.synced_at), "error": link.error or None}
