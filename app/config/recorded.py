"""What really happened in a period: the incidents that deliveries opened, the pages that went out, and why today's
configuration would page otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core.db import session
from app.core.events import Event, sentence
from app.escalation.models import Run
from app.identity.models import User
from app.incidents.models import Incident
from app.ingest.models import READER, Delivery, Integration
from app.ingest.playing import Opened, Page, incidents_in, policy_of
from app.notifications.models import Message

GONE_OUT = ("sending", "sent", "delivered", "failed", "unsent")  # unsent: in shadow it would have gone out at its time
NEAR, BATCH, LATEST, MOST = timedelta(seconds=60), 500, timedelta(days=1), 4
BY_ITSELF = ("system", "integration:", "heartbeat:")
NO_ACT = ("incident.opened", "incident.acknowledged", "incident.resolved", "incident.note_", "incident.task_",
          "incident.role_", "incident.update", "message.")
CHANGED = ("policy.", "route.", "maintenance.", "silence.", "plugin.switched", "contact_method.", "notification_rules.",
           "quiet_hours.", "service.changed", "service.policy_set", "service.removed", "team.", "user.changed",
           "user.activated", "user.deactivated", "integration.changed", "integration.paused", "integration.resumed",
           "schedule.changed", "schedule.created", "schedule.removed", "schedule.archived", "schedule.restored",
           "schedule.override", "schedule.swap_", "schedule.cover_", "schedule.calendar_read", "schedule.holidays_read",
           "plugin.updated")
ANYBODYS = ("schedule.", "route.", "maintenance.", "silence.", "plugin.switched")


@dataclass(frozen=True)
class Arrival:
    """When a delivery came, and which plugin reads it, as the log names that."""

    at: datetime | None = None
    plugin: str = ""


NEVER = Arrival()


@dataclass(frozen=True)
class Real:
    """One incident as it was, until somebody answered, and what was done that no replay does again."""

    opened: Opened
    at: datetime
    until: datetime | None
    refs: frozenset[str]
    causes: tuple[str, ...]


def recorded(since: datetime, until: datetime, deliveries: Container[int]) -> dict[tuple[int, int], Real]:
    """The incidents that these deliveries opened, by delivery and their number within it."""
    found: dict[tuple[int, int], Real] = {}
    count: Counter[int] = Counter()
    numbers = list(session.scalars(select(Incident.id).where(
        Incident.opened_at >= since, Incident.opened_at < until + LATEST).order_by(Incident.id)))
    for some in (numbers[at:at + BATCH] for at in range(0, len(numbers), BATCH)):
        for one in _real(some):
            key = one.opened.delivery
            if key in deliveries:
                found[key, count[key]] = one
                count[key] += 1
    return found


def _real(numbers: Sequence[int]) -> Iterator[Real]:
    incidents = list(session.scalars(select(Incident).where(Incident.id.in_(numbers)).options(
        joinedload(Incident.service)).order_by(Incident.id)))
    came = {one.id: _delivery(one) for one in incidents}
    arrivals = select(Delivery.id, Delivery.received_at, READER).select_from(Delivery).join(Integration)
    arrived = {key: Arrival(at, _owner(reader))
               for key, at, reader in session.execute(arrivals.where(Delivery.id.in_(came.values())))}
    facts: dict[str, list[Event]] = defaultdict(list)
    for fact in session.scalars(select(Event).where(Event.subject.in_([one.ref for one in incidents])).order_by(Event.id)):
        facts[fact.subject].append(fact)
    pages: dict[int | None, list[Message]] = defaultdict(list)
    for message in session.scalars(select(Message).where(
            Message.incident_id.in_(numbers), Message.kind == "page", Message.state.in_(GONE_OUT)).options(
            joinedload(Message.user)).order_by(Message.id)):
        pages[message.incident_id].append(message)
    runs = {one.incident_id: one for one in session.scalars(
        select(Run).where(Run.incident_id.in_(numbers)).order_by(Run.id.desc()))}
    for one in incidents:
        yield _told(one, arrived.get(came[one.id], NEVER), facts[one.ref], pages[one.id], run=runs.get(one.id))


def _delivery(incident: Incident) -> int:
    said = str(incident.route.get("delivery") or "")
    return int(said) if said.isdecimal() else 0


def _owner(reader: str) -> str:
    """The plugin that offers this way in, as the log names it."""
    registry = current_app.extensions["plugins"]
    return f"plugin:{registry.owners.get(('integration', reader), reader)}"


def _told(incident: Incident, arrival: Arrival, facts: Sequence[Event], pages: Sequence[Message], *,
          run: Run | None) -> Real:
    until = next((fact.at for fact in facts if fact.kind in ("incident.acknowledged", "incident.resolved")), None)
    key = _delivery(incident)
    shown = tuple(Page(key, one.started_at or one.next_at, one.user.email, one.channel, (one.level or 0) + 1)
                  for one in pages if until is None or (one.started_at or one.next_at) < until)
    opened = Opened(key, incident.title, incident.service.key if incident.service else "",
                    policy_of(incident, run), shown, route=str(incident.route.get("reason") or ""))
    refs = {ref for ref in (incident.ref, incident.opened_by, incident.service.ref if incident.service else "",
                            f"team:{incident.team_id}", f"policy:{run.policy_id}" if run else "", arrival.plugin) if ref}
    acts = dict.fromkeys(_acts(incident, arrival.at, facts, pages))
    return Real(opened, incident.opened_at, until, frozenset(refs), tuple(acts))


def _acts(incident: Incident, received: datetime | None, facts: Sequence[Event], pages: Sequence[Message]) -> Iterator[str]:
    """What people did, and what went wrong then: a replay does neither again."""
    for fact in facts:
        if not fact.actor.startswith(BY_ITSELF) and not fact.kind.startswith(NO_ACT):
            yield sentence(fact)
    if received is not None and incident.opened_at - received > NEAR:
        yield f"it was worked on {round((incident.opened_at - received).total_seconds())} s after it came"
    if any(one.attempts > 1 or one.state == "failed" for one in pages):
        yield "a page failed then, and was tried again or another way"


def changes(since: datetime) -> list[Event]:
    """What was changed since then that a replay, which plays today's configuration, does not know to be new."""
    return list(session.scalars(select(Event).where(
        Event.at >= since, or_(*(Event.kind.startswith(one, autoescape=True) for one in CHANGED))).order_by(Event.id)))


