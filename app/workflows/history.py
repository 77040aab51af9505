"""How an incident was at a fact: what changed since is read backwards from the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.core.db import session
from app.core.events import Event
from app.incidents.models import Incident

# What status a fact leads to.
STATUS = {
    "incident.opened": "triggered", "incident.acknowledged": "acknowledged", "incident.unacknowledged": "triggered",
    "incident.resolved": "resolved", "incident.reopened": "triggered", "incident.merged": "resolved",
    "incident.snoozed": "triggered", "incident.snooze_ended": "triggered", "incident.undone": "",
}
# Facts that carry what was before, and of which field.
BEFORE = {"incident.severity_raised": "severity", "incident.severity_lowered": "severity",
          "incident.urgency_changed": "urgency", "incident.priority_changed": "priority", "incident.text_changed": ""}


def as_of(incident: Incident, event: Event) -> dict[str, Any]:
    """Status, severity, urgency, priority, title and description as they were right after `event`."""
    facts = list(session.scalars(select(Event).where(
        Event.subject == incident.ref, Event.kind.in_((*STATUS, *BEFORE))).order_by(Event.id)))
    found: dict[str, Any] = {name: getattr(incident, name) for name in
                             ("severity", "urgency", "priority", "title", "description")}
    for fact in reversed([fact for fact in facts if fact.id > event.id]):
        if fact.kind in BEFORE and (field := BEFORE[fact.kind] or str(fact.data.get("what"))) in found:
            found[field] = fact.data.get("before")
    found["status"] = status_after(facts, event.id) or incident.status
    return found


def status_after(facts: Sequence[Event], event_id: int) -> str:
    """The status that the facts up to this one led to; "" when they say none."""
    said = [STATUS[fact.kind] or str(fact.data.get("status") or "") for fact in facts
            if fact.id <= event_id and fact.kind in STATUS]
    return said[-1] if said else ""


def moved(incident: Incident, event: Event) -> tuple[str, str]:
    """From which status the fact led to which; equal when it changed none."""
    facts = list(session.scalars(select(Event).where(
        Event.subject == incident.ref, Event.kind.in_(STATUS), Event.id <= event.id).order_by(Event.id)))
    return status_after(facts, event.id - 1), status_after(facts, event.id)
