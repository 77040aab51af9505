"""Pages about channels and who is reached by them: health, accounts, rooms, connecting by OAuth, readiness, quiet hours."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, request, url_for
from flask import session as cookie

from app.core import clock, secrets
from app.core.access import access, own_transaction
from app.core.db import session, transaction
from app.core.errors import Conflict, Invalid, NotFound, RateLimited
from app.core.forms import number_of
from app.core.pages import go, page
from app.core.sheets import inert
from app.core.web import actor
from app.identity.models import User
from app.incidents.queries import incident_for
from app.notifications import (
    channel_pages,
    connecting,
    forms,
    quiet,
    readiness,
    rooms,
    threads,
)
from app.notifications.channel_models import Room
from app.plugin_api import Inbound

blueprint = Blueprint("channels", __name__)
PROFILE = "identity.profile"


@blueprint.get("/settings/channels")
@access("admin")
def index() -> Response:
    """How each provider of each channel fares."""
    return page("notifications/channels.html", channel_pages.channels_page())


@blueprint.get("/settings/channels/<slug>")
@access("admin")
def show(slug: str) -> Response:
    """One plugin: accounts, settings, guide."""
    key = request.args.get("account", "")
    editing = connecting.account_of(slug, number_of(key)) if key else None
    return page("notifications/channel.html", channel_pages.plugin_page(slug, editing=editing))


@blueprint.post("/settings/channels/<slug>")
@access("admin")
def save(slug: str) -> Response:
    """Keep an account's settings, or show what is missing."""
    key = request.form.get("account", "")
    number = number_of(key) if key else None
    try:
        saved = connecting.save_account(slug, request.form.get("name", ""), request.form, by=actor(), key=number)
    except Invalid as refusal:
        editing = connecting.account_of(slug, number) if number is not None else None
        shown = channel_pages.plugin_page(slug, form=_public(slug), problems=refusal.problems, editing=editing)
        return page("notifications/channel.html", shown, status=422)
    return go(url_for(".index"), f"{saved.name} is saved. Send a test to see that it works")


def _public(slug: str) -> dict[str, str]:
    """What was typed, without secrets."""
    hidden = {one.name for one in connecting.entries(slug) if one.secret}
    return {name: value for name, value in request.form.items() if name not in hidden}


@blueprint.post("/settings/channels/<slug>/accounts/<int:key>/remove")
@access("admin")
def remove(slug: str, key: int) -> Response:
    """Disconnect an account."""
    account = connecting.account_of(slug, key)
    connecting.remove_account(account, by=actor())
    return go(url_for(".show", slug=slug), f"{account.name} is disconnected")


@blueprint.post("/settings/channels/-/<channel>/<what>")
@access("admin")
def act(channel: str, what: str) -> Response:
    """Test an account, switch it off or on, or try it first."""
    key, by = request.form.get("account", ""), actor()
    if what == "test":
        return _tested(channel, key)
    if what == "first":
        connecting.first(channel, key, by=by)
    elif what in ("off", "on"):
        connecting.switch(channel, key, off=what == "off", by=by)
    else:
        raise NotFound("There is no such thing to do")
    said = {"first": "It is tried first now", "off": "It is switched off: nothing is sent by it", "on": "It is on again"}
    return go(url_for(".index"), said[what])


def _tested(channel: str, key: str) -> Response:
    user = session.get_one(User, actor().user_id)
    try:
        connecting.test(channel, key, user, by=actor())
    except (Conflict, RateLimited) as refusal:
        return go(url_for(".index"), refusal.detail, tone="caution")
    return go(url_for("notifications.test_states", id=user.id))


@blueprint.post("/settings/channels/<slug>/connect")
@access("admin")
def connect(slug: str) -> Response:
    """Off to the vendor, to choose what is connected; the state is bound to this browser."""
    state = cookie["connecting"] = secrets.new_token()
    try:
        return go(connecting.address(slug, url_for(".connected", slug=slug), state, by=actor()))
    except Conflict as refusal:
        return go(url_for(".show", slug=slug), refusal.detail, tone="caution")


