"""Commands on incidents. Each locks the row, asks permission, consults the table of moves, and records one fact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from app.catalog.models import Service
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import Event, Kind, record
from app.identity.models import Team, User
from app.identity.queries import allow
from app.incidents import events, rules
from app.incidents.models import Alert, Counter, Incident, Note, Responder
from app.incidents.queries import involved, next_number_query, state_of

SNOOZE = (timedelta(minutes=5), timedelta(days=7))


@dataclass(frozen=True)
class Opening:
    """What is known of an incident when it opens; `route` is the trace of the decision, `delivery` its origin. `quiet`: nobody is paged."""

    title: str
    severity: str = "medium"
    description: str = ""
    service: Service | None = None
    team: Team | None = None
    urgency: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    route: dict[str, Any] = field(default_factory=dict)
    former_id: int | None = None
    delivery: str | None = None
    test: bool = False
    quiet: bool = False


def open_incident(opening: Opening, *, by: Actor) -> Incident:
    """Open a triggered incident under the next number."""
    number = session.execute(next_number_query(Counter)).scalar_one()
    team = opening.team or (opening.service.team if opening.service else None)
    now = clock.now()
    incident = Incident(
        id=number, title=opening.title[:300], description=opening.description[:10_000], severity=opening.severity,
        urgency=opening.urgency or rules.urgency_of(opening.severity), service=opening.service, team=team,
        labels=opening.labels, route=opening.route, former_id=opening.former_id, opened_by=by.ref, opened_at=now,
        triggered_at=now, test=opening.test, quiet=opening.quiet)
    session.add(incident)
    session.flush()
    service = opening.service.name if opening.service else None
    _record(events.OPENED, incident, by, title=incident.title, severity=incident.severity, source=by.name,
            service=service, delivery=opening.delivery, former=opening.former_id, test=opening.test)
    return incident


def open_by_hand(opening: Opening, *, by: Actor) -> Incident:
    """A person or machine opens an incident itself; it is paged like any other."""
    if not opening.title.strip():
        raise Invalid(problems=[Problem("title", "An incident needs a title")])
    service, team = opening.service, opening.team
    owner = service.team_id if service else (team.id if team else None)
    allow(by, "incident.create", team_id=owner)
    return open_incident(opening, by=by)


def acknowledge(incident: Incident, *, by: Actor) -> Incident:
    """Take it: the escalation stops with this commit. The same person again changes nothing."""
    incident = _claimed(incident, by)
    if incident.status == rules.ACKNOWLEDGED and incident.acknowledged_by == by.ref:
        return incident
    incident.status = _move("acknowledge", incident)
    incident.acknowledged_at, incident.acknowledged_by = clock.now(), by.ref
    incident.acknowledged_name, incident.snoozed_until = by.name[:200], None
    if by.user_id is not None:
        _connect(incident, by.user_id, "assignee", "joined")
    _record(events.ACKNOWLEDGED, incident, by, via=by.via)
    return incident


def unacknowledge(incident: Incident, *, by: Actor) -> Incident:
    """Give it back: it is triggered again and escalates from the first level."""
    incident = _claimed(incident, by)
    incident.status = _move("unacknowledge", incident)
    _trigger(incident)
    _record(events.UNACKNOWLEDGED, incident, by, via=by.via)
    return incident


def resolve(incident: Incident, *, by: Actor, note: str = "") -> Incident:
    """It is over; its alerts are resolved with it."""
    incident = _claimed(incident, by)
    if len(note) > 2000:
        raise Invalid(problems=[Problem("note", "A resolution note has at most 2,000 characters")])
    nobody = incident.acknowledged_at is None
    incident.status = _move("resolve", incident)
    incident.resolved_at, incident.resolved_by, incident.resolved_name = clock.now(), by.ref, by.name[:200]
    incident.resolution_note, incident.snoozed_until = note.strip(), None
    session.execute(update(Alert).where(Alert.incident_id == incident.id, Alert.status == "firing")
                    .values(status="resolved", resolved_at=clock.now()))
    _record(events.RESOLVED, incident, by, via=by.via, note=incident.resolution_note, nobody_acted=nobody)
    return incident


def reopen(incident: Incident, *, by: Actor) -> Incident:
    """It is not over after all: back to triggered, paged from the first level. Possible for 30 days."""
    incident = _claimed(incident, by)
    status = _move("reopen", incident)
    if incident.resolved_at and clock.now() - incident.resolved_at > timedelta(days=rules.REOPEN_WITHIN_DAYS):
        raise Conflict("It was resolved more than 30 days ago. Open a new incident instead.", state=state_of(incident))
    incident.status = status
    incident.resolved_at = incident.resolved_by = incident.resolved_name = None
    incident.resolution_note = ""
    _trigger(incident)
    _record(events.REOPENED, incident, by, via=by.via)
    return incident


def assign(incident: Incident, people: Sequence[User], *, by: Actor) -> Incident:
    """Make these the people whose incident it is; the state stays as it is."""
    incident = _claimed(incident, by)
    _move("assign", incident)
    _check_people(incident, people, "assignees")
    former = [responder for responder in incident.responders if responder.kind == "assignee"]
    for responder in former:
        responder.kind = "responder"
    for person in people:
        _connect(incident, person.id, "assignee", "requested")
    _record(events.ASSIGNED, incident, by, people=[person.name for person in people],
            ids=[person.id for person in people], former=[responder.user_id for responder in former])
    return incident


def add_responders(incident: Incident, people: Sequence[User], *, by: Actor) -> Incident:
    """Ask more people to help, without changing state, assignees or timers."""
    incident = _claimed(incident, by)
    _move("add responders", incident)
    _check_people(incident, people, "responders")
    for person in people:
        _connect(incident, person.id, "responder", "requested")
    _record(events.RESPONDERS_ADDED, incident, by, people=[person.name for person in people],
            ids=[person.id for person in people])
    return incident


def involve(incident: Incident, people: Iterable[int]) -> None:
    """These people were paged for it: they may act on it as responders."""
    known = {responder.user_id for responder in incident.responders}
    for user_id in dict.fromkeys(people):
        if user_id not in known:
            incident.responders.append(Responder(user_id=user_id, kind="paged", state="requested"))


def add_note(incident: Incident, body: str, *, by: Actor) -> Note:
    """Write something down, in any state. Markdown, at most 10,000 characters."""
    incident = _claimed(incident, by)
    text = body.strip()
    if not text or len(text) > 10_000:
        raise Invalid(problems=[Problem("body", "A note has 1 to 10,000 characters")])
    note = Note(incident_id=incident.id, author=by.ref, author_name=by.name[:200], body=text)
    session.add(note)
    session.flush()
    _record(events.NOTE_ADDED, incident, by, note=note.id, body=text)
    return note


def set_priority(incident: Incident, priority: str | None, *, by: Actor) -> Incident:
    """P1 to P5, or none."""
    incident = _claimed(incident, by)
    _move("set the priority of", incident)
    if priority not in (None, *rules.PRIORITIES):
        raise Invalid(problems=[Problem("priority", "A priority is P1, P2, P3, P4, P5 or none")])
    if priority != incident.priority:
        before, incident.priority = incident.priority, priority
        _record(events.PRIORITY_CHANGED, incident, by, before=before, after=priority or "none")
    return incident


def snooze(incident: Incident, until: datetime, *, by: Actor) -> Incident:
    """Silence until `until` (5 minutes to 7 days from now); then it is triggered and pages from the first level."""
    incident = _claimed(incident, by)
    status = _move("snooze", incident)
    if not SNOOZE[0] - timedelta(seconds=5) <= until - clock.now() <= SNOOZE[1]:
        raise Invalid(problems=[Problem("until", "A snooze lasts from 5 minutes to 7 days")])
    incident.status, incident.snoozed_until = status, until
    _record(events.SNOOZED, incident, by, until=clock.rfc3339(until))
    return incident


def end_snooze(incident: Incident) -> None:
    """Its time is over: triggered again, paged from the first level."""
    _trigger(incident)
    _record(events.SNOOZE_ENDED, incident, SYSTEM)


def trigger_again(incident: Incident, *, by: Actor) -> Incident:
    """"Escalate now" on an acknowledged or snoozed incident: nobody has it any more."""
    incident = _claimed(incident, by)
    incident.status = _move("escalate", incident)
    if incident.acknowledged_at or incident.snoozed_until:
        _trigger(incident)
    return incident


def lock(incident_id: int) -> Incident:
    """The incident, fresh and locked. Raises NotFound."""
    incident = locked(Incident, incident_id)
    if incident is None:
        raise NotFound(f"There is no incident #{incident_id}")
    return incident


def _claimed(incident: Incident, by: Actor) -> Incident:
    """Lock the row, then ask permission: the two first lines of every command."""
    incident = lock(incident.id)
    allow(by, "incident.act", team_id=incident.team_id, involved=involved(incident, by))
    return incident


def _move(command: str, incident: Incident) -> str:
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


def _trigger(incident: Incident) -> None:
    incident.status, incident.triggered_at, incident.snoozed_until = rules.TRIGGERED, clock.now(), None
    incident.acknowledged_at = incident.acknowledged_by = incident.acknowledged_name = None


def _connect(incident: Incident, user_id: int, kind: str, state: str) -> None:
    for responder in incident.responders:
        if responder.user_id == user_id:
            responder.kind, responder.state = kind, state
            return
    incident.responders.append(Responder(user_id=user_id, kind=kind, state=state))


def _check_people(incident: Incident, people: Sequence[User], name: str) -> None:
    if not people:
        raise Invalid(problems=[Problem(name, "Name at least one person")])
    for person in people:
        if not person.is_active:
            raise Invalid(problems=[Problem(name, f"{person.name} is deactivated")])


def _record(kind: Kind, incident: Incident, by: Actor, **data: Any) -> Event:
    incident.version = (incident.version or 0) + 1
    session.flush()
    also = [f"{noun}:{key}" for noun, key in (("service", incident.service_id), ("team", incident.team_id)) if key]
    return record(kind, incident.ref, by=by, also=[*also, "incidents"], **data)
