"""How long rows are kept: one list of what goes after a time (timetable.RETENTION), for the tick, the page and the docs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import alone, session, transaction
from app.core.events import Kind, record
from app.core.jobs import function, stir
from app.core.pulse import Pulse, beat

log = structlog.get_logger()
BATCH, RUNS_A_TURN, COUNTED = 1000, 200, 100_000
EVERY = timedelta(hours=1)
REMOVED = Kind("retention.removed", "{number:row|rows} went, which are kept for {days} days: {name}",
               ("name", "number", "days", "before"))


@dataclass(frozen=True)
class Kept:
    """One kind of row that goes after so many days, or what is emptied in it.

    `rows` selects the ids of all there are, `old(before)` of those that go because they are from before that instant, and
    `remove(ids)` takes so many away, in the open transaction. `days` is a number, or the setting that says it. `stays` is
    what never goes, as a sentence. `records`: `remove` itself records what it did.
    """

    slug: str
    name: str
    stays: str
    days: int | str
    rows: Select[Any]
    old: Callable[[datetime], Select[Any]]
    remove: Callable[[Sequence[int]], None]
    records: bool = False

    @property
    def for_days(self) -> int:
        """How many days, as it is set now."""
        return self.days if isinstance(self.days, int) else int(current_app.config[self.days])

    @property
    def before(self) -> datetime:
        """Whatever is from before this instant goes."""
        return clock.now() - timedelta(days=self.for_days)


@dataclass(frozen=True)
class Standing:
    """How it stands with one kind of row: how many there are and how many would go now (each counted to 100,000 at most),
    when the last run was, and how many it removed."""

    kept: Kept
    rows: int
    due: int
    ran_at: datetime | None
    removed: int

    @property
    def next_at(self) -> datetime:
        """When the next run is due; what never ran is due now."""
        return clock.now() if self.ran_at is None else self.ran_at + EVERY


def table() -> list[Kept]:
    """Every kind of row that goes after a time, in the order of the list."""
    return [function(path) for path in current_app.extensions["timetable"].RETENTION]  # type: ignore[misc]


def standing(kept: Kept) -> Standing:
    """Nothing is changed: what would go is what the next run looks for."""
    last = session.get(Pulse, _mark(kept), populate_existing=True)
    return Standing(kept, _counted(kept.rows), _counted(kept.old(kept.before)), last.at if last else None,
                    int(last.detail.get("removed", 0)) if last else 0)


def _counted(query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(COUNTED).subquery())) or 0


def purge() -> dict[str, int]:
    """Tick: take away what is too old, in batches, so that nobody waits for it; how many rows of each kind went. A kind
    that fails keeps no other from its turn."""
    gone = {}
    for kept in table():
        try:
            gone[kept.slug] = sweep(kept, kept.before)
        except SQLAlchemyError as error:
            session.rollback()
            log.error("retention.failed", rows=kept.slug, reason=str(error).splitlines()[0][:300])
    return {slug: number for slug, number in gone.items() if number}


def sweep(kept: Kept, before: datetime) -> int:
    """Take away what is from before that instant; how many rows went, which is recorded with the last batch."""
    total = 0
    for turn in range(1, RUNS_A_TURN + 1):
        with transaction():
            alone(f"retention {kept.slug}")  # two clocks would count the same rows twice
            ids = list(session.scalars(kept.old(before).limit(BATCH)))
            if ids:
                kept.remove(ids)
            total += len(ids)
            if len(ids) < BATCH or turn == RUNS_A_TURN:
                _note(kept, before, total)
                break
    return total


def _note(kept: Kept, before: datetime, total: int) -> None:
    beat(_mark(kept), removed=total)
    stir("system", "retention.ran")
    if total and not kept.records:
        record(REMOVED, "retention", by=SYSTEM, name=kept.name, number=total, days=kept.for_days,
               before=clock.rfc3339(before))


def _mark(kept: Kept) -> str:
    return f"retention:{kept.slug}"
