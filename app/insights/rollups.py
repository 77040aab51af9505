"""Facts and sums made from the log and what it speaks of: read on as the log grows, or made again from the beginning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, func, insert, select, text, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import db, session, transaction
from app.core.events import Event, record
from app.incidents.models import Alert, Incident
from app.insights import days, events, spans
from app.insights.days import days_of, stale
from app.insights.models import FactDay, FactSpan, IncidentFact, NoiseMark, PageFact, ReadUntil
from app.insights.rules import DAY
from app.insights.sums import close_hours, forget_sums, mark
from app.notifications.models import Message

Made = TypeVar("Made")
BATCH, LOG_BATCH = 200, 2000
SETTLED, PATIENCE, APART = timedelta(seconds=5), timedelta(minutes=2), timedelta(seconds=1)
"""How old a fact is before it is read, how long one that may come in behind is waited for, how far clocks may be apart."""
WRITING = text("SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
               " AND datname = current_database() AND pid <> pg_backend_pid()")
PERSON = "user:"
IDLE = ("incident.opened", "incident.merged_in", "incident.noise_marked", "incident.noise_unmarked")


def refresh() -> int:
    """Read on in the log, a batch at a time: the facts of each incident that it speaks of are made anew."""
    read = mark("log")
    rows = session.execute(select(Event.id, Event.subject).where(
        Event.id > read.value, Event.at <= _settled()).order_by(Event.id).limit(LOG_BATCH)).all()
    if not rows:
        return 0
    touched = {int(row.subject[9:]) for row in rows if row.subject.startswith("incident:")}
    for some in _batches(sorted(touched)):
        keep(some)
    read.value = rows[-1].id
    return len(rows)


def _settled() -> datetime:
    """Up to when the log is complete: a transaction that began earlier and still writes may have facts of less numbers."""
    now = clock.now()
    oldest = session.scalar(WRITING) if db.engine.dialect.name == "postgresql" else None
    return max(min(now - SETTLED, oldest - APART if oldest else now), now - PATIENCE)


def is_behind() -> bool:
    """Whether the log goes on behind what was read."""
    read = session.scalar(select(ReadUntil.value).where(ReadUntil.name == "log")) or 0
    newest = session.scalar(select(func.max(Event.id)).where(Event.at <= _settled())) or 0
    return newest > read


def keep(ids: Sequence[int]) -> None:
    """Make the facts of these incidents what the log says of them now."""
    changed = days_of(ids)
    session.execute(delete(IncidentFact).where(IncidentFact.incident_id.in_(ids)))
    session.execute(delete(PageFact).where(PageFact.incident_id.in_(ids)))
    incidents = session.execute(select(
        Incident.id, Incident.opened_at, Incident.team_id, Incident.service_id, Incident.severity, Incident.urgency,
        Incident.status).where(Incident.id.in_(ids), ~Incident.test, ~Incident.quiet, ~Incident.in_shadow,
                               Incident.merged_into_id.is_(None))).all()
    wanted = [row.id for row in incidents]
    said, pages, sources = _said(wanted), _pages(wanted), _sources(wanted)
    stale(changed | {int(row.opened_at.timestamp()) // DAY for row in incidents}
          | {at // DAY for some in pages.values() for _, _, at in some})
    if not wanted:
        return
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


def rebuild(said: Callable[[int, int], object] = lambda done, of: None) -> int:
    """Make the facts and sums again, from the first incident and message on; figures stay whole meanwhile but for those of
    messages. Says of how many; `said` hears how many of how many are done. Each batch holds the place in the log, so that
    nobody who reads on makes the same facts meanwhile."""
    with transaction():
        mark("log").value = session.scalar(select(func.max(Event.id)).where(Event.at <= _settled())) or 0
        of = session.scalar(select(func.count()).select_from(Incident)) or 0
    done = last = 0
    while some := _in_transaction(lambda place=last: _next(place)):
        done, last = done + len(some), some[-1]
        said(done, of)
    with transaction():
        session.execute(update(FactDay).values(stale=True))
        session.execute(update(FactSpan).values(stale=True))
    while days.pack() + spans.pack():
        pass
    forget_sums()
    while _in_transaction(lambda: close_hours(200)):
        pass
    with transaction():
        record(events.REBUILT, "insights", by=SYSTEM, incidents=done)
    return done


def _next(last: int) -> list[int]:
    """The incidents after this one, their facts made anew and those between them that have no incident thrown away."""
    mark("log")
    some = list(session.scalars(select(Incident.id).where(Incident.id > last).order_by(Incident.id).limit(BATCH)))
    for model in (IncidentFact, PageFact):
        among = [model.incident_id > last, *([model.incident_id <= some[-1]] if some else [])]
        session.execute(delete(model).where(*among))
    if some:
        keep(some)
    return some


def _in_transaction(work: Callable[[], Made]) -> Made:
    with transaction():
        return work()


def _batches(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[place:place + BATCH] for place in range(0, len(ids), BATCH))
