"""Why an incident came here and paged whom: delivery, signal, each route, the frozen policies, each page and skip."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from app.core.access import Actor
from app.core.db import session
from app.core.events import Event, sentence
from app.core.forms import duration_text
from app.escalation.documents import target_document
from app.escalation.models import Run
from app.escalation.rules import condition_text, kind_of
from app.identity.queries import may
from app.incidents.models import Incident
from app.incidents.queries import incident_for
from app.ingest import inspection, raw
from app.ingest.models import Delivery
from app.notifications import rules as messages
from app.notifications.models import Message

MOST = 300
DRAWN = {"escalation.level_skipped": ("caution", "warn"), "escalation.posted": ("info", "chat"),
         "escalation.called": ("info", "webhook"), "escalation.held": ("info", "snoozed"),
         "escalation.released": ("alert", "bell"),
         "escalation.exhausted": ("danger", "failed"), "escalation.stumbled": ("danger", "failed"),
         "incident.severity_raised": ("alert", "escalate"), "incident.storm_began": ("alert", "warn"),
         "incident.flapping": ("caution", "refresh")}
KINDS = ("escalation.started", "escalation.level_reached", "escalation.escalated", *DRAWN)


@dataclass(frozen=True)
class Step:
    """One step of the routing: whether it chose, what was asked, and the answer."""

    name: str
    reason: str
    matched: bool


@dataclass(frozen=True)
class FrozenLevel:
    """A level of a policy as the run keeps it."""

    number: int
    targets: list[str]
    timeout: str
    condition: str = ""


@dataclass(frozen=True)
class FrozenPolicy:
    """A run and its own copy of the policy."""

    run: Run
    levels: list[FrozenLevel]


@dataclass(frozen=True)
class Line:
    """Something that was done or not done, and why."""

    at: datetime
    text: str
    reason: str
    tone: str
    drawing: str


@dataclass(frozen=True)
class WhyPage:
    """The page. Body and signals are None for those who may not see them."""

    incident: Incident
    delivery: Delivery | None
    body: Markup | None
    computed: inspection.Computed | None
    steps: list[Step]
    policies: list[FrozenPolicy]
    lines: list[Line] = field(default_factory=list)

    @property
    def id(self) -> int:
        """The number of the incident."""
        return self.incident.id


def why_page(number: int | str, by: Actor) -> WhyPage:
    """Everything that explains the incident. Raises NotFound."""
    incident = incident_for(number, by)
    delivery = _delivery(incident)
    may_see = delivery is not None and may(by, "integration.secrets", team_id=delivery.integration.team_id)
    found = list(session.scalars(select(Run).where(Run.incident_id == incident.id).order_by(Run.id).limit(20)))
    return WhyPage(
        incident=incident, delivery=delivery, steps=steps(incident.route or {}),
        body=raw.coloured(raw.body(delivery.body)) if delivery is not None and may_see else None,
        computed=inspection.computed(delivery) if delivery is not None and may_see else None,
        policies=[FrozenPolicy(run, _levels(run)) for run in found], lines=_lines(incident))


def _delivery(incident: Incident) -> Delivery | None:
    text = str((incident.route or {}).get("delivery", ""))
    if not text.isdecimal():
        return None
    return session.scalar(select(Delivery).where(Delivery.id == int(text)).options(undefer(Delivery.body)))


def steps(route: dict[str, Any]) -> list[Step]:
    """Routes first, as they are asked first; then the steps that chose nothing; then the one that chose."""
    told = [Step(one["rule"], one["reason"], one["matched"]) for one in route.get("routes", [])]
    told += [Step("", f"{text[:1].upper()}{text[1:]}", False) for text in route.get("considered", [])]
    if route.get("reason"):
        told.append(Step(f"By {route['step']}", route["reason"], True))
    if route.get("policy"):
        told.append(Step("Policy", f"{route['policy']}, as it was when the incident opened", True))
    return told


def _levels(run: Run) -> list[FrozenLevel]:
    return [FrozenLevel(at, [_in_words(target) for target in level["targets"]], duration_text(int(level["timeout"])),
                        condition_text(level.get("when")))
            for at, level in enumerate(run.levels, 1)]


def _in_words(target: dict[str, Any]) -> str:
    """`schedule payments-primary`; `all platform admins`."""
    if "admins" in target:
        return "all platform admins"
    said = target_document(target)
    kind = kind_of(said)
    name = ", ".join(said[kind]) if kind == "users" else said[kind]
    how = ", one in turn" if said.get("pick") else ", next on duty" if said.get("next") else ""
    return f"{kind} {name or 'that was removed'}{how}"


def _lines(incident: Incident) -> list[Line]:
    """Levels, skips, holds and messages in the order of their times."""
    events = session.scalars(select(Event).where(Event.subject == incident.ref, Event.kind.in_(KINDS))
                             .order_by(Event.id).limit(MOST))
    lines = [Line(one.at, sentence(one), "", *DRAWN.get(one.kind, ("quiet", "ladder"))) for one in events]
    sent = session.scalars(select(Message).where(Message.incident_id == incident.id, Message.kind.in_(("page", "request")))
                           .options(joinedload(Message.user)).order_by(Message.id).limit(MOST))
    lines += [_of_message(one) for one in sent]
    return sorted(lines, key=lambda line: line.at)


def _of_message(message: Message) -> Line:
    tones = {"failed": "danger", "cancelled": "quiet", "expired": "danger", "queued": "info", "sending": "info"}
    address = messages.masked(message.channel, message.address)
    text = f"{message.user.name} by {message.channel} to {address}: {message.state}"
    reason = ", ".join(part for part in (message.reason, message.error) if part)
    return Line(message.sent_at or message.next_at, text, reason, tones.get(message.state, "human"), "mail")
