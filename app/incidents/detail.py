"""What the page of one incident shows: state, actions, alerts, the timeline in entries, why it came here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.events import KINDS, Event, sentence
from app.core.panels import panels
from app.identity.models import User
from app.identity.queries import may
from app.incidents import markdown
from app.incidents.models import Alert, Incident
from app.incidents.queries import alerts_of, incident_for, involved, similar

ENTRIES, ALERTS = 100, 10
SHOWN = {
    "all": ("",), "notes": ("incident.note_added",), "pages": ("message.", "escalation."),
    "actions": ("incident.acknowledged", "incident.unacknowledged", "incident.assigned", "incident.responders_added",
                "incident.priority", "incident.severity", "incident.snooze", "incident.resolved", "incident.reopened",
                "escalation.escalated"),
}
# kind → tone and drawing; the first that fits
DRAWN = (
    ("incident.opened", "danger", "triggered"), ("incident.reopened", "danger", "triggered"),
    ("incident.unacknowledged", "danger", "triggered"), ("incident.snooze_ended", "danger", "triggered"),
    ("incident.acknowledged", "human", "acknowledged"), ("incident.resolved", "calm", "resolved"),
    ("incident.note_added", "human", "note"), ("incident.assigned", "human", "swap"),
    ("incident.responders_added", "human", "users"), ("incident.snoozed", "quiet", "snoozed"),
    ("incident.routed", "quiet", "route"), ("incident.alert_joined", "quiet", "bell"),
    ("incident.severity_raised", "alert", "escalate"), ("escalation.escalated", "human", "escalate"),
    ("escalation.exhausted", "danger", "failed"), ("escalation.level_skipped", "caution", "warn"),
    ("escalation.", "quiet", "ladder"), ("message.failed", "danger", "failed"),
    ("message.unreachable", "danger", "failed"), ("message.", "calm", "mail"), ("", "quiet", "info"),
)


@dataclass(frozen=True)
class Entry:
    """One line of the timeline; `alike` are the entries that it stands for, when three or more of a kind follow."""

    id: int
    at: datetime
    text: str
    tone: str
    drawing: str
    body: Markup | None = None
    new_day: bool = False
    alike: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True)
class IncidentPage:
    """One incident. `refusal` is why the last press changed nothing; `typed` and `faults` belong to the note form."""

    incident: Incident
    state: str
    may_act: bool
    description: Markup
    alerts: list[Alert]
    entries: list[Entry]
    older: int
    show: str
    zone: str
    why: list[str]
    similar: list[Incident]
    refusal: str = ""
    typed: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    panels: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The number of the incident."""
        return self.incident.id


def state(incident: Incident) -> str:
    """The state in one word, snoozed apart."""
    return "snoozed" if incident.snoozed_until is not None else incident.status


def may_act(incident: Incident, by: Actor) -> bool:
    """Whether this person may act on it."""
    return may(by, "incident.act", team_id=incident.team_id, involved=involved(incident, by))


def incident_page(number: int | str, by: Actor, args: Mapping[str, str], **form: Any) -> IncidentPage:
    """Everything the page shows; `show` and `before` narrow the timeline. Raises NotFound."""
    incident = incident_for(number, by)
    show = args.get("show", "all") if args.get("show") in SHOWN else "all"
    before = args.get("before", "")
    zone = zone_of(by)
    found = _events(incident, show, int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else 0)
    return IncidentPage(
        incident=incident, state=state(incident), may_act=may_act(incident, by), show=show, zone=zone,
        description=markdown.html(incident.description), alerts=alerts_of(incident, limit=ALERTS),
        entries=entries(found[:ENTRIES], ZoneInfo(zone)), older=found[ENTRIES - 1].id if len(found) > ENTRIES else 0,
        why=why(incident), similar=similar(incident, by), panels=panels("incident", incident), **form)


def zone_of(by: Actor) -> str:
    """The time zone in which this person reads dates."""
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return user.time_zone if user else "UTC"


def _events(incident: Incident, show: str, before: int) -> list[Event]:
    """The newest entries first, one more than a page."""
    kinds = [kind.name for kind in KINDS.values() if kind.timeline and kind.name.startswith(SHOWN[show])]
    query = select(Event).where(Event.subject == incident.ref, Event.kind.in_(kinds))
    if before:
        query = query.where(Event.id < before)
    return list(session.scalars(query.order_by(Event.id.desc()).limit(ENTRIES + 1)))


def entries(events: Sequence[Event], zone: ZoneInfo) -> list[Entry]:
    """The lines of the timeline: a date where the day changes, and runs of three or more alike under one line."""
    lines: list[Entry] = []
    day: date | None = None
    at = 0
    while at < len(events):
        event, run = events[at], _run(events, at)
        here = event.at.astimezone(zone).date()
        lines.append(_entry(event, here != day, events[at:at + run] if run > 2 else ()))
        at, day = at + (run if run > 2 else 1), here
    return lines


def _run(events: Sequence[Event], start: int) -> int:
    """How many entries of the kind of the first follow each other; only what nobody wrote by hand collapses."""
    kind = events[start].kind
    if not kind.startswith(("incident.alert_joined", "message.", "escalation.level_skipped")):
        return 1
    end = start
    while end < len(events) and events[end].kind == kind:
        end += 1
    return end - start


def _entry(event: Event, new_day: bool, alike: Sequence[Event]) -> Entry:
    tone, drawing = next((tone, drawing) for kind, tone, drawing in DRAWN if event.kind.startswith(kind))
    written = event.data.get("body") or event.data.get("note") if event.kind != "incident.opened" else ""
    body = markdown.html(written) if isinstance(written, str) and written else None
    text = f"{len(alike)} entries: {sentence(event)}" if alike else sentence(event)
    return Entry(event.id, event.at, text, tone, drawing, body, new_day,
                 tuple((one.at, sentence(one)) for one in alike))


def why(incident: Incident) -> list[str]:
    """How it came to this service and policy, in sentences."""
    route = incident.route or {}
    if not route:
        return ["It was opened by hand." if incident.opened_by.startswith("user:") else "It was opened directly."]
    steps = [f"{text[:1].upper()}{text[1:]}." for text in route.get("considered", [])]
    told = [*steps, f"{route.get('reason', '')}."] if route.get("step") != "catch-all" else [f"{route.get('reason', '')}."]
    if route.get("policy"):
        told.append(f"Policy when it opened: {route['policy']}.")
    return [text for text in told if text != "."]
