"""The chain over the event log: each row's digest rests on the one before, so that a change or a removal shows."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Select, String, delete, exists, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import Base, BigId, db, session, transaction
from app.core.events import Event, Kind, record
from app.core.retention import Kept, sweep

BATCH = 500
STEP = 2000
LOCK = 7_113_942_002
KEPT_FOR_EVER = ("incident:%", "postmortem:%")
PURGED = Kind("log.purged", "{number} entries of the log up to {before} were removed", ("number", "before"))


class Seal(Base):
    """One link: the digest over this event and the link before. Outlives a purged event, with a signed mark."""

    __tablename__ = "event_seals"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId, unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    purged: Mapped[str | None] = mapped_column(String(64))


@dataclass
class Verdict:
    """What a verification found: how many links were checked, and each break as a sentence."""

    checked: int = 0
    unsealed: int = 0
    breaks: list[str] = field(default_factory=list)


def link(before: str, event: Event) -> str:
    """SHA-256 over the former digest and all that the row holds; `dispatched_at` is ours, not the event's."""
    said = [event.id, event.kind, clock.rfc3339(event.at), event.actor, event.kept_actor_name, event.subject, event.also,
            event.kept_data, event.kept_ip, event.kept_agent, event.cause_id,
            *([event.request_id] if event.request_id else [])]
    return hashlib.sha256((before + json.dumps(said, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()


def seal() -> int:
    """Tick: link the events that were committed since. They are linked in the order in which they are found."""
    if not _unsealed():
        return 0
    done = 0
    while True:
        with transaction():
            if not _alone():
                return done
            number = _seal_batch()
        done += number
        if number < BATCH:
            return done


def _unsealed() -> int:
    try:
        newest = session.scalar(select(func.max(Seal.event_id))) or 0
        return session.scalar(select(func.count()).select_from(Event).where(Event.id > newest)) or 0
    finally:
        session.rollback()


def _alone() -> bool:
    """One sealer at a time; on SQLite the write lock sees to it."""
    if db.engine.dialect.name != "postgresql":
        return True
    return bool(session.scalar(text(f"SELECT pg_try_advisory_xact_lock({LOCK})")))


def _seal_batch() -> int:
    """Rows committed late have a smaller id than sealed ones; looking a little back finds them."""
    last = session.scalar(select(Seal).order_by(Seal.seq.desc()).limit(1))
    seq, digest = (last.seq, last.digest) if last else (0, "")
    back = max(0, (session.scalar(select(func.max(Seal.event_id))) or 0) - 10_000)
    missing = select(Event).where(Event.id > back, ~exists().where(Seal.event_id == Event.id)).order_by(
        Event.id).limit(BATCH)
    events = list(session.scalars(missing))
    for event in events:
        seq, digest = seq + 1, link(digest, event)
        session.add(Seal(seq=seq, event_id=event.id, digest=digest))
    return len(events)


def length() -> int:
    """How many links the chain has."""
    return session.scalar(select(func.max(Seal.seq))) or 0


def verify(last: int | None = None) -> Verdict:
    """Walk the whole chain, or its `last` links; names every altered, missing or foreign row."""
    start = max(0, length() - last) if last is not None else 0
    known = session.get(Seal, start)
    found, before, expected = Verdict(), known.digest if known else "", start + 1
    for mark, event in _links(start):
        found.checked += 1
        if mark.seq != expected:
            found.breaks.append(f"Link {expected} is missing before event {mark.event_id}")
        if event is None:
            if not mark.purged or not hmac.compare_digest(mark.purged, _mark(mark)):
                found.breaks.append(f"Event {mark.event_id} was removed")
        elif link(before, event) != mark.digest:
            found.breaks.append(f"Event {mark.event_id} ({event.kind}, {clock.rfc3339(event.at)}) was changed")
        before, expected = mark.digest, mark.seq + 1
    found.unsealed = _unsealed()
    return found


def _links(after: int) -> Iterator[tuple[Seal, Event | None]]:
    """The links after that number, with their events; a long walk forgets what it has seen."""
    while True:
        rows = session.execute(select(Seal, Event).outerjoin(Event, Event.id == Seal.event_id).where(
            Seal.seq > after).order_by(Seal.seq).limit(STEP)).all()
        if not rows:
            return
        yield from ((mark, event) for mark, event in rows)
        after = rows[-1][0].seq
        if len(rows) == STEP:
            session.expunge_all()


def _mark(mark: Seal) -> str:
    """Proof that we purged this event ourselves: an HMAC with the installation's key."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"purged:{mark.seq}:{mark.event_id}:{mark.digest}".encode(), hashlib.sha256).hexdigest()


def purge(before: datetime) -> int:
    """Remove sealed events older than `before`, but none of an incident or postmortem; each batch's removal is an event."""
    return sweep(ENTRIES, before)


def _removable(before: datetime) -> Select[Any]:
    query = select(Event.id).join(Seal, Seal.event_id == Event.id).where(Event.at < before, Event.kind != PURGED.name)
    for pattern in KEPT_FOR_EVER:
        query = query.where(~Event.subject.like(pattern))
    return query.order_by(Seal.seq)


def _remove(ids: Sequence[int]) -> None:
    """Each leaves its link with a mark; the removal is an event."""
    newest = session.scalar(select(func.max(Event.at)).where(Event.id.in_(ids)))
    for mark in session.scalars(select(Seal).where(Seal.event_id.in_(ids))):
        mark.purged = _mark(mark)
    session.flush()
    session.execute(delete(Event).where(Event.id.in_(ids)))
    record(PURGED, "log", by=SYSTEM, number=len(ids), before=clock.rfc3339(newest))


ENTRIES = Kept("log", "Entries of the log", "Entries of incidents, of postmortems and of a purge stay for ever.",
               "AUDIT_DAYS", select(Event.id), _removable, _remove, records=True)
