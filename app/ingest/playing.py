"""Stored deliveries played again, one after the other at their own times: which incidents they open, and who is paged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.db import pending, session
from app.escalation import holds
from app.escalation import queries as runs
from app.escalation import service as escalation
from app.escalation.models import Run
from app.incidents.models import Incident
from app.ingest import pipeline
from app.ingest.models import Delivery, Integration
from app.notifications.models import Message

UNANSWERED = timedelta(hours=2)
MOST = 60
GONE = "its integration is gone"


@dataclass(frozen=True)
class Kept:
    """What is played: a stored delivery, and until when each incident that it opens (from 0) pages."""

    id: int
    integration: str
    received_at: datetime
    headers: dict[str, str]
    query: dict[str, str]
    parts: dict[str, str]
    body: bytes
    until: Callable[[int], datetime]


@dataclass(frozen=True)
class Page:
    """One page that would go out."""

    delivery: int
    at: datetime
    email: str
    channel: str
    level: int


@dataclass(frozen=True)
class Opened:
    """An incident that a delivery opens, with its pages until it was answered; `route` is why it came there."""

    delivery: int
    title: str
    service: str
    policy: str
    pages: tuple[Page, ...]
    route: str = ""


@dataclass(frozen=True)
class Fate:
    """What became of one delivery: the incidents that it opened, and the note of what it did."""

    delivery: int
    note: str
    opened: tuple[Opened, ...] = ()


def play(kept: Iterable[Kept]) -> Iterator[Fate]:
    """Play them in an open transaction that the caller takes back, in a database of its own: nothing is handed over."""
    batches: dict[str, pipeline.Batch | None] = {}
    highest = session.scalar(select(func.max(Incident.id))) or 0
    for one in kept:
        with clock.at(one.received_at):
            if one.integration not in batches:
                found = session.scalar(select(Integration).where(Integration.key == one.integration))
                batches[one.integration] = pipeline.begin(found) if found is not None else None
            batch = batches[one.integration]
            fate, highest = _fate(one, batch, highest) if batch is not None else (Fate(one.id, GONE), highest)
        pending().events.clear()
        yield fate


def incidents_in(results: Sequence[Any] | None) -> list[int]:
    """The numbers of the incidents that a delivery became part of, in its own order."""
    return list(dict.fromkeys(int(one["incident"]) for one in results or [] if one.get("incident")))


def _fate(one: Kept, batch: pipeline.Batch, highest: int) -> tuple[Fate, int]:
    """What became of it, and the highest number of an incident then: those above the former one it opened."""
    delivery = Delivery(integration_id=batch.integration.id, received_at=one.received_at, headers=one.headers,
                        query=one.query, parts=one.parts, body=one.body, state="received", body_hash=f"replay-{one.id}")
    delivery.integration = batch.integration
    session.add(delivery)
    session.flush()
    pipeline.process(delivery, batch)
    session.expunge(delivery)  # what its row would say now nobody reads
    numbers = sorted(number for number in incidents_in(delivery.results) if number > highest)
    opened = [_opened(one, session.get_one(Incident, number), one.until(place)) for place, number in enumerate(numbers)]
    return Fate(one.id, delivery.note, tuple(opened)), max([highest, *numbers])


def _opened(one: Kept, incident: Incident, until: datetime) -> Opened:
    escalation.start(incident)
    first = runs.latest(incident.id)
    _follow(incident, until)
    return Opened(one.id, incident.title, incident.service.key if incident.service else "",
                  policy_of(incident, first), tuple(_pages(one.id, incident, until)),
                  route=str(incident.route.get("reason") or ""))


def policy_of(incident: Incident, run: Run | None) -> str:
    """The name of the policy by which it pages, or would if nothing held its pages."""
    return run.policy_name if run is not None else str(incident.route.get("policy") or "")


def _follow(incident: Incident, until: datetime) -> None:
    """Let time pass until somebody answers: each due step is done at its time."""
    for _ in range(MOST):
        hold, run = holds.current(incident.id), runs.running(incident.id)
        due = hold.next_at if hold is not None else run.next_at if run is not None else None
        if due is None or due >= until:
            return
        with clock.at(max(due, clock.now())):
            if run is not None and hold is None:
                escalation.advance(run, incident)
            elif hold is not None and escalation.start(incident) is None and hold.ended_at is None:
                hold.ended_at = clock.now()
        pending().events.clear()


def _pages(delivery: int, incident: Incident, until: datetime) -> Iterator[Page]:
    found = session.scalars(select(Message).where(Message.incident_id == incident.id, Message.kind == "page",
                                                  Message.next_at < until).order_by(Message.next_at, Message.id))
    for message in found:
        yield Page(delivery, message.next_at, message.user.email, message.channel, (message.level or 0) + 1)
