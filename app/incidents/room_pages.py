"""What the room adds to the page of an incident: roles, people, tasks, updates, what belongs together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from app.catalog.models import ServiceDependency
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.incidents import markdown, rules
from app.incidents.models import Follower, Incident, Merge, Note, Responder, Role, Task, Update
from app.incidents.queries import entry_document, timeline, visible

SHOWN = 5
CLOCKS = [("15", "15 min"), ("30", "30 min"), ("60", "1 h"), ("120", "2 h"), ("240", "4 h")]
WORDS = {"requested": "asked", "joined": "on it", "accepted": "accepted", "declined": "declined"}


@dataclass(frozen=True)
class Room:
    """Everything of the room that is the same for all who may see the incident, and what is the reader's own."""

    roles: list[tuple[str, Role | None]]
    people: list[tuple[Responder, str]]
    tasks: list[Task]
    updates: list[tuple[Update, Markup]]
    followers: int
    follows: bool
    asked: str
    related: list[Incident] = field(default_factory=list)
    merged: list[tuple[Merge, Incident, bool]] = field(default_factory=list)
    clocks: list[tuple[str, str]] = field(default_factory=lambda: CLOCKS)

    @property
    def open_tasks(self) -> int:
        """How many tasks are left."""
        return sum(task.done_at is None for task in self.tasks)


def room(incident: Incident, by: Actor) -> Room:
    """The room as this person sees it."""
    held = {role.name: role for role in incident.roles}
    following = set(session.scalars(select(Follower.user_id).where(Follower.incident_id == incident.id)))
    mine = next((one for one in incident.responders if one.user_id == by.user_id), None)
    return Room(
        roles=[(name, held.get(name)) for name in rules.ROLES],
        people=[(one, _word(one)) for one in incident.responders],
        tasks=list(session.scalars(select(Task).where(Task.incident_id == incident.id)
                                   .options(selectinload(Task.owner)).order_by(Task.done_at.is_not(None), Task.id))),
        updates=[(one, markdown.html(one.body)) for one in updates(incident)], followers=len(following),
        follows=by.user_id in following, asked=asked(mine),
        related=_related(incident, by), merged=_merged(incident))


def asked(mine: Responder | None) -> str:
    """What this responder still has to say or said: `requested`, `accepted` or `declined`; "" when nobody asked."""
    wanted = mine is not None and mine.kind != "paged" and mine.state in ("requested", *rules.ANSWERS)
    return mine.state if mine is not None and wanted else ""


def _word(one: Responder) -> str:
    if one.kind == "assignee":
        return "has it" if one.state in ("joined", "accepted") else WORDS.get(one.state, one.state)
    return "paged" if one.kind == "paged" and one.state == "requested" else WORDS.get(one.state, one.state)


def updates(incident: Incident, *, limit: int = SHOWN) -> list[Update]:
    """What those who wait were told, newest first."""
    return list(session.scalars(select(Update).where(Update.incident_id == incident.id)
                                .order_by(Update.id.desc()).limit(limit)))


def _related(incident: Incident, by: Actor) -> list[Incident]:
    """Others that are open on the same or a neighbouring service, or opened within half an hour of it."""
    if incident.service_id is None:
        return []
    edge = ServiceDependency
    needs = select(edge.depends_on_id).where(edge.service_id == incident.service_id)
    needed = select(edge.service_id).where(edge.depends_on_id == incident.service_id)
    near = (incident.opened_at - timedelta(minutes=30), incident.opened_at + timedelta(minutes=30))
    return list(session.scalars(visible(select(Incident), by).where(
        or_(Incident.service_id == incident.service_id, Incident.service_id.in_(needs.union(needed))),
        Incident.id != incident.id, Incident.merged_into_id.is_distinct_from(incident.id),
        or_(Incident.status.in_(rules.OPEN), Incident.opened_at.between(*near)))
        .order_by(Incident.status == "resolved", Incident.id.desc()).limit(SHOWN)))


def _merged(incident: Incident) -> list[tuple[Merge, Incident, bool]]:
    """What was merged into it, also by way of another, and whether that can still be taken back."""
    since = clock.now() - timedelta(hours=rules.UNMERGE_WITHIN_HOURS)
    here = select(Incident.id).where(Incident.merged_into_id == incident.id).cte("merged", recursive=True)
    here = here.union(select(Incident.id).join(here, Incident.merged_into_id == here.c.id))
    rows = session.execute(select(Merge, Incident).join(Incident, Incident.id == Merge.incident_id).where(
        Merge.incident_id.in_(select(here.c.id)), Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(20))
    return [(made, one, made.at > since) for made, one in rows]


def what_moves(incident: Incident) -> dict[str, int]:
    """What a merge would move."""
    return {"alerts": incident.alert_count, "people": len(incident.responders),
            "open": session.scalar(select(func.count()).where(
                Task.incident_id == incident.id, Task.done_at.is_(None))) or 0}


def merge_targets(incident: Incident, by: Actor) -> list[Incident]:
    """Open incidents into which it could go: those of its service and team first, then the newest."""
    same = [Incident.service_id != incident.service_id, Incident.team_id != incident.team_id]
    return list(session.scalars(visible(select(Incident), by).where(
        Incident.status.in_(rules.OPEN), Incident.id != incident.id).order_by(*same, Incident.id.desc()).limit(20)))


def timeline_documents(incident: Incident) -> list[dict[str, Any]]:
    """The whole timeline as machines get it; of a deleted note only that it was there, as on the page."""
    gone = set(session.scalars(select(Note.id).where(Note.incident_id == incident.id, Note.deleted_at.is_not(None))))
    found = [entry_document(event) for event in timeline(incident, limit=10_000)]
    for entry in found:
        if entry["kind"].startswith("incident.note_") and entry["data"].get("note") in gone:
            entry["data"] = {"note": entry["data"]["note"], "deleted": True}
    return found


def note_documents(incident: Incident) -> list[dict[str, Any]]:
    """Its notes, oldest first, each with its earlier versions; of deleted ones only the mark."""
    versions: dict[int, list[str]] = {}
    for event in timeline(incident, limit=10_000):
        if event.kind == "incident.note_edited":
            versions.setdefault(event.data["note"], []).append(event.data["before"])
    notes = session.scalars(select(Note).where(Note.incident_id == incident.id).order_by(Note.id))
    return [{"id": str(note.id), "at": clock.rfc3339(note.created_at), "author": note.author_name,
             "body": "" if note.deleted_at else note.body, "edited_at": clock.rfc3339(note.edited_at),
             "deleted_at": clock.rfc3339(note.deleted_at),
             "versions": [] if note.deleted_at else versions.get(note.id, [])} for note in notes]


def task_document(task: Task) -> dict[str, Any]:
    """A task as machines get it."""
    return {"id": str(task.id), "title": task.title, "done": task.done_at is not None,
            "done_at": clock.rfc3339(task.done_at), "done_by": task.done_by,
            "owner": {"email": task.owner.email, "name": task.owner.name} if task.owner else None}


def update_document(update: Update) -> dict[str, Any]:
    """An update as machines get it."""
    return {"id": str(update.id), "at": clock.rfc3339(update.created_at), "author": update.author_name,
            "body": update.body}
