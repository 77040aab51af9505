"""What every command on an incident shares: the lock, permission, the table of moves, and the fact at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import Event, Kind, record
from app.identity.models import User
from app.identity.queries import allow, may_see
from app.incidents import rules
from app.incidents.models import Incident, Responder
from app.incidents.queries import involved, state_of


def lock(incident_id: int) -> Incident:
    """The incident, fresh and locked. Raises NotFound."""
    incident = locked(Incident, incident_id)
    if incident is None:
        raise NotFound
    return incident


def claimed(incident: Incident, by: Actor) -> Incident:
    """Lock the row, then ask permission: the two first lines of every command."""
    incident = lock(incident.id)
    allow(by, "incident.act", team_id=incident.team_id, involved=involved(incident, by))
    return incident


def move(command: str, incident: Incident) -> str:
    """The state that the command leads to. Raises Conflict with the present state where it is not allowed."""
    to = rules.after(command, incident.status)
    if to is None:
        raise Conflict(_refusal(command, incident), state=state_of(incident))
    return to


def _refusal(command: str, incident: Incident) -> str:
    if incident.status == rules.ACKNOWLEDGED:
        return f"Already acknowledged by {incident.acknowledged_name}"
    if incident.status == rules.RESOLVED:
        return f"Already resolved by {incident.resolved_name}"
    return f"You can't {command} it: it is {incident.status}"


def trigger(incident: Incident) -> None:
    """Nobody has it (any more): triggered from now on, neither acknowledged nor snoozed."""
    incident.status, incident.triggered_at, incident.snoozed_until = rules.TRIGGERED, clock.now(), None
    incident.acknowledged_at = incident.acknowledged_by = incident.acknowledged_name = None


def wind(incident: Incident) -> None:
    """The time until the next update for those who wait counts anew, where somebody wants them and it is not over."""
    going = incident.update_every and incident.status != rules.RESOLVED
    incident.update_due_at = clock.now() + timedelta(seconds=incident.update_every or 0) if going else None


def connect(incident: Incident, user_id: int, kind: str, state: str) -> None:
    """Put this person on the incident, or change what they are to it."""
    for responder in incident.responders:
        if responder.user_id == user_id:
            responder.kind, responder.state = kind, state
            return
    incident.responders.append(Responder(user_id=user_id, kind=kind, state=state))


def check_people(incident: Incident, people: Sequence[User], name: str) -> None:
    """Raise Invalid at the field `name` unless there is somebody, all active and allowed to see the incident."""
    if not people:
        raise Invalid(problems=[Problem(name, "Name at least one person")])
    for person in people:
        if not person.is_active:
            raise Invalid(problems=[Problem(name, f"{person.name} is deactivated")])
        reader = Actor(person.ref, person.name, user_id=person.id)
        if incident.team_id is not None and not may_see(reader, incident.team_id):
            raise Invalid(problems=[Problem(name, f"{person.name} may not see incidents of this team")])


def said(kind: Kind, incident: Incident, by: Actor, **data: Any) -> Event:
    """Count the version up and record the fact, with service and team: the last line of every command."""
    incident.version = (incident.version or 0) + 1
    session.flush()
    also = [f"{noun}:{key}" for noun, key in (("service", incident.service_id), ("team", incident.team_id)) if key]
    return record(kind, incident.ref, by=by, also=[*also, "incidents"], **data)
