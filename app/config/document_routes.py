"""The pages of configuration as code: what was applied, what changed since, and a plan before the next apply."""

from __future__ import annotations

import yaml
from flask import Blueprint, Response, request, url_for

from app.config import errands, pages, plans, service
from app.core import clock
from app.core.access import access, own_transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor, takes
from app.identity.queries import may_anywhere

blueprint = Blueprint("configuration", __name__)
MOST = 12 * 1024 * 1024


@blueprint.get("/configuration")
@access("configuration.apply")
def index() -> Response:
    """What was applied, and what is otherwise by now."""
    if not may_anywhere(actor(), "configuration.apply"):
        raise Forbidden("Your role does not include this.")
    return page("config/configuration.html", pages.configuration_page(actor()))


@blueprint.get("/configuration/export")
@access("configuration.apply")
def export() -> Response:
    """The whole configuration as a file; for a manager what is the own teams'."""
    by = actor()
    if not may_anywhere(by, "configuration.apply"):
        raise Forbidden("Your role does not include this.")
    text = yaml.safe_dump(service.export(by), sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    name = f"oncall-{clock.now():%Y-%m-%d}.yaml"
    return Response(text, mimetype="application/yaml", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@blueprint.post("/configuration/plan")
@access("configuration.apply")
@own_transaction
@takes(MOST)
def look() -> Response:
    """What the document that was brought would do."""
    by = actor()
    try:
        plan = plans.looked_at(_brought(), prune="prune" in request.form, by=by)
    except Invalid as refusal:
        shown = pages.configuration_page(by, typed=request.form, invalid=refusal)
        return page("config/configuration.html", shown, status=422)
    return go(url_for(".show", key=plan.key))


@blueprint.get("/configuration/plans/<key>")
@access("configuration.apply")
def show(key: str) -> Response:
    """What a document would do, change by change."""
    return page("config/plan.html", pages.plan_page(errands.errand_for(key, "plan", actor())))


@blueprint.post("/configuration/plans/<key>/apply")
@access("configuration.apply")
@own_transaction
def apply(key: str) -> Response:
    """Do what was looked at."""
    by = actor()
    plan = errands.errand_for(key, "plan", by)
    try:
        done = plans.carried_out(plan, yes="yes" in request.form, by=by)
    except (Conflict, Invalid) as refusal:
        invalid = refusal if isinstance(refusal, Invalid) else None
        shown = pages.plan_page(plan, invalid=invalid, refused="" if invalid else refusal.detail)
        return page("config/plan.html", shown, status=refusal.status)
    count = len(done.changes)
    return go(url_for(".index"), f"Applied: {count} change{'' if count == 1 else 's'}")


def _brought() -> list[plans.Source]:
    """The files, or what was typed, by name."""
    files = [(one.filename or "document.yaml", one.stream.read()) for one in request.files.getlist("files") if one.filename]
    text = request.form.get("text", "").strip()
    if not files and not text:
        raise Invalid("Choose a file, or paste a document.")
    return files + ([("pasted.yaml", text.encode())] if text else [])
