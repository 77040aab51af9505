"""Writing a postmortem: the editor, what is not saved yet, the rows of the timeline, former versions."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request, url_for

from app.core.access import Actor, access, own_transaction
from app.core.db import transaction
from app.core.errors import Invalid
from app.core.forms import refuse
from app.core.pages import go, page
from app.core.web import large
from app.postmortems import edit_pages, editing, forms, pages, queries, rules, service
from app.postmortems.models import Postmortem
from app.postmortems.routes import acted, permitted

blueprint = Blueprint("postmortem_edit", __name__)
EDITOR, MERGE, PICKER = (f"postmortems/{name}.html" for name in ("edit", "merge", "timeline"))
BUTTONS = ("preview", "add", "remove")


@blueprint.get("/postmortems/<id>/edit")
@access("postmortem.write")
def edit(id: str) -> Response:
    """The editor."""
    found, by = permitted(id, "postmortem.write")
    return page(EDITOR, edit_pages.editor(found, by))


@blueprint.post("/postmortems/<id>/edit")
@access("postmortem.write")
@own_transaction
@large
def save(id: str) -> Response:
    """Save it, look at a section first, or see how somebody else's change goes with it."""
    try:
        with transaction():
            found, by = permitted(id, "postmortem.write")
            base, text = _typed(found, by)
            if any(name in request.form for name in BUTTONS):
                return _looked(found, by, base, text)
            saved = service.save(found, base, text, by=by)
            merged = saved.version > base + 1
    except service.Stale as stale:
        return _clash(id, stale)
    except Invalid as invalid:
        return _refused(id, invalid)
    return go(url_for("postmortems.show", id=id), "Saved, with what others saved meanwhile" if merged else "Saved")


def _typed(found: Postmortem, by: Actor) -> tuple[int, rules.Content]:
    """The version that the text began with, and the text."""
    number = queries.number_of(request.form.get("version", ""))
    if not 0 < number <= found.version:
        refuse("version", "The page does not say which version it began with. Load it again.")
    return number, forms.text_of(request.form, queries.content_of(found, number), by)


def _looked(found: Postmortem, by: Actor, base: int, text: rules.Content) -> Response:
    """The editor once more, with a preview, one section more or one less; what was typed is kept."""
    at, sections = queries.number_of(request.form.get("preview", "")), list(text.sections)
    if "add" in request.form:
        sections.append(rules.Section(f"Section {len(sections) + 1}"))
    if (gone := request.form.get("remove", "")).isdecimal() and int(gone) < len(sections):
        del sections[int(gone)]
    kept = replace(text, sections=tuple(sections))
    editing.keep_unsaved(found, base, kept, by=by)
    shown = edit_pages.editor(found, by, content=kept, base=base)
    return page(EDITOR, edit_pages.with_preview(shown, at) if "preview" in request.form else shown)


def _clash(id: str, stale: service.Stale) -> Response:
    """Both texts side by side; one's own is kept whatever becomes of the page."""
    with transaction():
        found, by = permitted(id, "postmortem.write")
        base, text = _typed(found, by)
        editing.keep_unsaved(found, base, text, by=by)
        shown = page(MERGE, edit_pages.merge_page(found, stale, by), status=409)
    return shown


def _refused(id: str, invalid: Invalid) -> Response:
    found, by = permitted(id, "postmortem.write")
    base = queries.number_of(request.form.get("version", ""))
    present = queries.content_of(found, base if 0 < base <= found.version else None)
    moments = {name: _moment(name, getattr(present, name), by) for name in rules.MOMENTS}
    text = forms.text_of({**request.form.to_dict(), **moments}, present, by)
    return page(EDITOR, edit_pages.editor(found, by, content=text, base=base, faults=forms.faults_of(invalid)), status=422)


def _moment(name: str, present: str, by: Actor) -> str:
    """A field as it was typed, or as it was before where that is no time."""
    typed = request.form.get(name, "")
    try:
        forms.moment(typed, name, by)
    except Invalid:
        return forms.local(present, by)
    return typed


@blueprint.post("/postmortems/<id>/unsaved")
@access("postmortem.write")
@large
def keep_unsaved(id: str) -> Response:
    """What the editor sends while somebody writes: kept apart, as theirs."""
    found, by = permitted(id, "postmortem.write")
    editing.keep_unsaved(found, *_typed(found, by), by=by, late=False)
    return Response(status=204)


@blueprint.post("/postmortems/<id>/unsaved/drop")
@access("postmortem.write")
def drop_unsaved(id: str) -> Response:
    """Begin with the saved text again."""
    found, by = permitted(id, "postmortem.write")
    editing.drop_unsaved(found, by=by)
    return go(url_for(".edit", id=id), "Your unsaved text is gone")


@blueprint.post("/postmortems/<id>/preview")
@access("postmortem.write")
@large
def preview(id: str) -> Response:
    """One section as readers will see it."""
    permitted(id, "postmortem.write")
    return Response(pages.shown(request.form.get("body", "")[:rules.WORDS]), mimetype="text/html")


@blueprint.get("/postmortems/<id>/timeline")
@access("postmortem.write")
def timeline(id: str) -> Response:
    """Which rows readers see."""
    found, by = permitted(id, "postmortem.write")
    return page(PICKER, edit_pages.picker(found, by))


@blueprint.post("/postmortems/<id>/timeline")
@access("postmortem.write")
@large
def choose_rows(id: str) -> Response:
    """Show these, hide the others that stood on the page."""
    shown = {queries.number_of(text) for text in request.form.getlist("row")}
    seen = {queries.number_of(text) for text in request.form.get("seen", "").split()}
    return acted(id, "postmortem.write", lambda one, by: editing.choose_rows(one, shown, seen=seen, by=by),
                 "The timeline is chosen")


@blueprint.post("/postmortems/<id>/rows")
@access("postmortem.write")
def add_row(id: str) -> Response:
    """A row of one's own."""
    found, by = permitted(id, "postmortem.write")
    try:
        at = forms.instant(request.form.get("at", ""), "at", by)
        editing.add_row(found, at, request.form.get("text", ""), by=by)
    except Invalid as invalid:
        shown = edit_pages.picker(found, by, typed=request.form, faults=forms.faults_of(invalid))
        return page(PICKER, shown, status=422)
    return go(url_for(".timeline", id=id), "The row is added")


@blueprint.post("/postmortems/<id>/rows/<row>/remove")
@access("postmortem.write")
def remove_row(id: str, row: str) -> Response:
    """It goes."""
    found, by = permitted(id, "postmortem.write")
    editing.remove_row(found, queries.number_of(row), by=by)
    return go(url_for(".timeline", id=id), "The row is removed")


@blueprint.get("/postmortems/<id>/versions")
@access("postmortem.read")
def versions(id: str) -> Response:
    """All versions, and what two of them differ in."""
    found, by = permitted(id, "postmortem.read")
    return page("postmortems/versions.html", edit_pages.versions_page(found, by, request.args))


@blueprint.get("/postmortems/<id>/versions/<number>")
@access("postmortem.read")
def version(id: str, number: str) -> Response:
    """One version as it was."""
    found, by = permitted(id, "postmortem.read")
    return page("postmortems/version.html", edit_pages.version_page(found, queries.number_of(number), by))


@blueprint.post("/postmortems/<id>/versions/<number>/restore")
@access("postmortem.write")
def restore(id: str, number: str) -> Response:
    """The newest version says the same as this one from now on."""
    return acted(id, "postmortem.write", lambda one, by: editing.restore(
        one, queries.number_of(number), by=by), f"Version {number} is restored")
