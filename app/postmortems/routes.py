"""Pages of postmortems: the list, a new one, one document and what people do with it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request, url_for

from app.core.access import Actor, access
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.postmortems import (
    editing,
    forms,
    list_pages,
    new_page,
    pages,
    queries,
    reviewing,
    service,
    sharing,
)
from app.postmortems.models import Postmortem

blueprint = Blueprint("postmortems", __name__)
PAGE, NEW = "postmortems/postmortem.html", "postmortems/new.html"
Command = Callable[[Postmortem, Actor], object]


@blueprint.get("/postmortems")
@access("postmortem.read")
def index() -> Response:
    """All that the reader may read, and what is due."""
    return page("postmortems/index.html", list_pages.index_page(actor(), request.args))


@blueprint.get("/postmortems/-/new")
@access("postmortem.write")
def new() -> Response:
    """Which incidents it is about."""
    forms.may_write_somewhere(actor())
    return page(NEW, new_page.new_page(actor(), request.args))


@blueprint.post("/postmortems/-/new")
@access("postmortem.write")
def create() -> Response:
    """Begin it; where there is one already, that one is shown."""
    by = actor()
    forms.may_write_somewhere(by)
    try:
        made = new_page.begun(request.form, by)
    except Invalid as invalid:
        return page(NEW, new_page.new_page(by, request.form, faults=forms.faults_of(invalid)), status=422)
    except Conflict as conflict:
        number = str(conflict.state.get("postmortem", ""))
        return page(NEW, new_page.new_page(by, request.form, taken=number, refusal=conflict.detail), status=409)
    return go(url_for("postmortem_edit.edit", id=made.id), "The draft is filled in from the log")


@blueprint.get("/postmortems/<id>")
@access("postmortem.read")
def show(id: str) -> Response:
    """One document."""
    return page(PAGE, pages.postmortem_page(id, actor()))


@blueprint.get("/incidents/<id>/postmortem")
@access("incident.read")
def of_incident(id: str) -> Response:
    """The postmortem of an incident, or the form that begins one."""
    found = new_page.of_incident(id, actor())
    return redirect(url_for(".show", id=found.id) if found else url_for(".new", incident=id))


@blueprint.post("/postmortems/<id>/submit")
@access("postmortem.write")
def submit(id: str) -> Response:
    """Ask for a review."""
    return acted(id, "postmortem.write", lambda one, by: reviewing.submit(
        one, forms.reviewers(request.form.getlist("reviewer"), one, by), by=by), "Asked for a review")


@blueprint.post("/postmortems/<id>/withdraw")
@access("postmortem.write")
def withdraw(id: str) -> Response:
    """Back to draft."""
    return acted(id, "postmortem.write", lambda one, by: reviewing.withdraw(one, by=by), "It is a draft again")


@blueprint.post("/postmortems/<id>/changes")
@access("postmortem.review")
def ask_changes(id: str) -> Response:
    """A reviewer sends it back."""
    return acted(id, "postmortem.review", lambda one, by: reviewing.ask_changes(
        one, request.form.get("body", ""), by=by), "Sent back with your comment")


@blueprint.post("/postmortems/<id>/approve")
@access("postmortem.review")
def approve(id: str) -> Response:
    """This very version is good."""
    number = queries.number_of(request.form.get("version", "")) or None
    return acted(id, "postmortem.review", lambda one, by: reviewing.approve(one, by=by, version=number), "Approved")


@blueprint.post("/postmortems/<id>/publish")
@access("postmortem.write")
def publish(id: str) -> Response:
    """Freeze it for all readers."""
    return acted(id, "postmortem.write", lambda one, by: reviewing.publish_version(
        one, by=by, reason=request.form.get("reason", "")), "Published")


@blueprint.post("/postmortems/<id>/owner")
@access("postmortem.write")
def name_owner(id: str) -> Response:
    """Who sees to it."""
    return acted(id, "postmortem.write", lambda one, by: editing.name_owner(
        one, forms.one_person(request.form.get("owner", ""), "owner"), by=by), "Owner named")


@blueprint.post("/postmortems/<id>/incidents")
@access("postmortem.write")
def add_incident(id: str) -> Response:
    """One more incident."""
    def command(one: Postmortem, by: Actor) -> None:
        for incident in forms.incidents([request.form.get("number", "")], by, "number"):
            editing.add_incident(one, incident, by=by)
    return acted(id, "postmortem.write", command, "Incident added")


@blueprint.post("/postmortems/<id>/incidents/<number>/remove")
@access("postmortem.write")
def remove_incident(id: str, number: str) -> Response:
    """One incident less, and its rows."""
    return acted(id, "postmortem.write", lambda one, by: editing.remove_incident(
        one, queries.number_of(number), by=by), f"#{number} and its rows are out")


@blueprint.post("/postmortems/<id>/comments")
@access("postmortem.review")
def comment(id: str) -> Response:
    """Say something beside the text."""
    return acted(id, "postmortem.review", lambda one, by: editing.add_comment(
        one, request.form.get("body", ""), by=by), "Comment added")


@blueprint.post("/postmortems/<id>/comments/<comment>/remove")
@access("postmortem.review")
def remove_comment(id: str, comment: str) -> Response:
    """Take it away."""
    return acted(id, "postmortem.review", lambda one, by: editing.remove_comment(
        one, queries.number_of(comment), by=by), "Comment removed")


@blueprint.post("/postmortems/<id>/delete")
@access("postmortem.manage")
def delete(id: str) -> Response:
    """A draft goes, with its action items."""
    found, by = permitted(id, "postmortem.manage")
    try:
        service.delete_draft(found, by=by)
    except Conflict as conflict:
        return page(PAGE, pages.postmortem_page(id, by, refusal=conflict.detail), status=409)
    return go(url_for(".index"), "The draft is deleted")


@blueprint.post("/postmortems/<id>/links")
@access("postmortem.write")
def make_link(id: str) -> Response:
    """A share link; its address is shown only now."""
    found, by = permitted(id, "postmortem.write")
    try:
        days = request.form.get("days", "14")
        _, token = sharing.make_link(found, queries.number_of(days), by=by)
    except (Invalid, Conflict) as refusal:
        return _refused(id, by, refusal)
    return page(PAGE, pages.postmortem_page(id, by, fresh_link=sharing.address(token)))


@blueprint.post("/postmortems/<id>/links/<link>/revoke")
@access("postmortem.write")
def revoke_link(id: str, link: str) -> Response:
    """It opens nothing any more."""
    return acted(id, "postmortem.write", lambda one, by: sharing.revoke_link(
        one, queries.number_of(link), by=by), "The link is revoked")


def permitted(id: str, action: str) -> tuple[Postmortem, Actor]:
    """The document, if the reader may do this with it: asked before the form is read."""
    by = actor()
    return queries.postmortem_for(id, by, action), by


def acted(id: str, action: str, command: Command, said: str) -> Response:
    """Do it and go on; where it does not fit, the page says why and nothing else happens."""
    found, by = permitted(id, action)
    try:
        command(found, by)
    except (Conflict, Invalid) as refusal:
        return _refused(id, by, refusal)
    return go(url_for("postmortems.show", id=id), said)


def _refused(id: str, by: Actor, refusal: Conflict | Invalid) -> Response:
    faults = forms.faults_of(refusal) if isinstance(refusal, Invalid) else {}
    shown = pages.postmortem_page(id, by, refusal=refusal.detail, faults=faults, typed=request.form)
    return page(PAGE, shown, status=refusal.status)
