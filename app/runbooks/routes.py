"""Pages of the library: list, one runbook, its form, import, export, and approvals."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import may_anywhere
from app.runbooks import forms, library_pages, queries, review_pages, service
from app.runbooks.models import Runbook

blueprint = Blueprint("runbooks", __name__)


@blueprint.get("/runbooks")
@access("runbook.read")
def index() -> Response:
    """The library."""
    return page("runbooks/index.html", library_pages.library(actor(), request.args))


@blueprint.get("/runbooks/-/new")
@access("runbook.edit")
def new() -> Response:
    """First where it acts, then the form."""
    if not queries.target_of(request.args.get("target", "")):
        return page("runbooks/targets.html", forms.target_choice())
    return page("runbooks/form.html", forms.shown(None, forms.target_named(request.args["target"]), actor()))


@blueprint.post("/runbooks/-/new")
@access("runbook.edit")
def create() -> Response:
    """Write a runbook, or show what is wrong."""
    _somewhere()
    return _saved(None)


@blueprint.get("/runbooks/-/import")
@access("runbook.edit")
def import_form() -> Response:
    """Paste a runbook that was exported."""
    return page("runbooks/import.html", {"text": "", "errors": {}})


@blueprint.post("/runbooks/-/import")
@access("runbook.edit")
def take_in() -> Response:
    """Take it in as a draft."""
    _somewhere()
    text = request.form.get("text", "")
    try:
        found = service.add_runbook(forms.imported(text), by=actor())
    except Invalid as refusal:
        errors = {one.field or "text": one.message if one.field == "text" else f"{one.field}: {one.message}"
                  for one in reversed(refusal.problems)}
        return page("runbooks/import.html", {"text": text, "errors": errors}, status=422)
    return go(url_for(".show", key=found.key), f"{found.name} is a draft")


@blueprint.get("/runbooks/-/approvals")
@access("runbook.approve")
def approvals() -> Response:
    """What waits for an approval."""
    return page("runbooks/approvals.html", review_pages.queue(actor()))


@blueprint.post("/runbooks/-/approvals")
@access("runbook.approve")
def set_rule() -> Response:
    """Whether the author may approve."""
    service.set_four_eyes(request.form.get("four_eyes") == "1", by=actor())
    return go(url_for(".approvals"), "The rule of approvals is changed")


@blueprint.get("/runbooks/<key>")
@access("runbook.read")
def show(key: str) -> Response:
    """One runbook."""
    return page("runbooks/runbook.html", library_pages.runbook_page(key, actor(), request.args))


@blueprint.get("/runbooks/<key>/edit")
@access("runbook.edit")
def edit(key: str) -> Response:
    """The form of a runbook."""
    found = _editable(key)
    target = forms.target_named(request.args.get("target") or found.target)
    return page("runbooks/form.html", forms.shown(found, target, actor()))


@blueprint.post("/runbooks/<key>/edit")
@access("runbook.edit")
def change(key: str) -> Response:
    """Change a runbook, or show what is wrong."""
    return _saved(_editable(key))


@blueprint.get("/runbooks/<key>/export")
@access("runbook.read")
def export(key: str) -> Response:
    """The runbook as a document, without secrets."""
    found = queries.runbook_for(key, actor())
    return Response(forms.exported(found), mimetype="application/yaml",
                    headers={"Content-Disposition": f'attachment; filename="{found.key}.yaml"'})


@blueprint.post("/runbooks/<key>/rollback")
@access("runbook.edit")
def roll_back(key: str) -> Response:
    """A new version that is equal to an old one."""
    found = service.roll_back(_editable(key), _number(request.form.get("version", "")), by=actor())
    return go(url_for(".show", key=key), f"{found.name} is as it was; this is version {found.version}")


@blueprint.post("/runbooks/<key>/deprecate")
@access("runbook.edit")
def deprecate(key: str) -> Response:
    """No longer to be run."""
    found = service.deprecate(_editable(key), by=actor())
    return go(url_for(".show", key=key), f"{found.name} is deprecated")


@blueprint.post("/runbooks/<key>/delete")
@access("runbook.edit")
def delete(key: str) -> Response:
    """Delete what never ran."""
    found = _editable(key)
    service.remove_runbook(found, by=actor())
    return go(url_for(".index"), f"{found.name} is deleted")


@blueprint.post("/runbooks/<key>/revive")
@access("runbook.approve")
def revive(key: str) -> Response:
    """A draft again."""
    found = service.revive(queries.runbook_for(key, actor(), "runbook.approve"), by=actor())
    return go(url_for(".show", key=key), f"{found.name} is a draft; it has to be approved")


@blueprint.get("/runbooks/<key>/review")
@access("runbook.approve")
def review(key: str) -> Response:
    """What changed since the last approval, and what would be sent."""
    return page("runbooks/review.html", review_pages.review(key, actor()))


@blueprint.post("/runbooks/<key>/review")
@access("runbook.approve")
def decide(key: str) -> Response:
    """Approve the version that was shown, or send it back with a comment."""
    found = queries.runbook_for(key, actor(), "runbook.approve")
    if request.form.get("do") == "approve":
        service.approve(found, by=actor(), version=_number(request.args.get("version", "")))
        return go(url_for(".approvals"), f"{found.name} is approved and can be run")
    try:
        service.send_back(found, request.form.get("comment", ""), by=actor())
    except Invalid as refusal:
        errors = {problem.field: problem.message for problem in refusal.problems}
        return page("runbooks/review.html", review_pages.review(key, actor(), errors=errors), status=422)
    return go(url_for(".approvals"), f"{found.name} was sent back")


def _number(text: str) -> int:
    """A version as an address or a form says it; 0 is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _somewhere() -> None:
    if not may_anywhere(actor(), "runbook.edit"):
        raise Forbidden("Your role does not include this.")


def _editable(key: str) -> Runbook:
    return queries.runbook_for(key, actor(), "runbook.edit")


def _saved(runbook: Runbook | None) -> Response:
    by = actor()
    target = forms.target_named(request.form.get("target") or (runbook.target if runbook else ""))
    try:
        values = forms.read(request.form, runbook, target, request.form.getlist("services"))
        saved = (service.save_runbook if runbook else service.add_runbook)(values, by=by)
    except Invalid as refusal:
        typed = {**request.form, "services": request.form.getlist("services")}
        return page("runbooks/form.html", forms.shown(runbook, target, by, typed=typed, invalid=refusal), status=422)
    said = "Saved" if saved.state == "approved" else "Saved as a draft; a platform admin has to approve it"
    return go(url_for(".show", key=saved.key), said)
