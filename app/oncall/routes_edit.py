"""Pages about edits: what one would change, the versions that were, and putting one back."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import Conflict, Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.oncall import edit_pages, forms, quality_pages, queries, schedule_forms, service

blueprint = Blueprint("oncall_edit", __name__)


@blueprint.post("/schedules/<key>/preview")
@access("schedule.edit")
def preview(key: str) -> Response:
    """The form as it was typed, with what saving it would change; nothing is stored."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    values = schedule_forms.typed_schedule(request.form, schedule)
    try:
        when = schedule_forms.typed_when(request.form, schedule)
        found = service.preview_schedule(schedule, values, by=actor(), when=when)
    except Invalid as refused:
        form = schedule_forms.schedule_form(schedule, actor(), typed=values, problems=refused.problems)
        return page("oncall/edit.html", form, status=refused.status)
    difference = edit_pages.difference(schedule, found)
    return page("oncall/edit.html", schedule_forms.schedule_form(schedule, actor(), typed=values, difference=difference))


@blueprint.post("/schedules/-/preview")
@access("schedule.edit")
def preview_new() -> Response:
    """The form of a new schedule with the shifts it would make; nothing is stored."""
    values = schedule_forms.typed_schedule(request.form, None)
    try:
        schedule, found = service.preview_new(values, by=actor())
    except (Invalid, Conflict) as refused:
        form = schedule_forms.schedule_form(None, actor(), typed=values, problems=forms.problems_of(refused))
        return page("oncall/edit.html", form, status=refused.status)
    difference = edit_pages.difference(schedule, found)
    return page("oncall/edit.html", schedule_forms.schedule_form(None, actor(), typed=values, difference=difference))


@blueprint.post("/schedules/<key>/overrides/preview")
@access("schedule.override_self")
def preview_override(key: str) -> Response:
    """The form of an override with what saving it would change; nothing is stored."""
    schedule = queries.schedule_for(key, actor(), "schedule.override_self")
    zone = forms.override_form(schedule, actor(), request.form).zone
    try:
        wish = forms.read_override(forms.typed_override(request.form), schedule, zone=zone)
        found = service.preview_override(schedule, forms.draft_of(wish), by=actor())
    except (Invalid, Conflict) as refused:
        form = forms.override_form(schedule, actor(), request.form, forms.problems_of(refused))
        return page("oncall/override.html", form, status=refused.status)
    difference = edit_pages.difference(schedule, found)
    return page("oncall/override.html", forms.override_form(schedule, actor(), request.form, difference=difference))


@blueprint.get("/schedules/<key>/history")
@access("schedule.read")
def history(key: str) -> Response:
    """Who changed what and when, and every version that was."""
    return page("oncall/history.html", edit_pages.history_page(key, actor()))


@blueprint.get("/schedules/<key>/quality")
@access("schedule.read")
def quality(key: str) -> Response:
    """How fair the schedule is, and what would even it out."""
    return page("oncall/quality.html", quality_pages.quality_page(queries.schedule_for(key, actor()), actor()))


@blueprint.post("/schedules/<key>/versions/<int:number>/put-back")
@access("schedule.edit")
def put_back(key: str, number: int) -> Response:
    """Make an earlier version count again from now on."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    service.put_back(schedule, number, by=actor())
    return go(url_for("oncall_edit.history", key=key), f"Version {number} counts again from now on")
