"""Pages of templates, of a team's habits, and of the figures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from app.core.access import Actor, access
from app.core.errors import Forbidden, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity.models import Team
from app.identity.queries import may
from app.postmortems import forms, pattern_pages, patterns
from app.postmortems.models import PostmortemTemplate

blueprint = Blueprint("postmortem_patterns", __name__)
FORM = "postmortems/template.html"


@blueprint.get("/postmortems/-/metrics")
@access("postmortem.read")
def metrics() -> Response:
    """The figures."""
    return page("postmortems/metrics.html", pattern_pages.metrics_page(actor(), request.args))


@blueprint.get("/postmortems/-/templates")
@access("postmortem.read")
def index() -> Response:
    """All templates."""
    return page("postmortems/templates.html", pattern_pages.templates_page(actor()))


@blueprint.get("/postmortems/-/templates/-/new")
@access("postmortem.manage")
def new() -> Response:
    """The form of a new one."""
    return page(FORM, pattern_pages.template_page(None, actor()))


@blueprint.post("/postmortems/-/templates/-/new")
@access("postmortem.manage")
def create() -> Response:
    """Add one."""
    by = actor()
    team = _team(request.form.get("team", ""), by)
    if team is None and pattern_pages.managed(by) and not may(by, "postmortem.manage"):
        return _refused(None, {"team": "Choose a team; everybody’s templates are the administrators’"}, by)
    return _saved(None, team, by)


@blueprint.get("/postmortems/-/templates/<template>")
@access("postmortem.manage")
def edit(template: str) -> Response:
    """The form of one."""
    by = actor()
    return page(FORM, pattern_pages.template_page(patterns.template_for(template, by, "postmortem.manage"), by))


@blueprint.post("/postmortems/-/templates/<template>")
@access("postmortem.manage")
def change(template: str) -> Response:
    """Change it; what was begun with it stays."""
    by = actor()
    return _saved(patterns.template_for(template, by, "postmortem.manage"), None, by)


@blueprint.post("/postmortems/-/templates/<template>/delete")
@access("postmortem.manage")
def delete(template: str) -> Response:
    """It goes."""
    by = actor()
    found = patterns.template_for(template, by, "postmortem.manage")
    patterns.remove_template(found, by=by)
    return go(url_for(".index"), f"{found.name} is deleted")


@blueprint.get("/teams/<key>/postmortem-settings")
@access("postmortem.manage")
def habits(key: str) -> Response:
    """How a team writes."""
    return page("postmortems/habits.html", pattern_pages.habits_page(key, actor()))


@blueprint.post("/teams/<key>/postmortem-settings")
@access("postmortem.manage")
def save_habits(key: str) -> Response:
    """Set it."""
    by = actor()
    team = pattern_pages.team_for(key, by, "postmortem.manage")
    try:
        patterns.save_habits(team, {name: request.form.get(name, "") for name in ("automatic", "review", "template")}, by=by)
    except Invalid as invalid:
        shown = pattern_pages.habits_page(key, by, faults=forms.faults_of(invalid))
        return page("postmortems/habits.html", shown, status=422)
    return go(url_for(".index"), f"Set for {team.name}")


def _team(key: str, by: Actor) -> Team | None:
    managed = {one.key: one for one in pattern_pages.managed(by)}
    if key and key not in managed:
        raise Forbidden("Your role does not include this.")
    return managed[key] if key else None


def _typed() -> dict[str, Any]:
    """The sections of the form, in order."""
    return {"name": request.form.get("name", ""), "team": request.form.get("team", ""), "sections": [
        {"heading": request.form.get(f"heading-{at}", ""), "guide": request.form.get(f"guide-{at}", ""),
         "body": request.form.get(f"body-{at}", "")} for at in forms.positions(request.form)]}


def _saved(found: PostmortemTemplate | None, team: Team | None, by: Actor) -> Response:
    try:
        saved = patterns.save_template(found, _typed(), team, by=by)
    except Invalid as invalid:
        return _refused(found, forms.faults_of(invalid), by)
    return go(url_for(".index"), f"{saved.name} is saved")


def _refused(found: PostmortemTemplate | None, faults: dict[str, str], by: Actor) -> Response:
    values = _typed()
    kept = values | {"sections": [one for one in values["sections"] if any(one.values())]}
    return page(FORM, pattern_pages.template_page(found, by, typed=kept, faults=faults), status=422)
