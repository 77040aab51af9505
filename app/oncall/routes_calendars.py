"""Calendars: the door for calendar programs, and the pages on which people make and revoke addresses."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request, url_for
from flask import session as cookie

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Conflict, Invalid, NotFound
from app.core.jobs import wake
from app.core.pages import go, page
from app.core.secrets import new_token
from app.core.web import actor
from app.identity import challenges
from app.oncall import feeds, links, queries, service
from app.oncall.calendar_pages import calendars_page, imports_page, typed_calendars
from app.oncall.feed_texts import text_of
from app.plugin_api import Inbound

blueprint = Blueprint("oncall_calendars", __name__)
SYNC = "app.oncall.calendar_ticks.sync_links"


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


@blueprint.post("/me/calendars/<slug>/connect")
@access("own.edit")
def connect(slug: str) -> Response:
    """Off to the vendor, to agree; the question is bound to this login, and can be answered once."""
    offer = links.offer_of(slug)
    browser = str(cookie.setdefault("browser", new_token()))
    state = challenges.put("calendar", {"plugin": slug, "user": actor().user_id}, browser=browser)
    return go(offer.authorize(_callback(slug), state, links.config_of(offer)))


@blueprint.get("/me/calendars/<slug>/connected")
@access("own.edit")
@own_transaction
def connected(slug: str) -> Response:
    """Back from the vendor: the consent is kept, if this login asked for it less than ten minutes ago."""
    by = actor()
    with transaction():
        asked = challenges.take("calendar", request.args.get("state", ""), browser=str(cookie.get("browser", "")))
    if asked != {"plugin": slug, "user": by.user_id}:
        return go(url_for(".mine"), "This answer belongs to another login, or came too late. Connect again.", tone="danger")
    session.remove()
    try:
        grant, choices = links.agreed(slug, Inbound("GET", {}, request.args.to_dict(), b"", clock.now()), _callback(slug))
    except (Conflict, NotFound) as refusal:
        return go(url_for(".mine"), refusal.detail, tone="danger")
    with transaction():
        link = links.keep(slug, grant, choices, by=by)
        said = "It is kept in step again" if link.calendar else "Now choose the calendar that shows your shifts"
        wake(SYNC)
    return go(url_for(".mine"), said)


@blueprint.post("/me/calendars/outside/<int:key>")
@access("own.edit")
def choose(key: int) -> Response:
    """Which of my calendars shows the shifts."""
    link = links.own_link(key, actor())
    try:
        links.choose(link, request.form.get("calendar", ""), by=actor())
    except Invalid as refusal:
        return go(url_for(".mine"), refusal.problems[0].message, tone="danger")
    wake(SYNC)
    return go(url_for(".mine"), f"{link.calendar_name} shows your shifts within minutes")


@blueprint.post("/me/calendars/outside/<int:key>/disconnect")
@access("own.edit")
def disconnect(key: int) -> Response:
    """The entries to come go, and the consent."""
    links.leave(links.own_link(key, actor()), by=actor())
    wake(SYNC)
    return go(url_for(".mine"), "It is disconnected. Your coming shifts are removed there")


def _callback(slug: str) -> str:
    return f"{current_app.config['BASE_URL']}{url_for('.connected', slug=slug)}"


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
