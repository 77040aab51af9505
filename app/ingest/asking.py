"""What senders want done beside what they report: notes, snoozes, people. What can't be done is noted, never refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Failure
from app.core.events import record
from app.escalation import service as escalation
from app.escalation.models import Policy
from app.escalation.targets import resolve
from app.identity.models import Team, User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.ingest import events, rules
from app.oncall.models import Schedule
from app.plugin_api import Ask, Signal

NOTE, PEOPLE = 10_000, 20


def apply(signal: Signal, read: rules.Reading, done: dict[str, Any], batch: Any) -> str:
    """Do what the signal asks for; returns what the delivery says of it. `done` is what became of the signal itself."""
    notes = [] if signal.status == "suppressed" else [done["note"]]
    incident = session.get(Incident, done["incident"]) if done["incident"] else None
    for ask in signal.asks:
        if ask.kind == "change":
            notes.append(_change(ask, read, batch))
        elif incident is None:
            notes.append("nothing open")
        else:
            notes.append(_on_incident(ask, incident, batch.actor))
    return "; ".join(dict.fromkeys(note for note in notes if note))


def _on_incident(ask: Ask, incident: Incident, by: Actor) -> str:
    try:
        return _DONE[ask.kind](ask, incident, by)
    except Failure as refusal:
        return str(getattr(refusal, "problems", None) and refusal.problems[0].message or refusal.detail)  # type: ignore[attr-defined]


def _note(ask: Ask, incident: Incident, by: Actor) -> str:
    incidents.add_note(incident, ask.text[:NOTE], by=by)
    return f"noted on #{incident.id}"


def _unacknowledge(ask: Ask, incident: Incident, by: Actor) -> str:
    incidents.unacknowledge(incident, by=by)
    return "given back"


def _snooze(ask: Ask, incident: Incident, by: Actor) -> str:
    incidents.snooze(incident, ask.until or clock.now(), by=by)
    return f"snoozed until {clock.rfc3339(incident.snoozed_until)}"


def _escalate(ask: Ask, incident: Incident, by: Actor) -> str:
    escalation.escalate(incident, by=by)
    return "escalated"


def _people(ask: Ask, incident: Incident, by: Actor) -> str:
    """The people whom the sender's names mean at the moment; further names are left aside."""
    found, unknown = _named(ask.people[:PEOPLE], clock.now())
    if found:
        act = incidents.assign if ask.kind == "assign" else incidents.add_responders
        act(incident, found, by=by)
    said = [f"{'assigned to' if ask.kind == 'assign' else 'asked'} {', '.join(one.name for one in found)}"] if found else []
    return "; ".join([*said, *(f"{name} is not known here" for name in unknown)])


def _named(names: tuple[tuple[str, str], ...], at: datetime) -> tuple[list[User], list[str]]:
    people: dict[int, None] = {}
    unknown: list[str] = []
    for kind, name in names:
        targets = _TARGETS[kind](name.lower())
        if not targets:
            unknown.append(f"the {kind} {name[:80]}")
        people.update(dict.fromkeys(resolve(targets, at).people))
    return list(session.scalars(select(User).where(User.id.in_(people)).order_by(User.id))), unknown


def _user(name: str) -> list[dict[str, Any]]:
    key = session.scalar(select(User.id).where(func.lower(User.email) == name, User.state == "active"))
    return [{"user": key}] if key else []


def _keyed(model: Any, kind: str) -> Callable[[str], list[dict[str, Any]]]:
    def find(name: str) -> list[dict[str, Any]]:
        key = session.scalar(select(model.id).where(or_(func.lower(model.key) == name, func.lower(model.name) == name))
                             .order_by(model.id).limit(1))
        return [{kind: key}] if key else []
    return find


def _policy(name: str) -> list[dict[str, Any]]:
    """A policy stands for its first level."""
    policy = session.scalar(select(Policy).where(or_(func.lower(Policy.key) == name, func.lower(Policy.name) == name))
                            .order_by(Policy.id).limit(1))
    return list(policy.levels[0]["targets"]) if policy is not None and policy.levels else []


_TARGETS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "user": _user, "team": _keyed(Team, "team"), "schedule": _keyed(Schedule, "schedule"), "policy": _policy}
_DONE: dict[str, Callable[[Ask, Incident, Actor], str]] = {
    "note": _note, "unacknowledge": _unacknowledge, "snooze": _snooze, "escalate": _escalate, "assign": _people,
    "respond": _people}


def _change(ask: Ask, read: rules.Reading, batch: Any) -> str:
    """A change that was made somewhere is written down at the service that it names, else at the default one."""
    ids = (batch.places.services.get(key.lower()) for key in read.service_keys)
    service = session.get(Service, next((key for key in ids if key), batch.integration.service_id or 0))
    if service is None:
        return "a change of no service that is known here"
    record(events.CHANGE_NOTED, service.ref, by=batch.actor, also=["services", f"team:{service.team_id}"],
           summary=ask.text[:1024], source=read.labels.get("source", ""), url=read.url, service=service.name)
    return f"a change of {service.name}"
