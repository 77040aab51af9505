"""Schedules for machines: who is on duty, the shifts of a span, and overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select

from app.core import clock
from app.core.access import access
from app.core.db import session
from app.core.errors import NotFound
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.models import User
from app.identity.queries import allow, team_by_key
from app.oncall import editing, forms, queries, rules, schemas, service
from app.oncall.limits import LONGEST_READING
from app.oncall.models import Override, Schedule, ScheduleVersion
from app.oncall.overrides import involved
from app.oncall.preview import Preview, Span

blueprint = Blueprint("oncall_api", __name__)
TEXT, INSTANT = {"type": "string"}, {"type": "string", "format": "date-time"}
MAYBE_INSTANT = {"type": ["string", "null"], "format": "date-time"}
PERSON = component("Person", {"type": "object", "required": ["email", "name"],
                              "properties": {"email": TEXT, "name": TEXT}})
PEOPLE = {"type": "array", "items": PERSON, "description": "Nobody: a gap"}
LAYER = {"type": ["string", "null"], "description": "The deciding layer's name, or `override`; null in a gap"}
ON_DUTY = component("OnDuty", {
    "type": "object", "required": ["at", "people", "until", "layer", "since"],
    "properties": {"at": INSTANT, "people": PEOPLE, "layer": LAYER, "since": MAYBE_INSTANT,
                   "until": {**MAYBE_INSTANT, "description": "null: no change is in sight"}}})
SHIFT = component("Shift", {
    "type": "object", "required": ["start", "end", "people", "layer"],
    "properties": {"start": INSTANT, "end": INSTANT, "people": PEOPLE, "layer": LAYER}})
TEAM = component("TeamOnDuty", {
    "type": "object", "required": ["at", "schedules"], "properties": {"at": INSTANT, "schedules": {
        "type": "array", "items": {"type": "object", "required": ["schedule", "people", "until", "layer", "since"],
                                   "properties": {"schedule": {"type": "object", "required": ["key", "name"],
                                                               "properties": {"key": TEXT, "name": TEXT}},
                                                  "people": PEOPLE, "until": MAYBE_INSTANT, "since": MAYBE_INSTANT,
                                                  "layer": LAYER}}}}})
OVERRIDE = component("Override", {
    "type": "object", "required": ["id", "starts", "ends", "people", "replaces", "reason"],
    "properties": {"id": TEXT, "starts": INSTANT, "ends": INSTANT, "people": {"type": "array", "items": PERSON},
                   "replaces": {"anyOf": [PERSON, {"type": "null"}]}, "reason": TEXT}})
WISH = {"type": "object", "additionalProperties": False, "required": ["ends"], "properties": {
    "starts": {"type": ["string", "null"], "maxLength": 40,
               "description": "RFC 3339, or a local time of the schedule's zone; now when left out"},
    "ends": {"type": "string", "maxLength": 40, "description": "RFC 3339, or a local time of the schedule's zone"},
    "people": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 254}},
    "replaces": {"type": ["string", "null"], "maxLength": 254, "description": "For whom; left out: everybody"},
    "reason": {"type": "string", "maxLength": 200},
    "confirmed": {"type": "boolean", "description": "Yes to an override that leaves nobody on duty"}}}
AT = query("at", "The instant that is asked about; now when left out", form="date-time")
SPAN = (query("from", "The first instant; now when left out", form="date-time"),
        query("to", "Just after the last instant, at most 400 days later; 30 days when left out", form="date-time"))


@blueprint.get("/schedules/<key>/on-duty")
@access("schedule.read")
@operation("Who is on duty at an instant", responses={200: ON_DUTY}, parameters=(AT,))
def on_duty(key: str) -> Any:
    """The people on duty, since when, until when and by which layer."""
    schedule, at = queries.schedule_for(key, actor()), _at()
    shift = queries.on_duty(schedule, at)
    return jsonify({"at": clock.rfc3339(at), **_shown(shift, queries.named(shift.people))})


@blueprint.get("/schedules/<key>/shifts")
@access("schedule.read")
@operation("The shifts of a span, gaps included", responses={200: {"type": "array", "items": SHIFT}}, parameters=SPAN,
           description="Contiguous. The first has its true start, which may lie before `from`; the last ends at `to`.")
def shifts(key: str) -> Any:
    """Who is on duty through a span."""
    schedule = queries.schedule_for(key, actor())
    start = forms.read_instant(request.args["from"], "from") if request.args.get("from") else clock.now()
    end = (forms.read_instant(request.args["to"], "to") if request.args.get("to")
           else start + min(timedelta(days=30), LONGEST_READING))
    start, end = forms.read_span(start, end)
    found = queries.shifts_from_their_start(schedule, start, end)
    people = queries.named(person for shift in found for person in shift.people)
    return jsonify([{"start": clock.rfc3339(shift.start), "end": clock.rfc3339(shift.end),
                     "people": _people(shift.people, people), "layer": shift.layer or None} for shift in found])


@blueprint.get("/teams/<key>/on-duty")
@access("schedule.read")
@operation("Who is on duty in every schedule of a team", responses={200: TEAM}, parameters=(AT,))
def team_on_duty(key: str) -> Any:
    """All schedules of a team, by name."""
    team = team_by_key(key)
    if team is None:
        raise NotFound
    allow(actor(), "schedule.read", team_id=team.id)
    at = _at()
    schedules = list(session.scalars(queries.in_use().where(Schedule.team_id == team.id).order_by(Schedule.name)))
    now = queries.on_duty_now(schedules, at)
    people = queries.named(person for shift in now.values() for person in shift.people)
    return jsonify({"at": clock.rfc3339(at), "schedules": [
        {"schedule": {"key": one.key, "name": one.name}, **_shown(now[one.id], people)} for one in schedules]})


@blueprint.get("/schedules/<key>/overrides")
@access("schedule.read")
@operation("Overrides of a schedule, in order of their start", responses={200: listing(OVERRIDE)}, parameters=PAGING)
def overrides(key: str) -> Any:
    """What stands above the layers, past and to come."""
    schedule = queries.schedule_for(key, actor())
    return paged(select(Override).where(Override.schedule_id == schedule.id), request.args,
                 by=(Override.starts_at, Override.id), show_all=_overrides)


@blueprint.post("/schedules/<key>/overrides")
@access("schedule.override_self")
@operation("Put somebody on duty for a span", request=WISH, responses={201: OVERRIDE, 409: PROBLEM},
           description="409 names the override that it would overlap.")
def add_override(key: str) -> Any:
    """Put people on duty, for one person or for everybody."""
    schedule = queries.schedule_for(key, actor(), "schedule.override_self")
    wish = forms.read_override(sent(request), schedule)
    return jsonify(_overrides([service.add_override(schedule, **vars(wish), by=actor())])[0]), 201


@blueprint.post("/schedules/<key>/overrides/preview")
@access("schedule.override_self")
@operation("What an override would change in 8 weeks", request=WISH, description="Stores nothing.",
           responses={200: component("Preview", schemas.PREVIEW), 409: PROBLEM})
def preview_override(key: str) -> Any:
    """The exact difference of `shifts` with the override and without."""
    schedule = queries.schedule_for(key, actor(), "schedule.override_self")
    wish = forms.read_override(sent(request), schedule)
    return jsonify(_preview(service.preview_override(schedule, forms.draft_of(wish), by=actor())))


@blueprint.delete("/schedules/<key>/overrides/<id>")
@access("schedule.override_self")
@operation("Take an override back; one that runs ends now", responses={204: None, 409: PROBLEM})
def remove_override(key: str, id: str) -> Any:
    """Delete an override to come, or end the one that runs."""
    service.remove_override(queries.override_for(queries.schedule_for(key, actor()), id), by=actor())
    return Response(status=204)


@blueprint.post("/schedules/<key>/preview")
@access("schedule.edit")
@operation("What an edit would change in the next 8 weeks", request=schemas.EDIT,
           responses={200: component("Preview", schemas.PREVIEW)}, description="Stores nothing.")
def preview(key: str) -> Any:
    """The exact difference of `shifts` before and after the edit."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    body = sent(request)
    when = forms.read_when(body.get("from"), schedule)
    return jsonify(_preview(service.preview_schedule(schedule, {**body, "key": key}, by=actor(), when=when)))


