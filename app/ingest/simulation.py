"""What would happen: the very code of the real road, played at a chosen time in a transaction that is taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from app.catalog.models import Service
from app.catalog.queries import service_named
from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.aside import aside
from app.core.db import session, transaction
from app.core.errors import Invalid, NotFound, Problem
from app.core.events import Event
from app.escalation import holds
from app.escalation import queries as runs
from app.escalation import service as escalation
from app.escalation.models import Hold, Run
from app.escalation.rules import NOBODY, kind_of
from app.identity.queries import allow
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.ingest import pipeline, queries
from app.ingest.models import Delivery, Integration
from app.notifications import rules as messages
from app.notifications.models import Message

LONGEST, MOST = timedelta(hours=48), 200
PAST = "This is how things are configured today; at that time it may have been otherwise."
ACTIONS = ("open", "join", "reopen", "suppress", "maintenance", "silence", "resolve", "acknowledge", "nothing")


@dataclass(frozen=True)
class Suppose:
    """A payload at an integration (as a sender would post it), or an incident of a service."""

    at: datetime
    integration: Integration | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    service: Service | None = None
    severity: str = "critical"


class _TakenBack(Exception):
    """Ends the play, so that its transaction is rolled back and nothing is handed over."""


def simulate(suppose: Suppose, *, by: Actor) -> dict[str, Any]:
    """Which route, which incident, who is paged when by what; nothing is stored, sent or advanced.

    Raises Invalid at `payload` when the plugin can't read it, NotFound when it ends where `by` may not look.
    """
    found: dict[str, Any] = {}
    with suppress(_TakenBack), aside(), transaction():
        with clock.at(suppose.at):
            found = _of_service(suppose, by) if suppose.service is not None else _of_payload(suppose, by)
        raise _TakenBack
    found["at"] = clock.rfc3339(suppose.at)
    found["notes"] = [PAST] if suppose.at < clock.now() - timedelta(minutes=5) else []
    return found


def _of_service(suppose: Suppose, by: Actor) -> dict[str, Any]:
    service = session.get(Service, suppose.service.id) if suppose.service else None
    allow(by, "schedule.read", team_id=service.team_id if service else None)
    trace = {"step": "service", "reason": "The incident is of this service", "considered": []}
    incident = incidents.open_incident(incidents.Opening(
        title="A simulated incident", severity=suppose.severity, service=service, route=trace), by=SYSTEM)
    escalation.start(incident)
    return _told(incident, "open", None, "")


def _of_payload(suppose: Suppose, by: Actor) -> dict[str, Any]:
    integration = session.get(Integration, suppose.integration.id) if suppose.integration else None
    if integration is None:
        raise Invalid(problems=[Problem("integration", "Name an integration, or a service")])
    allow(by, "integration.read", team_id=integration.team_id)
    delivery = Delivery(integration_id=integration.id, received_at=suppose.at, headers=dict(suppose.headers),
                        query=dict(suppose.query), body=suppose.body, state="received",
                        body_hash=hashlib.sha256(suppose.body).hexdigest())
    delivery.integration = integration
    session.add(delivery)
    session.flush()
    known = set(session.scalars(select(Incident.id).where(Incident.status != "resolved")))
    pipeline.process(delivery, pipeline.begin(integration))
    if delivery.state != "processed":
        raise Invalid(problems=[Problem("payload", delivery.note or "The plugin can't read this")])
    first: dict[str, Any] = next((one for one in delivery.results if one["incident"]), (delivery.results or [{}])[0])
    incident = session.get(Incident, first["incident"]) if first.get("incident") else None
    if incident is None:
        return _without(first, len(delivery.results))
    allow(by, "schedule.read", team_id=incident.team_id)
    action = "open" if incident.id not in known else _action(first["note"])
    return {**_told(incident, action, None if action == "open" else incident.id, first["note"]),
            "signals": len(delivery.results)}


def _action(note: str) -> str:
    said = {"incident resolved": "resolve", "alert resolved": "resolve", "acknowledged": "acknowledge",
            "suppressed": "suppress"}
    return next((action for start, action in said.items() if note.startswith(start)), "join")


def _without(result: Mapping[str, Any], signals: int) -> dict[str, Any]:
    note = str(result.get("note", "it holds no signal"))
    action = "suppress" if note.startswith("suppressed") else "nothing"
    return {"route": {"step": None, "rule": note.removeprefix("suppressed by the route ") if action == "suppress" else None,
                      "reason": note, "considered": []}, "service": None, "policy": None, "held": None,
            "incident": {"action": action, "number": None, "note": note}, "signals": signals,
            "pages": [], "skipped": [], "posts": []}


def _told(incident: Incident, action: str, number: int | None, note: str) -> dict[str, Any]:
    hold = holds.current(incident.id)
    fresh = action == "open"
    if fresh and hold is not None and hold.kind in ("maintenance", "silence"):
        action = hold.kind
    held = {"kind": hold.kind, "reason": hold.reason, "until": clock.rfc3339(hold.next_at)} if hold else None
    if fresh:
        _follow(incident)
    run = runs.latest(incident.id)
    trace = incident.route or {}
    matched = [one["rule"] for one in trace.get("routes", []) if one["matched"]]
    return {
        "route": {"step": trace.get("step"), "rule": matched[-1] if matched else None, "reason": trace.get("reason", ""),
                  "considered": [*trace.get("routes", []), *({"rule": "", "matched": False, "reason": text}
                                                             for text in trace.get("considered", []))]},
        "service": {"key": incident.service.key, "name": incident.service.name} if incident.service else None,
        "policy": _first_policy(incident) or (run.policy_name if run else None),
        "incident": {"action": action, "number": number, "note": note, "title": incident.title,
                     "severity": incident.severity, "urgency": incident.urgency},
        "held": held, "pages": _pages(incident) if fresh else [], "skipped": _skipped(incident) if fresh else [],
        "posts": _posts(incident) if fresh else []}


def _first_policy(incident: Incident) -> str | None:
    return session.scalar(select(Run.policy_name).where(Run.incident_id == incident.id).order_by(Run.id).limit(1))


def _follow(incident: Incident) -> None:
    """Let time pass, and nobody answer: each due step is done at its time, at most 200 and for 48 hours."""
    began = clock.now()
    for _ in range(MOST):
        hold, run = holds.current(incident.id), runs.running(incident.id)
        due = hold.next_at if hold is not None else run.next_at if run is not None else None
        if due is None or due - began > LONGEST:
            return
        with clock.at(max(due, began)):
            _sent(incident)
            if hold is not None:
                _let_go(incident, hold)
            elif run is not None:
                escalation.advance(run, incident)


def _let_go(incident: Incident, hold: Hold) -> None:
    if escalation.start(incident) is None and hold.ended_at is None and hold.next_at <= clock.now():
        hold.ended_at = clock.now()


def _sent(incident: Incident) -> None:
    """What was due by now has been sent: it is not taken back when its person is paged again."""
    session.execute(update(Message).where(Message.incident_id == incident.id, Message.state == "queued",
                                          Message.next_at <= clock.now()).values(state="sent", sent_at=Message.next_at),
                    execution_options={"synchronize_session": "fetch"})


def _pages(incident: Incident) -> list[dict[str, Any]]:
    found = session.scalars(select(Message).where(Message.incident_id == incident.id, Message.state.in_(("queued", "sent")))
                            .order_by(Message.next_at, Message.id))
    names = dict(session.execute(select(Run.id, Run.policy_name).where(Run.incident_id == incident.id)).all())
    return [{"policy": names.get(one.run_id or 0),
             "at": clock.rfc3339(one.next_at), "level": None if one.level is None else one.level + 1,
             "round": None if one.round is None else one.round + 1,
             "user": {"email": one.user.email, "name": one.user.name}, "channel": one.channel,
             "address": messages.masked(one.channel, one.address), "reason": one.reason} for one in found]


def _skipped(incident: Incident) -> list[dict[str, Any]]:
    levels: dict[int, Run] = {one.id: one for one in session.scalars(select(Run).where(Run.incident_id == incident.id))}
    found = session.scalars(select(Event).where(Event.subject == incident.ref, Event.kind == "escalation.level_skipped")
                            .order_by(Event.id))
    return [{"at": clock.rfc3339(one.at), "level": one.data["level"], "round": one.data["round"],
             "target": _targets(levels.get(one.data.get("run")), one.data["level"]), "reason": one.data["reason"]}
            for one in found]


def _posts(incident: Incident) -> list[dict[str, Any]]:
    """What levels would post or call; a room or a webhook gets one and no more."""
    found = session.scalars(select(Event).where(Event.subject == incident.ref, Event.kind.in_(
        ("escalation.posted", "escalation.called"))).order_by(Event.id))
    return [{"at": clock.rfc3339(one.at), "level": one.data["level"], "round": one.data["round"], kind: name}
            for one in found if one.data.get("fresh", True) for kind in NOBODY for name in one.data.get(f"{kind}s", ())]


def _targets(run: Run | None, level: int) -> str:
    """The kinds of what the level names, `schedule, user`."""
    targets = run.levels[level - 1]["targets"] if run is not None and level <= len(run.levels) else []
    return ", ".join(dict.fromkeys(kind_of(target) for target in targets))


def body_of(payload: Any) -> bytes:
    """The bytes that a sender would post: text as it is, anything else as JSON."""
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()


def instant(text: str) -> datetime:
    """The time asked for; now when left out. Raises Invalid."""
    try:
        return clock.parse_instant(text) if text else clock.now()
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem("at", "at is a time like 2026-03-01T09:00:00Z")]) from None


def delivery_for(found: Delivery, at: datetime) -> Suppose:
    """A stored delivery, as if it came at `at`. Raises NotFound when its body was purged."""
    if not found.body:
        raise NotFound(f"The body of delivery {found.id} is no longer kept")
    return Suppose(at, found.integration, found.body, found.headers, found.query)


def supposed(asked: Mapping[str, Any], *, by: Actor) -> Suppose:
    """What a request supposes: `integration` and `payload`, `delivery`, or `service` and `severity`; `at`. Raises Invalid,
    NotFound."""
    at = instant(str(asked.get("at") or ""))
    if asked.get("delivery"):
        found = queries.delivery_for(str(asked["delivery"]), by)
        allow(by, "integration.secrets", team_id=found.integration.team_id)
        return delivery_for(found, at)
    if asked.get("integration"):
        if asked.get("payload") in (None, ""):
            raise Invalid(problems=[Problem("payload", "Paste what a sender would post")])
        return Suppose(at, queries.integration_for(str(asked["integration"]), by), body_of(asked["payload"]))
    service = service_named(str(asked.get("service") or ""), by)
    if service is None:
        raise Invalid(problems=[Problem("service", f"There is no service {asked['service']}" if asked.get("service") else
                                        "Name a service, or an integration and a payload")])
    allow(by, "schedule.read", team_id=service.team_id)
    return Suppose(at, service=service, severity=str(asked.get("severity") or "critical"))
