"""Pages about duty: mine and everybody's, the schedules, one schedule, its forms."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.oncall import archive, forms, pages, queries, schedule_forms, service
from app.oncall.lanes import schedule_page
from app.oncall.models import Schedule

blueprint = Blueprint("oncall", __name__)


@blueprint.get("/on-call")
@access("schedule.read")
def on_call() -> Response:
    """Am I on duty, and who else is."""
    return page("oncall/on_call.html", pages.on_call_page(actor(), request.args))


@blueprint.get("/schedules")
@access("schedule.read")
def index() -> Response:
    """All schedules."""
    return page("oncall/index.html", pages.schedules_page(actor(), request.args))


@blueprint.get("/schedules/<key>")
@access("schedule.read")
def show(key: str) -> Response:
    """One schedule, in the window that the address names."""
    return page("oncall/schedule.html", schedule_page(key, actor(), request.args))


@blueprint.get("/schedules/<key>/overrides/new")
@access("schedule.override_self")
def new_override(key: str) -> Response:
    """The form of an override, filled in with what the address names."""
    schedule = queries.schedule_for(key, actor(), "schedule.override_self")
    return page("oncall/override.html", forms.override_form(schedule, actor(), request.args))


@blueprint.post("/schedules/<key>/overrides/new")
@access("schedule.override_self")
def add_override(key: str) -> Response:
    """Put somebody on duty, or show what is wrong."""
    schedule = queries.schedule_for(key, actor(), "schedule.override_self")
    zone = forms.override_form(schedule, actor(), request.form).zone
    try:
        wish = forms.read_override(forms.typed_override(request.form), schedule, zone=zone)
        service.add_override(schedule, **vars(wish), by=actor())
    except (Invalid, Conflict) as refused:
        form = forms.override_form(schedule, actor(), request.form, forms.problems_of(refused))
        return page("oncall/override.html", form, status=refused.status)
    return go(url_for("oncall.show", key=key), "Saved the override")


@blueprint.post("/schedules/<key>/overrides/<id>/remove")
@access("schedule.override_self")
def remove_override(key: str, id: str) -> Response:
    """Take an override back; one that runs ends now."""
    service.remove_override(queries.override_for(queries.schedule_for(key, actor()), id), by=actor())
    return go(url_for("oncall.show", key=key), "Took the override back")


@blueprint.get("/schedules/-/new")
@access("schedule.edit")
def new() -> Response:
    """The form of a new schedule."""
    return page("oncall/edit.html", schedule_forms.schedule_form(None, actor()))


@blueprint.post("/schedules/-/new")
@access("schedule.edit")
def create() -> Response:
    """Add a schedule, or show what is wrong."""
    return _saved(None)


@blueprint.get("/schedules/<key>/edit")
@access("schedule.edit")
def edit(key: str) -> Response:
    """The form of a schedule with its layers."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    return page("oncall/edit.html", schedule_forms.schedule_form(schedule, actor()))


@blueprint.post("/schedules/<key>/edit")
@access("schedule.edit")
def change(key: str) -> Response:
    """Change a schedule, or show what is wrong."""
    return _saved(queries.schedule_for(key, actor(), "schedule.edit"))


@blueprint.post("/schedules/<key>/remove")
@access("schedule.edit")
def remove(key: str) -> Response:
    """Delete a schedule that nothing uses."""
    schedule = queries.schedule_for(key, actor())
    try:
        service.remove_schedule(schedule, by=actor())
    except Conflict as refused:
        return _still_used(schedule, refused)
    return go(url_for("oncall.index"), f"{schedule.name} is deleted")


@blueprint.post("/schedules/<key>/archive")
@access("schedule.edit")
def put_away(key: str) -> Response:
    """Put a schedule away that nothing uses any more; what has been stays readable."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    try:
        archive.archive_schedule(schedule, by=actor())
    except Conflict as refused:
        return _still_used(schedule, refused)
    return go(url_for("oncall.show", key=key), f"{schedule.name} is archived")


@blueprint.post("/schedules/<key>/restore")
@access("schedule.edit")
def restore(key: str) -> Response:
    """Take an archived schedule back into use."""
    schedule = archive.restore_schedule(queries.schedule_for(key, actor()), by=actor())
    return go(url_for("oncall.show", key=key), f"{schedule.name} is in use again")


def _still_used(schedule: Schedule, refused: Conflict) -> Response:
    form = schedule_forms.schedule_form(schedule, actor(), problem=refused.detail)
    return page("oncall/edit.html", form, status=refused.status)


def _saved(schedule: Schedule | None) -> Response:
    values = schedule_forms.typed_schedule(request.form, schedule)
    try:
        saved = service.save_schedule(values, by=actor(), seen=request.form.get("seen", ""), new=schedule is None,
                                      when=schedule_forms.typed_when(request.form, schedule))
    except (Invalid, Conflict) as refused:
        form = schedule_forms.schedule_form(schedule, actor(), typed=values, problems=forms.problems_of(refused),
                                   problem=refused.detail if isinstance(refused, Conflict) else "")
        return page("oncall/edit.html", form, status=refused.status)
    return go(url_for("oncall.show", key=saved.key), f"Saved {saved.name}")
