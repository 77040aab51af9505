"""The stored deliveries of a period as a replay reads them: in order, a thousand at a time, with what ended their pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, func, or_, select

from app.config.answers import Answers, Ended
from app.core.errors import Invalid
from app.core.events import Event
from app.ingest.models import Delivery, Integration
from app.ingest.playing import UNANSWERED, Kept, incidents_in

MOST, BATCH = 1_000_000, 1000
ENDS = ("incident.acknowledged", "incident.snoozed", "incident.resolved", "incident.merged")
SENDERS = ("integration:", "heartbeat:")
LOG = Event.__table__


@dataclass(frozen=True)
class Period:
    """What came in from `since` until `until`, read from the live database with nothing locked: `playable` deliveries,
    and `purged` ones, whose bodies are no longer kept. Each reading begins anew."""

    engine: Engine
    since: datetime
    until: datetime
    answers: Answers
    playable: int
    purged: int

    def __iter__(self) -> Iterator[Kept]:
        last: tuple[datetime, int] | None = None
        while True:
            with self.engine.connect() as live:
                rows = live.execute(_some(self.since, self.until, last)).all()
                ended = ends_of(live, [key for row in rows for key in incidents_in(row.results)])
            for row in rows:
                if row.body:
                    yield self._kept(row, [ended.get(key, Ended()) for key in incidents_in(row.results)])
            if len(rows) < BATCH:
                return
            last = rows[-1].received_at, rows[-1].id

    def _kept(self, row: Row[Any], ended: Sequence[Ended]) -> Kept:
        return Kept(row.id, row.key, row.received_at, dict(row.headers), dict(row.query), dict(row.parts or {}), row.body,
                    lambda number: self.answers.until(row.received_at, ended, number, unanswered=UNANSWERED))


def period(engine: Engine, since: datetime, until: datetime, answers: Answers) -> Period:
    """The deliveries of a time. Raises Invalid for more than a million."""
    with engine.connect() as live:
        playable, whole = live.execute(select(func.count().filter(func.length(Delivery.body) > 0), func.count()).where(
            *_within(since, until))).one()
    if whole > MOST:
        raise Invalid(f"There are more than {MOST} deliveries in this time. Choose a shorter one.")
    return Period(engine, since, until, answers, playable, whole - playable)


def _within(since: datetime, until: datetime) -> tuple[Any, ...]:
    return Delivery.received_at >= since, Delivery.received_at < until, Delivery.state == "processed"


def _some(since: datetime, until: datetime, last: tuple[datetime, int] | None) -> Any:
    query = select(Delivery.id, Integration.key, Delivery.received_at, Delivery.headers, Delivery.query, Delivery.parts,
                   Delivery.body, Delivery.results).join(Integration, Integration.id == Delivery.integration_id).where(
        *_within(since, until))
    if last is not None:
        query = query.where(or_(Delivery.received_at > last[0],
                                and_(Delivery.received_at == last[0], Delivery.id > last[1])))
    return query.order_by(Delivery.received_at, Delivery.id).limit(BATCH)


def ends_of(live: Connection, numbers: Sequence[int]) -> dict[int, Ended]:
    """What ended the pages of these incidents first: whoever answered, and their senders."""
    refs = sorted({f"incident:{number}" for number in numbers})
    found: dict[int, Ended] = {}
    for some in (refs[at:at + BATCH] for at in range(0, len(refs), BATCH)):
        for subject, actor, at in live.execute(select(LOG.c.subject, LOG.c.actor, LOG.c.at).where(
                LOG.c.subject.in_(some), LOG.c.kind.in_(ENDS)).order_by(LOG.c.id)):
            number = int(subject.partition(":")[2])
            known = found.get(number, Ended())
            found[number] = Ended(known.answered or at, known.over or (at if str(actor).startswith(SENDERS) else None))
    return found