def cause(real: Real | None, played: Opened | None, differing: Sequence[Page], changed: Sequence[Event]) -> str:
    """Why today's configuration would page otherwise, as far as it is known: "" when nothing explains it."""
    if real is None:
        return _not_then(played, changed) if played is not None else ""
    said = list(real.causes)
    people = session.scalars(select(User).where(User.email.in_({page.email for page in differing})))
    refs = real.refs | {one.ref for one in people}
    said += [f"since changed: {sentence(fact)}" for fact in changed if fact.at >= real.at and (
        fact.kind.startswith(ANYBODYS) or refs & {fact.subject, *fact.also})]
    if real.until is not None and differing and all(abs(page.at - real.until) <= NEAR for page in differing):
        said.append("it was answered at that moment")
    if real.until is not None and differing and all(page.at > real.until for page in differing):
        said.append("it was answered before")
    if played is not None and played.title != real.opened.title:
        said.append(f"its sender is read otherwise today; then it was “{real.opened.title}”")
    return "; ".join(list(dict.fromkeys(said))[:MOST]) + (f"; and {len(said) - MOST} more" if len(said) > MOST else "")


def _not_then(played: Opened, changed: Sequence[Event]) -> str:
    """What became then of a delivery that would open an incident today, and whether it is read by another version now."""
    delivery = session.get(Delivery, played.delivery)
    if delivery is None:
        return ""
    asked = select(READER).select_from(Delivery).join(Integration)
    reader = _owner(str(session.scalar(asked.where(Delivery.id == delivery.id))))
    updates = [f"since changed: {sentence(fact)}" for fact in changed
               if fact.subject == reader and fact.kind == "plugin.updated" and fact.at >= delivery.received_at]
    return "; ".join(part for part in (_joined(delivery), *updates[-1:]) if part)


def _joined(delivery: Delivery) -> str:
    numbers = incidents_in(delivery.results)
    kept = set(session.scalars(select(Incident.id).where(Incident.id.in_(numbers))))
    if gone := [number for number in numbers if number not in kept]:
        return f"incident #{gone[0]}, of which it became part then, is no longer kept"
    if numbers:
        return f"it became part of #{numbers[0]} then, which was open already"
    return f"it opened nothing then: {delivery.note}" if delivery.note else ""


def apart(played: Sequence[Page], real: Sequence[Page]) -> tuple[list[Page], list[Page]]:
    """The pages of today alone and those of then alone: the same person by the same channel within a minute is the same."""
    left, gone = list(real), []
    for page in played:
        near = next((one for one in left if (one.email, one.channel) == (page.email, page.channel)
                     and abs(one.at - page.at) <= NEAR), None)
        if near is None:
            gone.append(page)
        else:
            left.remove(near)
    return gone, left
