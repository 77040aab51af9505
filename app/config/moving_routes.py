"""The pages of moving in: choose a source, see what it came to, say who is who, and go on to the plan."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.config import errands, imports, moving_pages, plans
from app.config.models import Errand
from app.core.access import access, own_transaction
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor, takes
from app.identity.queries import allow

blueprint = Blueprint("moving", __name__)
MOST = 32 * 1024 * 1024


@blueprint.get("/configuration/import")
@access("admin")
def index() -> Response:
    """Where to import from."""
    allow(actor(), "admin")
    return page("config/imports.html", moving_pages.imports_page(actor()))


@blueprint.post("/configuration/import")
@access("admin")
@own_transaction
@takes(MOST)
def begin() -> Response:
    """Read what was brought, or begin to ask the product."""
    by, form = actor(), request.form
    allow(by, "admin")
    files = [(one.filename or "export.json", one.stream.read()) for one in request.files.getlist("files") if one.filename]
    try:
        if files:
            errand = imports.uploaded(form.get("source", ""), files, by=by)
        else:
            errand = imports.connected(form.get("source", ""), form.get("url", ""), form.get("token", ""), by=by)
    except Invalid as refusal:
        return page("config/imports.html", moving_pages.imports_page(by, typed=form, refused=refusal.detail), status=422)
    return go(url_for(".import_", key=errand.key))


@blueprint.get("/configuration/import/<key>")
@access("admin")
def import_(key: str) -> Response:
    """How far it is, or what it came to."""
    return page("config/import.html", moving_pages.import_page(errands.errand_for(key, "import", actor()), request.args))


@blueprint.get("/configuration/import/<key>/document.yaml")
@access("admin")
def document(key: str) -> Response:
    """The document as a file."""
    errand = errands.errand_for(key, "import", actor())
    return Response(_text(errand), mimetype="application/yaml", headers={
        "Content-Disposition": f'attachment; filename="{errand.said["source"]}.yaml"'})


@blueprint.post("/configuration/import/<key>/map")
@access("admin")
@own_transaction
def name(key: str) -> Response:
    """Say who their people and which their teams are here; everything is converted anew."""
    errand = errands.errand_for(key, "import", actor())
    _text(errand)
    said: dict[str, dict[str, str]] = {"people": {}, "teams": {}}
    for field, value in request.form.items():
        part, _, theirs = field.partition(".")
        if part in said and theirs and value.strip():
            said[part][theirs] = value.strip()
    try:
        imports.mapped(errand, said)
    except Invalid as refusal:
        shown = moving_pages.import_page(errands.errand_for(key, "import", actor()), {}, invalid=refusal)
        return page("config/import.html", shown, status=422)
    return go(url_for(".import_", key=key), "Converted anew")


@blueprint.post("/configuration/import/<key>/plan")
@access("admin")
@own_transaction
def plan(key: str) -> Response:
    """On to what applying the document would do."""
    by = actor()
    errand = errands.errand_for(key, "import", by)
    try:
        made = plans.looked_at([(f"{errand.said['source']}.yaml", _text(errand).encode())], prune=False, by=by)
    except Invalid as refusal:
        return page("config/import.html", moving_pages.import_page(errand, {}, invalid=Invalid(refusal.detail)), status=422)
    return go(url_for("configuration.show", key=made.key))


def _text(errand: Errand) -> str:
    """The document. Raises Conflict while there is none."""
    if errand.state != "done":
        raise Conflict("There is no document yet.")
    found: str = errands.secret_of(errand)["document"]
    return found
