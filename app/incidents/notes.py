"""Commands on notes: write, change within a day, delete with a mark. Every version stays in the log."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import func, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.identity.models import User
from app.identity.queries import may_see
from app.incidents import events, moves, rules
from app.incidents.models import Incident, Note
from app.incidents.queries import state_of

MENTION = re.compile(r"(?<![\w@/.])@([\w.+-]+@[\w.-]+\w|[\w][\w.-]*\w)")


def add_note(incident: Incident, body: str, *, by: Actor) -> Note:
    """Write something down, in any state. Markdown, at most 10,000 characters; `@name` tells that person quietly."""
    incident = moves.claimed(incident, by)
    note = Note(incident_id=incident.id, author=by.ref, author_name=by.name[:200], body=_text(body))
    session.add(note)
    session.flush()
    tell = [one.id for one in mentioned(note.body, incident) if one.id != by.user_id]
    moves.said(events.NOTE_ADDED, incident, by, note=note.id, body=note.body, tell=tell)
    return note


def edit_note(incident: Incident, note_id: int, body: str, *, by: Actor) -> Note:
    """Its author changes a note within 24 h; the former text stays in the log."""
    incident = moves.claimed(incident, by)
    note, text = own_note(incident, note_id, by=by), _text(body)
    if text != note.body:
        before, note.body, note.edited_at = note.body, text, clock.now()
        moves.said(events.NOTE_EDITED, incident, by, note=note.id, body=text, before=before)
    return note


def delete_note(incident: Incident, note_id: int, *, by: Actor) -> Note:
    """Its author takes a note away within 24 h; that there was one stays visible."""
    incident = moves.claimed(incident, by)
    note = own_note(incident, note_id, by=by)
    note.deleted_at = clock.now()
    moves.said(events.NOTE_DELETED, incident, by, note=note.id)
    return note


def own_note(incident: Incident, note_id: int, *, by: Actor) -> Note:
    """The note, if this person may still change it. Raises NotFound, Forbidden for others', Conflict after 24 h."""
    note = session.get(Note, note_id)
    if note is None or note.incident_id != incident.id or note.deleted_at is not None:
        raise NotFound(f"There is no note {note_id} in #{incident.id}")
    if note.author != by.ref:
        raise Forbidden("Only its author changes a note.")
    if clock.now() - note.created_at > timedelta(hours=rules.EDIT_WITHIN_HOURS):
        raise Conflict("A note can be changed for 24 hours. Write another one.", state=state_of(incident))
    return note


def _text(body: str) -> str:
    text = body.strip()
    if not 0 < len(text) <= 10_000:
        raise Invalid(problems=[Problem("body", "A note has 1 to 10,000 characters")])
    return text


def mentioned(body: str, incident: Incident) -> list[User]:
    """The active people whom `@name` or `@address` names and who may see the incident, at most 20."""
    names = list(dict.fromkeys(name.lower() for name in MENTION.findall(body)))[:20]
    if not names:
        return []
    first = func.lower(User.name)
    found = session.scalars(select(User).where(User.state == "active").where(
        User.email.in_(names) | func.replace(first, " ", ".").in_(names) | first.in_(names)
        | User.email.in_([f"{name}@{domain}" for name in names for domain in _domains()])).order_by(User.id).limit(20))
    return [user for user in found if incident.team_id is None
            or may_see(Actor(user.ref, user.name, user_id=user.id), incident.team_id)]


def _domains() -> list[str]:
    """The few domains under which people's addresses stand, so that `@ana` is ana@example.com."""
    addresses = session.scalars(select(User.email).where(User.state == "active").limit(2000))
    return sorted({address.partition("@")[2] for address in addresses})[:5]
