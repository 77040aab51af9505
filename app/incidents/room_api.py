"""The room for machines: the same commands as the pages call."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy import select

from app.core.access import access
from app.core.db import session
from app.core.openapi import PROBLEM, operation, sent
from app.core.web import actor
from app.identity.models import User
from app.incidents import (
    forms,
    merging,
    notes,
    queries,
    room,
    room_pages,
    schemas,
)
from app.incidents.api import CHANGED, permitted
from app.incidents.models import Task

blueprint = Blueprint("incident_room_api", __name__)


def _all(schema: dict[str, Any]) -> dict[int, Any]:
    return {200: {"type": "array", "items": schema}}


def _named(email: str | None, name: str) -> User | None:
    return forms.people([email], name)[0] if email else None


@blueprint.patch("/incidents/<id>")
@access("incident.act")
@operation("Change title or description; the earlier text stays on the timeline", request=schemas.WORDS, responses=CHANGED)
def edit(id: str) -> dict[str, Any]:
    """Change the words."""
    found, by = permitted(id)
    values = sent(request)
    return queries.incident_document(room.edit_text(found, values.get("title"), values.get("description"), by=by))


@blueprint.post("/incidents/<id>/severity")
@access("incident.act")
@operation("Say how bad it is; a raise pages again", request=schemas.SEVERITY, responses=CHANGED)
def set_severity(id: str) -> dict[str, Any]:
    """Set the severity."""
    found, by = permitted(id)
    return queries.incident_document(room.set_severity(found, sent(request)["severity"], by=by))


@blueprint.post("/incidents/<id>/urgency")
@access("incident.act")
@operation("Say how loudly people are paged", request=schemas.URGENCY, responses=CHANGED)
def set_urgency(id: str) -> dict[str, Any]:
    """Set the urgency."""
    found, by = permitted(id)
    return queries.incident_document(room.set_urgency(found, sent(request)["urgency"], by=by))


@blueprint.post("/incidents/<id>/unsnooze")
@access("incident.act")
@operation("End the snooze; it escalates from the first level", responses=CHANGED)
def wake(id: str) -> dict[str, Any]:
    """End the snooze."""
    found, by = permitted(id)
    return queries.incident_document(room.wake(found, by=by))


@blueprint.post("/incidents/<id>/merge")
@access("incident.act")
@operation("Move its alerts into another incident and end it; answers with the other", request=schemas.INTO,
           responses=CHANGED)
def merge(id: str) -> dict[str, Any]:
    """Merge it into another."""
    found, by = permitted(id)
    target = queries.incident_for(sent(request)["into"], by)
    return queries.incident_document(merging.merge(found, target, by=by))


@blueprint.post("/incidents/<id>/unmerge")
@access("incident.act")
@operation("Take it out of the other again, within 24 hours", responses=CHANGED)
def unmerge(id: str) -> dict[str, Any]:
    """Take a merge back."""
    found, by = permitted(id)
    return queries.incident_document(merging.unmerge(found, by=by))


@blueprint.post("/incidents/<id>/roles")
@access("incident.act")
@operation("Make somebody commander, communications or scribe; `person` null gives the role up", request=schemas.ROLE,
           responses=CHANGED)
def take_role(id: str) -> dict[str, Any]:
    """Give a role."""
    found, by = permitted(id)
    values = sent(request)
    return queries.incident_document(room.take_role(found, values["role"], _named(values["person"], "person"), by=by))


@blueprint.post("/incidents/<id>/answer")
@access("incident.act")
@operation("Accept or decline the request to help", request=schemas.ANSWER, responses=CHANGED)
def answer(id: str) -> dict[str, Any]:
    """Answer the request."""
    found, by = permitted(id)
    return queries.incident_document(room.answer(found, sent(request)["answer"], by=by))


@blueprint.get("/incidents/<id>/tasks")
@access("incident.read")
@operation("Its tasks", responses=_all(schemas.TASK))
def tasks(id: str) -> list[dict[str, Any]]:
    """What is to be done."""
    found = queries.incident_for(id, actor())
    return [room_pages.task_document(task) for task in session.scalars(
        select(Task).where(Task.incident_id == found.id).order_by(Task.id))]


@blueprint.post("/incidents/<id>/tasks")
@access("incident.act")
@operation("Add a task", request=schemas.NEW_TASK, responses={200: schemas.TASK, 409: PROBLEM})
def add_task(id: str) -> dict[str, Any]:
    """Add a task."""
    found, by = permitted(id)
    values = sent(request)
    return room_pages.task_document(room.add_task(found, values["title"], _named(values.get("owner"), "owner"), by=by))


@blueprint.patch("/incidents/<id>/tasks/<task>")
@access("incident.act")
@operation("Finish a task, open it again, or give it to somebody", request=schemas.TASK_CHANGE,
           responses={200: schemas.TASK})
def change_task(id: str, task: str) -> dict[str, Any]:
    """Change a task."""
    found, by = permitted(id)
    values = sent(request)
    return room_pages.task_document(room.change_task(found, queries.number_of(task), by=by, done=values.get("done"),
                                                     owner=_named(values.get("owner"), "owner")))


@blueprint.get("/incidents/<id>/notes")
@access("incident.read")
@operation("Its notes with their versions, oldest first", responses=_all(schemas.WRITTEN))
def all_notes(id: str) -> list[dict[str, Any]]:
    """What was written."""
    return room_pages.note_documents(queries.incident_for(id, actor()))


@blueprint.patch("/incidents/<id>/notes/<note>")
@access("incident.act")
@operation("Its author changes a note, within 24 hours", request=schemas.NOTE, responses=CHANGED)
def edit_note(id: str, note: str) -> dict[str, Any]:
    """Change a note."""
    found, by = permitted(id)
    notes.edit_note(found, queries.number_of(note), sent(request)["body"], by=by)
    return queries.incident_document(found)


@blueprint.delete("/incidents/<id>/notes/<note>")
@access("incident.act")
@operation("Its author takes a note away, within 24 hours; a mark stays", responses=CHANGED)
def delete_note(id: str, note: str) -> dict[str, Any]:
    """Delete a note."""
    found, by = permitted(id)
    notes.delete_note(found, queries.number_of(note), by=by)
    return queries.incident_document(found)


@blueprint.get("/incidents/<id>/updates")
@access("incident.read")
@operation("What those who wait were told, newest first", responses=_all(schemas.UPDATE))
def updates(id: str) -> list[dict[str, Any]]:
    """The updates."""
    found = queries.incident_for(id, actor())
    return [room_pages.update_document(one) for one in room_pages.updates(found, limit=200)]


@blueprint.post("/incidents/<id>/updates")
@access("incident.act")
@operation("Tell those who follow it", request=schemas.NOTE, responses={200: schemas.UPDATE})
def post_update(id: str) -> dict[str, Any]:
    """Tell those who wait."""
    found, by = permitted(id)
    return room_pages.update_document(room.post_update(found, sent(request)["body"], by=by))


@blueprint.post("/incidents/<id>/updates/clock")
@access("incident.act")
@operation("Remind of an update every so many minutes; null ends that", request=schemas.EVERY, responses=CHANGED)
def time_updates(id: str) -> dict[str, Any]:
    """Set the reminder."""
    found, by = permitted(id)
    return queries.incident_document(room.time_updates(found, sent(request)["minutes"], by=by))


@blueprint.put("/incidents/<id>/follow")
@access("incident.read")
@operation("Follow it: be told of updates", responses={204: None})
def follow(id: str) -> tuple[str, int]:
    """Follow."""
    room.follow(queries.incident_for(id, actor()), True, by=actor())
    return "", 204


@blueprint.delete("/incidents/<id>/follow")
@access("incident.read")
@operation("Don't follow it any more", responses={204: None})
def unfollow(id: str) -> tuple[str, int]:
    """Don't follow."""
    room.follow(queries.incident_for(id, actor()), False, by=actor())
    return "", 204
