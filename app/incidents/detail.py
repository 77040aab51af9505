"""What the page of one incident shows: state, actions, alerts, the timeline in entries, why it came here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import KINDS, Event, sentence
from app.core.panels import panels
from app.identity.models import User
from app.identity.queries import may
from app.incidents import markdown
from app.incidents.models import Alert, Incident, Note
from app.incidents.queries import alerts_of, incident_for, involved, number_of, similar, timeline
from app.incidents.room_pages import Room, room
from app.incidents.rules import EDIT_WITHIN_HOURS

ENTRIES, ALERTS = 100, 10
SHOWN = {
    "all": ("",), "notes": ("incident.note_", "incident.update_posted"), "pages": ("message.", "escalation."),
    "automation": ("incident.routed", "incident.alert_joined", "runbook.", "execution.", "workflow.", "run."),
    "actions": ("incident.acknowledged", "incident.unacknowledged", "incident.assigned", "incident.responders_added",
                "incident.priority", "incident.severity", "incident.urgency", "incident.text", "incident.snooze",
                "incident.resolved", "incident.reopened", "incident.role", "incident.task", "incident.responder_",
                "incident.update", "incident.merged", "incident.unmerged", "incident.undone", "escalation.escalated"),
}
# kind → tone and drawing; the first that fits
DRAWN = (
    ("incident.opened", "danger", "triggered"), ("incident.reopened", "danger", "triggered"),
    ("incident.unacknowledged", "danger", "triggered"), ("incident.snooze_ended", "danger", "triggered"),
    ("incident.acknowledged", "human", "acknowledged"), ("incident.resolved", "calm", "resolved"),
    ("incident.note_deleted", "quiet", "note"), ("incident.note_", "human", "note"), ("incident.role_", "human", "user"),
    ("incident.task_", "human", "check"), ("incident.update_due", "caution", "clock"), ("incident.update", "info", "users"),
    ("incident.merged", "quiet", "link"), ("incident.unmerged", "caution", "link"), ("incident.undone", "caution", "undo"),
    ("incident.responder_answered", "human", "users"), ("incident.severity_lowered", "quiet", "lower"),
    ("incident.urgency_changed", "quiet", "tag"), ("incident.text_changed", "quiet", "pencil"),
    ("incident.assigned", "human", "swap"),
    ("incident.responders_added", "human", "users"), ("incident.snoozed", "quiet", "snoozed"),
    ("incident.routed", "quiet", "route"), ("incident.alert_joined", "quiet", "bell"),
    ("incident.storm", "alert", "warn"), ("incident.flapping", "caution", "refresh"),
    ("incident.severity_raised", "alert", "escalate"), ("escalation.escalated", "human", "escalate"),
    ("escalation.exhausted", "danger", "failed"), ("escalation.stumbled", "danger", "failed"),
    ("escalation.level_skipped", "caution", "warn"),
    ("escalation.held", "info", "snoozed"), ("escalation.released", "alert", "bell"),
    ("escalation.posted", "info", "chat"), ("escalation.", "quiet", "ladder"), ("message.failed", "danger", "failed"),
    ("runbook.attempt_failed", "caution", "warn"), ("runbook.", "info", "runbook"),
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
    note: int = 0


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
    room: Room
    refusal: str = ""
    typed: str = ""
    to: str = "note"
    task: str = ""
    came: str = ""
    preview: Markup | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    panels: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The number of the incident."""
        return self.incident.id


def state(incident: Incident) -> str:
    """The state in one word, snoozed and merged apart."""
    if incident.merged_into_id is not None:
        return "merged"
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
        entries=entries(found[:ENTRIES], ZoneInfo(zone), _notes(incident, found), by),
        room=room(incident, by), older=found[ENTRIES - 1].id if len(found) > ENTRIES else 0,
        why=why(incident), similar=similar(incident, by),
        panels=panels("incident", incident) | panels("incident_for_reader", incident, by),
        came=str(number_of(args.get("came", "")) or ""), **form)


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