@blueprint.post("/schedules/<key>/edit")
@access("schedule.edit")
@operation("Change a schedule from a chosen instant on", request=schemas.EDIT, responses={
    200: component("ScheduleVersion", schemas.VERSION), 409: PROBLEM},
    description="409: somebody else changed it since `seen`; `state` holds `current` and `yours`.")
def edit(key: str) -> Any:
    """What has been stays; answers the version that counts then."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    body = sent(request)
    when = forms.read_when(body.get("from"), schedule)
    values = {**{name: value for name, value in body.items() if name not in ("from", "seen")}, "key": key}
    saved = service.save_schedule(values, by=actor(), seen=body.get("seen", ""), when=when)
    return jsonify(_versions(saved)[0])


@blueprint.get("/schedules/<key>/versions")
@access("schedule.read")
@operation("The versions of a schedule, newest first", responses={
    200: {"type": "array", "items": component("ScheduleVersion", schemas.VERSION)}})
def versions(key: str) -> Any:
    """What each edit made of the schedule, when and by whom."""
    return jsonify(_versions(queries.schedule_for(key, actor())))


@blueprint.post("/schedules/<key>/versions/<int:number>/put-back")
@access("schedule.edit")
@operation("Make an earlier version count again", request=schemas.BACK, body_needed=False, responses={
    200: component("ScheduleVersion", schemas.VERSION)}, description="From now on; the past stays as it was.")
def put_back(key: str, number: int) -> Any:
    """The version that counts then is a new one."""
    schedule = queries.schedule_for(key, actor(), "schedule.edit")
    when = forms.read_when(sent(request).get("from") or "now", schedule)
    return jsonify(_versions(service.put_back(schedule, number, by=actor(), when=when))[0])


def _versions(schedule: Schedule) -> list[dict[str, Any]]:
    kept = list(schedule.versions) or [ScheduleVersion(number=1, made_at=schedule.created_at, made_by="", note="",
                                                       content=editing.content(schedule))]
    people = queries.named(person for one in kept for layer in one.content["layers"] for turn in layer["turns"]
                           for person in turn)
    emails = {key: user.email for key, user in people.items()}
    return [{"number": one.number, "at": clock.rfc3339(one.made_at), "by": one.made_by or "",
             "takes_effect": one.note or "", "name": one.content["name"], "time_zone": one.content["time_zone"],
             "layers": [queries.layer_document(row, emails) for row in editing.kept_layers(one)],
             "mark": queries.mark_of(queries.schedule_document(schedule)) if one is kept[-1] else ""}
            for one in reversed(kept)]


def _preview(found: Preview) -> dict[str, Any]:
    people = {key: user.email for key, user in queries.named(one.person for one in found.shares).items()}
    return {
        "from": clock.rfc3339(found.start), "to": clock.rfc3339(found.end),
        "differences": [{**_span(Span(one.start, one.end)), "before": [people[who] for who in one.before],
                         "after": [people[who] for who in one.after], "layer_before": one.layer_before or None,
                         "layer_after": one.layer_after or None} for one in found.differences],
        "added": [{"person": people[one.person], **_span(span)} for one in found.shares for span in one.added],
        "removed": [{"person": people[one.person], **_span(span)} for one in found.shares for span in one.removed],
        "changed": [{"person": people[one.person], "before": _span(was), "after": _span(will)}
                    for one in found.shares for was, will in one.changed],
        "gaps": {"made": list(map(_span, found.gaps_made)), "closed": list(map(_span, found.gaps_closed))},
        "hours": [{"person": people[one.person], "before": one.before / timedelta(hours=1),
                   "after": one.after / timedelta(hours=1)} for one in found.shares]}


def _span(span: Span) -> dict[str, Any]:
    return {"start": clock.rfc3339(span.start), "end": clock.rfc3339(span.end)}


def _at() -> Any:
    return forms.read_instant(request.args["at"], "at") if request.args.get("at") else clock.now()


def _people(ids: Iterable[int], people: Mapping[int, User]) -> list[dict[str, str]]:
    return [{"email": people[one].email, "name": people[one].name} for one in ids]


def _shown(shift: rules.Shift, people: Mapping[int, User]) -> dict[str, Any]:
    return {"people": _people(shift.people, people), "since": clock.rfc3339(shift.start),
            "until": clock.rfc3339(shift.end), "layer": shift.layer or None}


def _overrides(found: Sequence[Override]) -> list[dict[str, Any]]:
    people = queries.named(person for one in found for person in involved(one))
    return [{"id": str(one.id), "starts": clock.rfc3339(one.starts_at), "ends": clock.rfc3339(one.ends_at),
             "people": _people(one.people, people), "reason": one.reason,
             "replaces": _people([one.replaces_id], people)[0] if one.replaces_id is not None else None} for one in found]
