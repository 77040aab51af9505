"""Pages of many incidents at once, and of saved views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.access import Actor, access, own_transaction
from app.core.db import session
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.models import User
from app.identity.queries import team_by_key
from app.identity.rules import own_path
from app.incidents import bulk, detail, forms, merging, service, views
from app.incidents.models import Incident
from app.incidents.queries import visible

blueprint = Blueprint("incident_bulk", __name__)
FORM = "incidents/bulk.html"
TITLES = {"resolve": "Resolve", "snooze": "Snooze", "assign": "Reassign", "merge": "Merge"}


@dataclass(frozen=True)
class BulkForm:
    """What is asked before many are changed: which, and what else has to be said."""

    what: str
    title: str
    incidents: list[Incident]
    zone: str
    back: str
    people: list[User] = field(default_factory=list)
    snoozes: list[tuple[str, str]] = field(default_factory=lambda: forms.SNOOZES)
    typed: Any = None
    faults: Any = None


@blueprint.post("/incidents/bulk")
@access("incident.act")
@own_transaction
def many() -> Response:
    """Do it to all that are ticked; what needs a word or a second look is asked first."""
    by, what = actor(), request.form.get("what", "")
    back = own_path(request.form.get("back"))
    back = back if back.startswith("/incidents") else "/incidents"
    try:
        ids = bulk.numbers(request.form.getlist("id"))
    except Invalid as nothing:
        return go(back, nothing.problems[0].message, tone="caution")
    if what not in bulk.WORDS:
        return go(back, "Choose what to do", tone="caution")
    if what != "acknowledge" and "sure" not in request.form:
        return page(FORM, _form(what, ids, back))
    try:
        move = bulk.run(what, ids, _command(what, by), by=by)
    except Invalid as invalid:
        return page(FORM, _form(what, ids, back, invalid), status=422)
    return go(f"{back}{'&' if '?' in back else '?'}done={move.id}")


@blueprint.post("/incidents/undo")
@access("incident.act")
@own_transaction
def undo() -> Response:
    """Take back what one press did."""
    back = own_path(request.form.get("back"))
    back = back if back.startswith("/incidents") else "/incidents"
    try:
        done, changed = bulk.undo(request.form.get("move", ""), by=actor())
    except Conflict as late:
        return go(back, late.detail, tone="caution")
    told = f"Taken back: {len(done)}"
    return go(back, f"{told}; changed since and left alone: {', '.join(f'#{one}' for one in changed)}" if changed else told)


def _command(what: str, by: Actor) -> Callable[[Incident, Actor], Any]:
    """The command with what the form says, read once for all."""
    form = request.form
    if what == "snooze":
        until = forms.until_typed(form, by)
        return lambda one, who: service.snooze(one, until, by=who)
    if what == "assign":
        people = [person.id for person in forms.named(form)]
        return lambda one, who: service.assign(one, [session.get_one(User, key) for key in people], by=who)
    if what == "merge":
        into = forms.target(form, by).id
        return lambda one, who: merging.merge(one, session.get_one(Incident, into), by=who)
    note = form.get("note", "")
    if what == "resolve":
        return lambda one, who: service.resolve(one, by=who, note=note)
    return lambda one, who: service.acknowledge(one, by=who)


def _form(what: str, ids: list[int], back: str, invalid: Invalid | None = None) -> BulkForm:
    by = actor()
    found = session.scalars(visible(select(Incident).where(Incident.id.in_(ids)), by).options(
        selectinload(Incident.service)).order_by(Incident.id.desc()))
    return BulkForm(what=what, title=TITLES[what], incidents=list(found), zone=detail.zone_of(by), back=back,
                    typed=request.form, faults=forms.faults_of(invalid))


@blueprint.post("/incidents/views")
@access("incident.read")
def save_view() -> Response:
    """Keep the filters of the list under a name."""
    by, query = actor(), request.form.get("query", "")
    key = request.form.get("team", "")
    try:
        view = views.save_view(request.form.get("name", ""), query, team_by_key(key) if key else None, by=by)
    except Invalid as invalid:
        return go(f"/incidents?{query}" if query else "/incidents", invalid.problems[0].message, tone="caution")
    return go(views.address(view), f"View {view.name} saved")


@blueprint.post("/incidents/views/remove")
@access("incident.read")
def remove_view() -> Response:
    """Forget a view."""
    by = actor()
    view = views.view_for(request.form.get("view", ""), by)
    views.remove_view(view, by=by)
    return go("/incidents", f"View {view.name} removed")
