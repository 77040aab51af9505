"""Facts and sums made from the log and what it speaks of: read on as the log grows, or made again from the beginning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import Event, record
from app.incidents.models import Alert, Incident
from app.insights import events
from app.insights.models import DeliverySum, IncidentFact, NoiseMark, PageFact, ReadUntil
from app.insights.rules import HOUR, instant
from app.notifications.models import Message

BATCH, LOG_BATCH = 200, 2000
SETTLED = timedelta(seconds=5)
"""Transactions that began earlier have ended by then: no fact comes in behind one that was read."""
CLOSED_AFTER = timedelta(hours=48)
"""Reports on messages come within two days: then an hour's sums are final."""
PERSON = "user:"
IDLE = ("incident.opened", "incident.merged_in", "incident.noise_marked", "incident.noise_unmarked")


def refresh() -> int:
    """Read on in the log, a batch at a time: the facts of each incident that it speaks of are made anew."""
    mark = _mark("log")
    rows = session.execute(select(Event.id, Event.subject).where(
        Event.id > mark.value, Event.at <= clock.now() - SETTLED).order_by(Event.id).limit(LOG_BATCH)).all()
    if not rows:
        return 0
    touched = {int(row.subject[9:]) for row in rows if row.subject.startswith("incident:")}
    for some in _batches(sorted(touched)):
        keep(some)
    mark.value = rows[-1].id
    return len(rows)


def is_behind() -> bool:
    """Whether the log goes on behind what was read."""
    read = session.scalar(select(ReadUntil.value).where(ReadUntil.name == "log")) or 0
    newest = session.scalar(select(func.max(Event.id)).where(Event.at <= clock.now() - SETTLED)) or 0
    return newest > read


def keep(ids: Sequence[int]) -> None:
    """Make the facts of these incidents what the log says of them now."""
    session.execute(delete(IncidentFact).where(IncidentFact.incident_id.in_(ids)))
    session.execute(delete(PageFact).where(PageFact.incident_id.in_(ids)))
    incidents = session.execute(select(
        Incident.id, Incident.opened_at, Incident.team_id, Incident.service_id, Incident.severity, Incident.urgency,
        Incident.status).where(Incident.id.in_(ids), ~Incident.test, ~Incident.quiet,
                               Incident.merged_into_id.is_(None))).all()
    wanted = [row.id for row in incidents]
    if not wanted:
        return
    said, pages, sources = _said(wanted), _pages(wanted), _sources(wanted)
    noise = set(session.scalars(select(NoiseMark.incident_id).where(NoiseMark.incident_id.in_(wanted))))
    session.execute(insert(IncidentFact), [_fact(row, said[row.id], pages.get(row.id, []), sources.get(row.id),
                                                 noise=row.id in noise) for row in incidents])
    told = [{"message_id": key, "incident_id": row.id, "user_id": user, "team_id": row.team_id, "at": at}
            for row in incidents for key, user, at in pages.get(row.id, ())]
    if told:
        session.execute(insert(PageFact), told)


@dataclass
class _Said:
    """What the log says of one incident, in its order."""

    answered: datetime | None = None
    automatic: bool = False
    resolved: datetime | None = None
    acted: bool = False
    flapping: bool = False
    levels: list[tuple[datetime, int]] = field(default_factory=list)


def _said(ids: Sequence[int]) -> dict[int, _Said]:
    found: dict[int, _Said] = defaultdict(_Said)
    rows = session.execute(select(Event.subject, Event.kind, Event.at, Event.actor, Event.data).where(
        Event.subject.in_([f"incident:{one}" for one in ids])).order_by(Event.id))
    for subject, kind, at, actor, data in rows:
        one, person = found[int(subject[9:])], actor.startswith(PERSON)
        if kind == "incident.acknowledged" and one.answered is None:
            one.automatic |= not person
            one.answered = at if person else None
        elif kind == "incident.resolved":
            one.resolved = at
        elif kind == "incident.flapping":
            one.flapping = True
        elif kind == "escalation.level_reached":
            one.levels.append((at, int(data.get("level") or 1)))
        one.acted |= person and kind.startswith("incident.") and kind not in IDLE
    return found


def _fact(row: Any, said: _Said, pages: Sequence[Any], source: tuple[int | None, str] | None, *,
          noise: bool) -> dict[str, Any]:
    opened = int(row.opened_at.timestamp())
    resolved = said.resolved if row.status == "resolved" else None
    at_answer = [level for at, level in said.levels if said.answered is not None and at <= said.answered]
    return {
        "incident_id": row.id, "opened": opened, "team_id": row.team_id, "service_id": row.service_id,
        "integration_id": source[0] if source else None, "dedup_key": source[1][:200] if source else "",
        "severity": row.severity, "urgency": row.urgency, "acknowledged": _after(said.answered, row.opened_at),
        "resolved": _after(resolved, row.opened_at), "automatic": said.automatic,
        "unaided": resolved is not None and not said.acted, "noise": noise, "flapping": said.flapping,
        "level": max((level for _, level in said.levels), default=0), "pages": len(pages),
        "answered_level": (max(at_answer, default=1) if said.answered is not None else None)}


