"""Commands on incidents. Each locks the row, asks permission, consults the table of moves, and records one fact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from app.catalog.models import Service
from app.catalog.noise import noise
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, Problem
from app.core.shadow import covering
from app.identity.models import Team, User
from app.identity.queries import allow
from app.incidents import events, moves, rules
from app.incidents.models import Alert, Counter, Incident, Responder
from app.incidents.notes import add_note
from app.incidents.queries import next_number_query, no_number_query, state_of

__all__ = ["Opening", "acknowledge", "add_note", "add_responders", "assign", "end_snooze", "involve", "lock", "open_by_hand",
           "open_incident", "reopen", "resolve", "set_priority", "snooze", "speak", "trigger_again", "unacknowledge"]

SNOOZE = (timedelta(minutes=5), timedelta(days=7))
lock = moves.lock  # others reach it with the commands


@dataclass(frozen=True)
class Opening:
    """What is known of an incident when it opens; `route` is the trace of the decision, `delivery` its origin.
    `quiet`: nobody is paged."""

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


def hold_number() -> None:
    """Nobody else opens an incident until this transaction ends, not even the very first."""
    held = select(Counter.value).where(Counter.name == "incident").with_for_update()
    if session.scalar(held) is None:
        session.execute(no_number_query(Counter))  # waits for whoever is just opening the first
        session.execute(held)


def open_incident(opening: Opening, *, by: Actor) -> Incident:
    """Open a triggered incident under the next number."""
    number = session.execute(next_number_query(Counter)).scalar_one()
    team = opening.team or (opening.service.team if opening.service else None)
    now = clock.now()
    incident = Incident(
        id=number, title=opening.title[:300], description=opening.description[:10_000], severity=opening.severity,
        urgency=opening.urgency or rules.urgency_of(opening.severity), service=opening.service, team=team,
        labels=opening.labels, route=opening.route, former_id=opening.former_id, opened_by=by.ref, opened_at=now,
        triggered_at=now, test=opening.test, quiet=opening.quiet, in_shadow=_in_shadow(opening.service, team, by),
        responders=[])
    session.add(incident)
    service = opening.service.name if opening.service else None
    moves.said(events.OPENED, incident, by, title=incident.title, severity=incident.severity, source=by.name,
            service=service, delivery=opening.delivery, former=opening.former_id, test=opening.test)
    return incident


def _in_shadow(service: Service | None, team: Team | None, by: Actor) -> bool:
    return covering([one.ref for one in (service, team) if one is not None] + [by.ref]) is not None


def open_by_hand(opening: Opening, *, by: Actor) -> Incident:
    """A person or machine opens an incident itself; it is paged like any other."""
    if not opening.title.strip():
        raise Invalid(problems=[Problem("title", "An incident needs a title")])
    service, team = opening.service, opening.team
    owner = service.team_id if service else (team.id if team else None)
    allow(by, "incident.create", team_id=owner)
    return open_incident(opening, by=by)


def acknowledge(incident: Incident, *, by: Actor) -> Incident:
    """Take it: the escalation stops with this commit. The same person again changes nothing, or, where a
    service asks for it after a while, says that they are still on it."""
    incident = moves.claimed(incident, by)
    if incident.status == rules.ACKNOWLEDGED and incident.acknowledged_by == by.ref:
        if incident.service is not None and noise(incident.service.noise).acknowledge_timeout:
            moves.said(events.STILL_ON_IT, incident, by, via=by.via)
        return incident
    incident.status = moves.move("acknowledge", incident)
    incident.acknowledged_at, incident.acknowledged_by = clock.now(), by.ref
    incident.acknowledged_name, incident.snoozed_until = by.name[:200], None
    if by.user_id is not None:
        moves.connect(incident, by.user_id, "assignee", "joined")
    moves.said(events.ACKNOWLEDGED, incident, by, via=by.via)
    return incident


def unacknowledge(incident: Incident, *, by: Actor) -> Incident:
    """Give it back: it is triggered again and escalates from the first level."""
    incident = moves.claimed(incident, by)
    incident.status = moves.move("unacknowledge", incident)
    for responder in incident.responders:
        responder.kind = "responder" if responder.kind == "assignee" else responder.kind
    moves.trigger(incident)
    moves.said(events.UNACKNOWLEDGED, incident, by, via=by.via)
    return incident


def resolve(incident: Incident, *, by: Actor, note: str = "") -> Incident:
    """It is over; its alerts are resolved with it."""
    incident = moves.claimed(incident, by)
    if len(note) > 2000:
        raise Invalid(problems=[Problem("note", "A resolution note has at most 2,000 characters")])
    _ask_for_note(incident, note, by)
    nobody, now = incident.acknowledged_at is None, clock.now()
    incident.status = moves.move("resolve", incident)
    incident.resolved_at, incident.resolved_by, incident.resolved_name = now, by.ref, by.name[:200]
    incident.resolution_note, incident.snoozed_until, incident.update_due_at = note.strip(), None, None
    session.execute(update(Alert).where(Alert.incident_id == incident.id, Alert.status == "firing")
                    .values(status="resolved", resolved_at=now))
    moves.said(events.RESOLVED, incident, by, via=by.via, note=incident.resolution_note, nobody_acted=nobody)
    return incident


def _ask_for_note(incident: Incident, note: str, by: Actor) -> None:
    """A person who resolves says what it was where the team wants to know; what recovered by itself has no author."""
    asked = incident.team is not None and incident.team.note_required and not incident.test
    if asked and by.user_id is not None and not note.strip() and incident.status != rules.RESOLVED:
        raise Invalid(problems=[Problem("note", f"{incident.team.name} wants to know what it was: add a note")])


def reopen(incident: Incident, *, by: Actor) -> Incident:
    """It is not over after all: back to triggered, paged from the first level. Possible for 30 days."""
    incident = moves.claimed(incident, by)
    status = moves.move("reopen", incident)
    if incident.merged_into_id is not None:
        raise Conflict(f"It was merged into #{incident.merged_into_id}. Take it out there.", state=state_of(incident))
    if incident.resolved_at and clock.now() - incident.resolved_at > timedelta(days=rules.REOPEN_WITHIN_DAYS):
        raise Conflict("It was resolved more than 30 days ago. Open a new incident instead.", state=state_of(incident))
    incident.status = status
    incident.resolved_at = incident.resolved_by = incident.resolved_name = None
    incident.resolution_note, incident.silenced_by = "", None
    moves.trigger(incident)
    moves.wind(incident)
    moves.said(events.REOPENED, incident, by, via=by.via)
    return incident


def assign(incident: Incident, people: Sequence[User], *, by: Actor) -> Incident:
    """Make these the people whose incident it is; the state stays as it is."""
    incident = moves.claimed(incident, by)
    moves.move("assign", incident)
    moves.check_people(incident, people, "assignees")
    former = [responder for responder in incident.responders if responder.kind == "assignee"]
    for responder in former:
        responder.kind = "responder"
    for person in people:
        moves.connect(incident, person.id, "assignee", "requested")
    moves.said(events.ASSIGNED, incident, by, people=[person.name for person in people],
            ids=[person.id for person in people], former=[responder.user_id for responder in former])
    return incident


def add_responders(incident: Incident, people: Sequence[User], *, by: Actor) -> Incident:
    """Ask more people to help, without changing state, assignees or timers."""
    incident = moves.claimed(incident, by)
    moves.move("add responders", incident)
    moves.check_people(incident, people, "responders")
    for person in people:
        moves.connect(incident, person.id, "responder", "requested")
    moves.said(events.RESPONDERS_ADDED, incident, by, people=[person.name for person in people],
            ids=[person.id for person in people])
    return incident


def involve(incident: Incident, people: Iterable[int]) -> None:
    """These people were paged for it: they may act on it as responders."""
    known = {responder.user_id for responder in incident.responders}
    for user_id in dict.fromkeys(people):
        if user_id not in known:
            incident.responders.append(Responder(user_id=user_id, kind="paged", state="requested"))


def set_priority(incident: Incident, priority: str | None, *, by: Actor) -> Incident:
    """P1 to P5, or none."""
    incident = moves.claimed(incident, by)
    moves.move("set the priority of", incident)
    if priority not in (None, *rules.PRIORITIES):
        raise Invalid(problems=[Problem("priority", "A priority is P1, P2, P3, P4, P5 or none")])
    if priority != incident.priority:
        before, incident.priority = incident.priority, priority
        moves.said(events.PRIORITY_CHANGED, incident, by, before=before, after=priority or "none")
    return incident


def snooze(incident: Incident, until: datetime, *, by: Actor) -> Incident:
    """Silence until `until` (5 minutes to 7 days from now); then it is triggered and pages from the first level."""
    incident = moves.claimed(incident, by)
    status = moves.move("snooze", incident)
    if not SNOOZE[0] - timedelta(seconds=5) <= until - clock.now() <= SNOOZE[1]:
        raise Invalid(problems=[Problem("until", "A snooze lasts from 5 minutes to 7 days")])
    incident.status, incident.snoozed_until = status, until
    moves.said(events.SNOOZED, incident, by, until=clock.rfc3339(until))
    return incident


def end_snooze(incident: Incident) -> None:
    """Its time is over: triggered again, paged from the first level."""
    moves.trigger(incident)
    moves.said(events.SNOOZE_ENDED, incident, SYSTEM, reason="")


def speak(incident: Incident, *, by: Actor) -> Incident:
    """Its ended shadow left it silent; from now on it is heard, and what is triggered pages from its first level."""
    incident = lock(incident.id)
    if incident.status == rules.RESOLVED:
        raise Conflict(f"Already resolved by {incident.resolved_name}", state=state_of(incident))
    incident.silenced_by, incident.triggered_at = None, clock.now()
    moves.said(events.LET_PAGE, incident, by)
    return incident


def trigger_again(incident: Incident, *, by: Actor) -> Incident:
    """"Escalate now" on an acknowledged or snoozed incident: nobody has it any more."""
    incident = moves.claimed(incident, by)
    incident.status = moves.move("escalate", incident)
    if incident.acknowledged_at or incident.snoozed_until:
        moves.trigger(incident)
    return incident
