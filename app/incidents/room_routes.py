"""Pages of the room: roles, tasks, updates, notes changed, answers, following, the whole on paper, and the palette."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, nav, page
from app.core.web import actor
from app.identity.models import User
from app.incidents import detail, forms, markdown, merging, notes, palette, queries, room
from app.incidents.models import Incident, Note
from app.incidents.routes import DETAIL, acted, permitted

blueprint = Blueprint("incident_room", __name__)
FORM, PRINT, SEARCH = (f"incidents/{name}.html" for name in ("action", "print", "search"))
ROLES = "<any(commander, communications, scribe):role>"


@blueprint.get(f"/incidents/<id>/roles/{ROLES}")
@access("incident.act")
def ask_role(id: str, role: str) -> Response:
    """Whom to hand a role to."""
    incident, by = permitted(id)
    return page(FORM, forms.action("role", incident, by, role=role))


@blueprint.post(f"/incidents/<id>/roles/{ROLES}")
@access("incident.act")
def give_role(id: str, role: str) -> Response:
    """Claim it (`me`), hand it over (an address), or give it up (nothing)."""
    incident, by = permitted(id)
    try:
        return acted(id, lambda one, who: room.take_role(one, role, _person("person"), by=who),
                     f"{role.capitalize()} changed")
    except Invalid as invalid:
        shown = forms.action("role", incident, by, typed=request.form, invalid=invalid, role=role)
        return page(FORM, shown, status=422)


@blueprint.post("/incidents/<id>/tasks")
@access("incident.act")
def add_task(id: str) -> Response:
    """Something to do."""
    permitted(id)
    title = request.form.get("title", "")
    try:
        return acted(id, lambda one, by: room.add_task(one, title, _person("owner"), by=by), "Task added")
    except Invalid as invalid:
        return _again(id, invalid, task=title)


@blueprint.post("/incidents/<id>/tasks/<task>")
@access("incident.act")
def change_task(id: str, task: str) -> Response:
    """Tick it off, or open it again."""
    done = request.form.get("done") == "1"
    return acted(id, lambda one, by: room.change_task(one, queries.number_of(task), by=by, done=done,
                                                      owner=_person("owner")), "Task finished" if done else "Task changed")


@blueprint.post("/incidents/<id>/updates/clock")
@access("incident.act")
def time_updates(id: str) -> Response:
    """How often those who wait shall hear something."""
    minutes = queries.number_of(request.form.get("minutes", "")) or None
    return acted(id, lambda one, by: room.time_updates(one, minutes, by=by), "Reminder set" if minutes else "No reminder")


@blueprint.post("/incidents/<id>/answer")
@access("incident.act")
def answer(id: str) -> Response:
    """Accept or decline to help."""
    says = request.form.get("answer", "")
    return acted(id, lambda one, by: room.answer(one, says, by=by), f"You {says}")


@blueprint.post("/incidents/<id>/follow")
@access("incident.read")
def follow(id: str) -> Response:
    """Be told of updates, or no more."""
    by, follows = actor(), request.form.get("follows") == "1"
    room.follow(queries.incident_for(id, by), follows, by=by)
    return go(url_for("incidents.show", id=id), "You follow it now" if follows else "You don't follow it any more")


@blueprint.post("/incidents/<id>/wake")
@access("incident.act")
def wake(id: str) -> Response:
    """End its snooze."""
    return acted(id, lambda one, by: room.wake(one, by=by), "Triggered again")


@blueprint.post("/incidents/<id>/unmerge")
@access("incident.act")
def unmerge(id: str) -> Response:
    """Give both back."""
    return acted(id, lambda one, by: merging.unmerge(one, by=by), "Taken out again")


@blueprint.post("/incidents/<id>/notes")
@access("incident.act")
def add_note(id: str) -> Response:
    """Write a note or tell those who wait; look at it first; or see what is wrong with it."""
    permitted(id)
    body, to = request.form.get("body", ""), request.form.get("to", "note")
    if "preview" in request.form:
        return page(DETAIL, detail.incident_page(id, actor(), request.args, typed=body, to=to, preview=markdown.html(body)))
    try:
        if to == "stakeholders":
            return acted(id, lambda one, by: room.post_update(one, body, by=by), "Told those who wait")
        return acted(id, lambda one, by: notes.add_note(one, body, by=by), "Note added")
    except Invalid as invalid:
        return _again(id, invalid, typed=body, to=to)


@blueprint.get("/incidents/<id>/notes/<note>")
@access("incident.act")
def ask_note(id: str, note: str) -> Response:
    """The form of a note that is changed."""
    incident, by = permitted(id)
    return page(FORM, forms.action("note", incident, by, note=_note(incident, note)))


@blueprint.post("/incidents/<id>/notes/<note>")
@access("incident.act")
def change_note(id: str, note: str) -> Response:
    """Change it, or take it away."""
    incident, by = permitted(id)
    found, body = _note(incident, note), request.form.get("body", "")
    try:
        if "delete" in request.form:
            return acted(id, lambda one, who: notes.delete_note(one, found.id, by=who), "Note deleted")
        return acted(id, lambda one, who: notes.edit_note(one, found.id, body, by=who), "Note changed")
    except Invalid as invalid:
        return page(FORM, forms.action("note", incident, by, typed=request.form, invalid=invalid, note=found), status=422)


@blueprint.get("/incidents/<id>/print")
@access("incident.read")
def on_paper(id: str) -> Response:
    """All of it, oldest first, for paper."""
    return page(PRINT, detail.whole(id, actor()))


@blueprint.get("/search")
@access("incident.read")
def search() -> Response:
    """Whatever fits the words: what the command palette shows, and a page without script."""
    places = [(link.label, link.url, link.icon) for link in nav()]
    return page(SEARCH, palette.find(request.args.get("q", ""), actor(), places))


def _person(name: str) -> User | None:
    """The person of a form's field: `me`, an address, or nobody. Raises Invalid."""
    text = request.form.get(name, "").strip()
    return forms.person(text, name, actor()) if text else None


def _note(incident: Incident, key: str) -> Note:
    return notes.own_note(incident, queries.number_of(key), by=actor())


def _again(id: str, invalid: Invalid, **typed: str) -> Response:
    shown = detail.incident_page(id, actor(), request.args, faults=forms.faults_of(invalid), **typed)
    return page(DETAIL, shown, status=422)