def _after(at: datetime | None, opened: datetime) -> int | None:
    return None if at is None else max(0, int((at - opened).total_seconds()))


def _pages(ids: Sequence[int]) -> dict[int, list[tuple[int, int, int]]]:
    """The pages of each incident that went out: message, person, when."""
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for key, incident, user, at in session.execute(select(
            Message.id, Message.incident_id, Message.user_id, Message.sent_at).where(
            Message.incident_id.in_(ids), Message.kind == "page", Message.sent_at.is_not(None)).order_by(Message.id)):
        found[incident].append((key, user, int(at.timestamp())))
    return found


def _sources(ids: Sequence[int]) -> dict[int, tuple[int | None, str]]:
    """The integration and the key of each incident's first alert."""
    first = select(func.min(Alert.id)).where(Alert.incident_id.in_(ids)).group_by(Alert.incident_id)
    return {row.incident_id: (row.integration_id, row.dedup_key) for row in session.execute(
        select(Alert.incident_id, Alert.integration_id, Alert.dedup_key).where(Alert.id.in_(first)))}


def close_hours(limit: int = 24) -> int:
    """Sum the messages of hours that are over for good, a few at a time."""
    mark, last = _mark("hours"), int((clock.now() - CLOSED_AFTER).timestamp()) // HOUR
    if not mark.value:
        oldest = session.scalar(select(func.min(Message.queued_at)))
        mark.value = int(oldest.timestamp()) // HOUR if oldest is not None else last
    done = 0
    while mark.value < last and done < limit:
        rows = sums(mark.value * HOUR, (mark.value + 1) * HOUR)
        session.add_all(rows)
        mark.value, done = mark.value + 1, done + 1
    return done


def closed_until() -> int:
    """Up to which instant messages are summed: later ones are counted one by one."""
    return (session.scalar(select(ReadUntil.value).where(ReadUntil.name == "hours")) or 0) * HOUR


def sums(since: int, until: int, teams: set[int] | None = None) -> list[DeliverySum]:
    """The sums of the messages queued from `since` until just before `until`, hour by hour; not stored."""
    found: dict[tuple[Any, ...], DeliverySum] = {}
    team = Incident.team_id
    rows = session.execute(select(
        Message.queued_at, team, Message.channel, Message.provider, Message.state, Message.error, Message.attempts,
        Message.sent_at, Message.delivered_at, Message.kind, Message.step, Message.round).outerjoin(
        Incident, Incident.id == Message.incident_id).where(
        Message.queued_at >= instant(since), Message.queued_at < instant(until), Message.kind != "test",
        (Incident.id.is_(None)) | ~Incident.test))
    for row in rows:
        hour = int(row.queued_at.timestamp()) // HOUR * HOUR
        key = (hour, row.team_id, row.channel, row.provider, row.state, row.error[:100] if row.state == "failed" else "")
        if teams is not None and row.team_id is not None and row.team_id not in teams:
            continue
        one = found.get(key) or found.setdefault(key, DeliverySum(
            hour=hour, team_id=row.team_id, channel=row.channel, provider=row.provider, state=row.state, reason=key[5],
            number=0, attempts=0, queued={}, arrived={}, first={}))
        _count(one, row)
    return list(found.values())


def _count(one: DeliverySum, row: Any) -> None:
    one.number, one.attempts = one.number + 1, one.attempts + row.attempts
    waits = ((one.queued, row.queued_at, row.sent_at), (one.arrived, row.sent_at, row.delivered_at),
             (one.first, row.queued_at, row.sent_at if row.kind == "page" and row.step == 0 else None))
    for counter, start, end in waits:
        if start is not None and end is not None:
            took = str(max(0, int((end - start).total_seconds())))
            counter[took] = counter.get(took, 0) + 1


def rebuild() -> int:
    """Throw the facts and sums away and make them again, from the first incident and message on. Says of how many. Each
    batch holds the place in the log, so that nobody who reads on makes the same facts meanwhile."""
    with transaction():
        read, hours = _mark("log"), _mark("hours")
        for model in (IncidentFact, PageFact, DeliverySum):
            session.execute(delete(model))
        hours.value, read.value = 0, session.scalar(select(func.max(Event.id)).where(Event.at <= clock.now() - SETTLED)) or 0
    done = last = 0
    while True:
        with transaction():
            _mark("log")
            some = list(session.scalars(select(Incident.id).where(Incident.id > last).order_by(Incident.id).limit(BATCH)))
            if some:
                keep(some)
        if not some:
            break
        done, last = done + len(some), some[-1]
    while _in_transaction(lambda: close_hours(200)):
        pass
    with transaction():
        record(events.REBUILT, "insights", by=SYSTEM, incidents=done)
    return done


def _in_transaction(work: Any) -> int:
    with transaction():
        return int(work())


def _mark(name: str) -> ReadUntil:
    found = session.get(ReadUntil, name, with_for_update=True)
    if found is None:
        found = ReadUntil(name=name, value=0)
        session.add(found)
        session.flush()
    return found


def _batches(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[place:place + BATCH] for place in range(0, len(ids), BATCH))