def _notes(incident: Incident, events: Sequence[Event]) -> dict[int, Note]:
    """The notes behind these entries, by id."""
    wanted = {event.data["note"] for event in events if event.kind.startswith("incident.note_")}
    if not wanted:
        return {}
    found = session.scalars(select(Note).where(Note.incident_id == incident.id, Note.id.in_(wanted)))
    return {note.id: note for note in found}


def may_edit(note: Note, by: Actor | None) -> bool:
    """Whether this person still may change the note: its author, for a day."""
    return by is not None and note.author == by.ref and note.deleted_at is None and (
        clock.now() - note.created_at < timedelta(hours=EDIT_WITHIN_HOURS))


def wrote(incident: Incident, by: Actor) -> bool:
    """Whether this person sees more than others on the timeline: the pencil at their own fresh notes."""
    since = clock.now() - timedelta(hours=EDIT_WITHIN_HOURS)
    return session.scalar(select(Note.id).where(Note.incident_id == incident.id, Note.author == by.ref,
                                                Note.created_at > since).limit(1)) is not None


def whole(number: int | str, by: Actor) -> IncidentPage:
    """The page for printing: every entry, oldest first. Raises NotFound."""
    found = incident_page(number, by, {})
    events = timeline(found.incident, limit=10_000)
    lines = entries(events, ZoneInfo(found.zone), _notes(found.incident, events), None)
    return replace(found, entries=lines, alerts=alerts_of(found.incident, limit=200), older=0)


def entries(events: Sequence[Event], zone: ZoneInfo, notes: Mapping[int, Note] | None = None,
            by: Actor | None = None) -> list[Entry]:
    """The lines of the timeline: a date where the day changes, and runs of three or more alike under one line."""
    lines: list[Entry] = []
    day: date | None = None
    at = 0
    while at < len(events):
        event, run = events[at], _run(events, at)
        here = event.at.astimezone(zone).date()
        note = (notes or {}).get(event.data.get("note", 0)) if event.kind.startswith("incident.note_") else None
        line = _entry(event, here != day, events[at:at + run] if run > 2 else ())
        lines.append(_as_it_is_now(line, event, note, by) if note else line)
        at, day = at + (run if run > 2 else 1), here
    return lines


def _run(events: Sequence[Event], start: int) -> int:
    """How many entries of the kind of the first follow each other; only what nobody wrote by hand collapses."""
    kind = events[start].kind
    if not kind.startswith(("incident.alert_joined", "message.", "escalation.level_skipped", "escalation.stumbled")):
        return 1
    end = start
    while end < len(events) and events[end].kind == kind:
        end += 1
    return end - start


def drawn(name: str) -> tuple[str, str]:
    """Tone and drawing of a kind of entry."""
    return next((tone, drawing) for kind, tone, drawing in DRAWN if name.startswith(kind))


def _entry(event: Event, new_day: bool, alike: Sequence[Event]) -> Entry:
    tone, drawing = drawn(event.kind)
    written = event.data.get("body") or event.data.get("note") if event.kind != "incident.opened" else ""
    body = markdown.html(written) if isinstance(written, str) and written else None
    text = f"{len(alike)} entries: {sentence(event)}" if alike else sentence(event)
    return Entry(event.id, event.at, text, tone, drawing, body, new_day,
                 tuple((one.at, sentence(one)) for one in alike))


def _as_it_is_now(line: Entry, event: Event, note: Note, by: Actor | None) -> Entry:
    """A deleted note shows only that it was there; a fresh one of the reader's own can be changed."""
    if note.deleted_at is not None and event.kind != "incident.note_deleted":
        return replace(line, body=None, text=f"{line.text}, deleted since")
    fresh = event.kind == "incident.note_added" and may_edit(note, by)
    return replace(line, note=note.id) if fresh else line


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
