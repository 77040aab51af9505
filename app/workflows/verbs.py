"""What the built-in actions do to an incident, by the commands that people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict
from app.escalation.queries import policy_by_key
from app.escalation.targets import resolve, whom
from app.identity.models import User
from app.identity.queries import team_by_key, user_by_email
from app.incidents import room
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.oncall.queries import schedule_by_key

Said = Mapping[str, Any]


def _people(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    found = _whom(said)
    known = {responder.user_id for responder in incident.responders if responder.kind in ("assignee", "responder")}
    fresh = [person for person in found if person.id not in known]
    if fresh:
        incidents.add_responders(incident, fresh, by=by)
    return {"added": [person.name for person in fresh], "people": [person.email for person in found]}


def _whom(said: Said) -> list[User]:
    """The people whom an `add_responder` names now. Raises ValueError when they are nobody."""
    targets: list[dict[str, Any]] = []
    finders: tuple[tuple[str, Callable[[str], Any]], ...] = (
        ("user", user_by_email), ("schedule", schedule_by_key), ("team", team_by_key))
    for name, find in finders:
        if said.get(name):
            targets.append({name: _found(name, find, str(said[name])).id})
    people = dict(resolve(targets, clock.now()).people) if targets else {}
    if said.get("policy"):
        level = _found("policy", policy_by_key, str(said["policy"])).levels[0]
        people |= whom(level, clock.now()).people
    if not people:
        raise ValueError("This names nobody who can be reached now")
    return list(session.scalars(select(User).where(User.id.in_(people)).order_by(User.id)))


def _found(noun: str, find: Callable[[str], Any], key: str) -> Any:
    thing = find(key)
    if thing is None:
        raise ValueError(f"There is no {noun} {key}")
    return thing


def _weigh(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    if said.get("priority"):
        incidents.set_priority(incident, str(said["priority"]), by=by)
    if said.get("severity"):
        room.set_severity(incident, str(said["severity"]), by=by)
    if said.get("urgency"):
        room.set_urgency(incident, str(said["urgency"]), by=by)
    return {"priority": incident.priority, "severity": incident.severity, "urgency": incident.urgency}


def _note(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    return {"note": incidents.add_note(incident, str(said.get("body") or ""), by=by).id}


def _update(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    return {"update": room.post_update(incident, str(said.get("body") or ""), by=by).id}


def _acknowledge(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    return _moved(incident, "acknowledged", lambda: incidents.acknowledge(incident, by=by))


def _resolve(incident: Incident, said: Said, by: Actor) -> dict[str, Any]:
    return _moved(incident, "resolved", lambda: incidents.resolve(incident, by=by, note=str(said.get("note") or "")))


def _moved(incident: Incident, wanted: str, move: Callable[[], Any]) -> dict[str, Any]:
    """The move, or nothing where it is made already: two who want the same don't fail each other."""
    fresh = incidents.lock(incident.id)
    if fresh.status in (wanted, "resolved"):
        return {"status": fresh.status, "changed": False}
    move()
    return {"status": fresh.status, "changed": True}


ACTS: dict[str, Callable[[Incident, Said, Actor], dict[str, Any]]] = {
    "add_responder": _people, "set_priority": _weigh, "add_note": _note, "acknowledge": _acknowledge, "resolve": _resolve,
    "status_update": _update}


def do(slug: str, incident: Incident, said: Said, *, by: Actor) -> dict[str, Any]:
    """Carry out an action on an incident, in the open transaction. Raises ValueError with a sentence where it can't be."""
    try:
        return ACTS[slug](incident, said, by)
    except Conflict as refusal:
        raise ValueError(refusal.detail) from None