@blueprint.get("/plugins/<slug>/oauth")
@access("admin")
@own_transaction
def connected(slug: str) -> Response:
    """Back from the vendor: the account is kept, its secrets sealed."""
    state, back = cookie.pop("connecting", ""), url_for(".connected", slug=slug)
    if not state or not secrets.same(state, request.args.get("state", "")):
        return go(url_for(".show", slug=slug), "This answer belongs to another browser. Connect again.", tone="danger")
    by = actor()
    try:
        found = connecting.exchanged(slug, Inbound("GET", {}, request.args.to_dict(), b"", clock.now()), back)
    except Conflict as refusal:
        return go(url_for(".show", slug=slug), refusal.detail, tone="danger")
    with transaction():
        account = connecting.take(slug, found, by=by)
    return go(url_for(".show", slug=slug), f"{account.name} is connected")


@blueprint.post("/settings/channels/<slug>/rooms")
@access("admin")
def add_room(slug: str) -> Response:
    """Post a team's incidents in a room."""
    names = ("team", "service", "schedule", "channel", "account", "address", "name")
    try:
        rooms.save_room({name: request.form.get(name, "").strip() for name in names}, by=actor())
    except Invalid as refusal:
        return go(url_for(".show", slug=slug), refusal.detail, tone="danger")
    return go(url_for(".show", slug=slug), "The next incident is posted there")


@blueprint.post("/settings/channels/<slug>/rooms/<int:key>/remove")
@access("admin")
def remove_room(slug: str, key: int) -> Response:
    """Nothing more is posted there."""
    room = session.get(Room, key)
    if room is None or room.removed_at is not None:
        raise NotFound("There is no such room")
    try:
        rooms.remove_room(room, by=actor())
    except Conflict as refusal:
        return go(url_for(".show", slug=slug), refusal.detail, tone="danger")
    return go(url_for(".show", slug=slug), "Nothing more is posted there")


@blueprint.post("/incidents/<id>/channels")
@access("incident.act")
def open_channel(id: str) -> Response:
    """A channel for this incident alone."""
    incident, back = incident_for(id, actor()), url_for("incidents.show", id=id)
    try:
        threads.open_own(incident, request.form.get("channel", ""), by=actor())
    except (Conflict, Invalid) as refusal:
        return go(back, refusal.detail, tone="caution")
    return go(back, "The channel is being opened, and its people are invited")


@blueprint.post("/me/quiet-hours")
@access("own.edit")
def save_quiet_hours() -> Response:
    """Save when low urgency waits."""
    user, form = session.get_one(User, actor().user_id), request.form
    rows = forms.typed_quiet(form.getlist("days"), form.getlist("from"), form.getlist("to"), form.get("press", ""))
    try:
        quiet.save(user, rows, by=actor())
    except Invalid as refusal:
        return go(url_for(PROFILE), refusal.detail, tone="danger")
    return go(url_for(PROFILE), "Saved" if rows else "No quiet hours: low urgency reaches you at once")


@blueprint.get("/reachability")
@access("audit.read")
def reachability() -> Response:
    """Who can't be reached and why."""
    return page("notifications/reachability.html", readiness.readiness_page(actor(), request.args))


@blueprint.get("/reachability.csv")
@access("audit.read")
def reachability_csv() -> Response:
    """The same as a table to download."""
    lines = io.StringIO()
    table = csv.writer(lines)
    table.writerow(("person", "e-mail", "teams", "on duty", "methods", "problems"))
    for one in readiness.people(actor()):
        methods = ", ".join(f"{method.name} ({method.state})" for method in one.methods)
        table.writerow(map(inert, (one.name, one.email, ", ".join(one.teams), "yes" if one.on_duty else "no", methods,
                                   "; ".join(one.problems))))
    return Response(lines.getvalue(), mimetype="text/csv", headers={
        "Content-Disposition": 'attachment; filename="reachability.csv"'})
