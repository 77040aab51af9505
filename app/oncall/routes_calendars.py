"""Calendars: the door for calendar programs, and the pages on which people make and revoke addresses."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, Invalid
from app.core.jobs import wake
from app.core.pages import go, page
from app.core.web import actor
from app.oncall import feeds, queries, service
from app.oncall.calendar_pages import calendars_page, imports_page, typed_calendars
from app.oncall.feed_texts import text_of

blueprint = Blueprint("oncall_calendars", __name__)


@blueprint.get("/calendar/<token>.ics")
@access("public")
@own_transaction
def feed(token: str) -> Response:
    """The shifts for a calendar program: whoever holds the address reads what its owner may see."""
    found = feeds.feed_by_token(token)
    body = text_of(found)
    with transaction():
        feeds.note_read(found, body)
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.set_etag(found.digest)
    answer.last_modified = found.changed_at
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = 'inline; filename="on-call.ics"'
    return answer.make_conditional(request)


@blueprint.get("/me/calendars")
@access("own.read")
def mine() -> Response:
    """My addresses."""
    return page("oncall/calendars.html", calendars_page(actor(), request.args.get("of", "")))


@blueprint.post("/me/calendars")
@access("own.edit")
def make() -> Response:
    """A new address; the one there was before ends."""
    feeds.make_feed(request.form.get("of", "me"), by=actor())
    return go(url_for(".mine"), "Copy the address into your calendar program")


@blueprint.post("/me/calendars/<int:key>/revoke")
@access("own.edit")
def revoke(key: int) -> Response:
    """End an address."""
    feeds.revoke_feed(feeds.own_feed(key, actor()), by=actor())
    return go(url_for(".mine"), "The address no longer opens")


@blueprint.get("/schedules/<key>/calendars")
@access("schedule.read")
def of_schedule(key: str) -> Response:
    """The calendars that a schedule is read from, and where to subscribe to it."""
    return page("oncall/imports.html", imports_page(queries.schedule_for(key, actor()), actor()))


@blueprint.post("/schedules/<key>/calendars")
@access("schedule.edit")
def read_from(key: str) -> Response:
    """Read the schedule from these calendars, or show what is wrong."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    wanted = typed_calendars(request.form, schedule)
    try:
        service.save_schedule({"key": key, "calendars": wanted}, by=actor())
    except (Invalid, Conflict) as refused:
        uses = [one["use"] for one in wanted]
        faults = ({uses[int(one.field[10])]: one.message for one in refused.problems}
                  if isinstance(refused, Invalid) else {"": refused.detail})
        form = imports_page(schedule, actor(), typed=request.form, faults=faults)
        return page("oncall/imports.html", form, status=refused.status)
    wake("app.oncall.calendar_ticks.read_calendars")
    return go(url_for(".of_schedule", key=key), "Saved. The calendars are read within seconds")


@blueprint.post("/schedules/<key>/calendars/read")
@access("schedule.edit")
def read_now(key: str) -> Response:
    """Read them again at once."""
    for row in queries.schedule_for(key, actor(), "schedule.edit").calendars:
        row.next_at = clock.now()
    wake("app.oncall.calendar_ticks.read_calendars")
    return go(url_for(".of_schedule", key=key), "The calendars are read again")
