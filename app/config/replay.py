"""What a changed configuration would have done: the deliveries of a period played through both, in a copy apart. Without a
change, today's configuration is held against what really happened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, Result, insert, select

from app.config import recorded
from app.config.answers import answers_of
from app.config.document import Document
from app.config.kept import BATCH, Period, period
from app.config.service import work_on
from app.core.db import Base, db, transaction
from app.core.events import Event
from app.core.settings import SETTINGS
from app.core.twin import beside
from app.ingest.playing import Opened, Page, play

LONGEST_DAYS = 31
# What happened, as against how things are configured: left out of the copy, with all that can't stand without it.
HAPPENED = frozenset({"incidents", "alerts", "deliveries", "events", "event_seals", "messages", "escalation_runs",
                      "executions", "webhook_deliveries", "login_sessions", "failed_logins", "pulses", "errands",
                      "unsent"})
Progress = Callable[[int, int], None]
Key = tuple[int, int]


@dataclass(frozen=True)
class Difference:
    """One incident of a delivery as it was and as it would be: added and removed pages, or moved ones (the same person at
    another time). `was_note` and `now_note` say what became of the delivery where it opens nothing; `cause` why it is so
    where `was` is what really happened."""

    delivery: int
    title: str
    was: Opened | None
    now: Opened | None
    added: tuple[Page, ...] = ()
    removed: tuple[Page, ...] = ()
    was_note: str = ""
    now_note: str = ""
    cause: str = ""

    @property
    def same(self) -> bool:
        """Whether everybody would be paged as they were."""
        return not (self.added or self.removed) and (self.was is None) == (self.now is None)


@dataclass
class Replay:
    """The result: how many deliveries were played, how many incidents are the same, and what differs. `incidents` holds
    every one, when that was asked for; `really`: `was` is what really happened."""

    deliveries: int = 0
    purged: int = 0
    same: int = 0
    really: bool = False
    differences: list[Difference] = field(default_factory=list)
    incidents: list[Difference] = field(default_factory=list)


@dataclass
class Played:
    """What came of one play: the incidents by delivery and their number within it, and what became of each delivery."""

    opened: dict[Key, Opened] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)


class _TakenBack(Exception):
    """Ends a play, so that nothing of it stays."""


def replay(since: datetime, until: datetime, document: Document | None, *, answers: str = "recorded",
           progress: Progress = lambda done, of: None, everything: bool = False) -> Replay:
    """Play the deliveries from `since` until `until` with today's configuration, and with `document` applied to it; without
    one, beside what really happened.

    `answers`: "recorded" (pages end when somebody answered then), "never", or "after=5m". Nothing live is locked, written
    or sent. `everything`: keep also the incidents that are the same. Raises Invalid.
    """
    kept = period(db.engine, since, until, answers_of(answers))
    if document is None:
        pairs = _really(kept, _played(kept, None, progress))
    else:
        was = beside(lambda: _played(kept, None))
        now = _played(kept, document, progress)
        pairs = _both(was(), now)
    found = Replay(kept.playable, kept.purged, really=document is None)
    for one in pairs:
        if everything:
            found.incidents.append(one)
        if one.same:
            found.same += 1
        else:
            found.differences.append(one)
    return found


def _both(was: Played, now: Played) -> Iterator[Difference]:
    for key in sorted({*was.opened, *now.opened}):
        before, after = was.opened.get(key), now.opened.get(key)
        pages = [set(one.pages) if one else set() for one in (before, after)]
        yield replace(_difference(key, before, after, (pages[1] - pages[0], pages[0] - pages[1])),
                      was_note="" if before else was.notes.get(key[0], ""),
                      now_note="" if after else now.notes.get(key[0], ""))


def _really(kept: Period, now: Played) -> Iterator[Difference]:
    """What really happened beside what would happen today, with what explains the difference."""
    real, changed = recorded.recorded(kept.since, kept.until, now.notes), recorded.changes(kept.since)
    for key in sorted({*real, *now.opened}):
        one, after = real.get(key), now.opened.get(key)
        before = one.opened if one else None
        added, removed = recorded.apart(after.pages if after else (), before.pages if before else ())
        found = _difference(key, before, after, (added, removed))
        cause = "" if found.same else recorded.cause(one, after, [*added, *removed], changed)
        yield replace(found, cause=cause, now_note="" if after else now.notes.get(key[0], ""))


def _difference(key: Key, was: Opened | None, now: Opened | None, pages: Sequence[Iterable[Page]]) -> Difference:
    """`pages`: those that are added, and those that are removed."""
    title = next(one.title for one in (now, was) if one is not None)
    return Difference(key[0], title, was, now, *(tuple(sorted(some, key=lambda one: one.at)) for some in pages))


def _copy(app: Flask, folder: Path) -> Flask:
    """An application on a SQLite file that holds the configuration and nothing that happened."""
    environ = {one.name: str(app.config[one.name]) for one in SETTINGS if app.config.get(one.name) not in (None, "")}
    environ |= {"DATABASE_URL": f"sqlite:///{folder / 'replay.db'}", "ONCALL_INSTANCE": str(folder)}
    made: Flask = app.extensions["again"](environ)
    with db.engine.connect() as live, made.app_context():
        db.create_all()
        with db.engine.begin() as there:
            there.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            _fill(live, there)
    return made


def _fill(live: Connection, there: Connection) -> None:
    left = _left_out()
    for table in [table for table in Base.metadata.sorted_tables if table.name not in left]:
        gone = {column.name: None for column in table.columns
                if any(one.column.table.name in left for one in column.foreign_keys)}
        for rows in _rows(live.execute(select(table))):
            there.execute(insert(table), [{**row, **gone} for row in rows])
    for rows in _rows(live.execute(select(Event.__table__).where(Event.kind.startswith("user.")))):
        there.execute(insert(Event.__table__), rows)  # who was away when


def _left_out() -> frozenset[str]:
    left = set(HAPPENED)
    while True:
        more = {table.name for table in Base.metadata.sorted_tables for one in table.foreign_keys
                if one.column.table.name in left and not one.parent.nullable} - left
        if not more:
            return frozenset(left)
        left |= more


def _rows(result: Result[Any]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in result.mappings():
        batch.append(dict(row))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _played(kept: Period, document: Document | None, progress: Progress = lambda done, of: None) -> Played:
    """Play them all in a copy of the configuration, which goes with what was done in it."""
    found = Played()
    with tempfile.TemporaryDirectory(prefix="oncall-replay-") as folder:
        copy = _copy(current_app._get_current_object(), Path(folder))  # type: ignore[attr-defined]
        with copy.app_context(), suppress(_TakenBack), transaction():
            work_on(document or Document())
            _play(kept, found, progress)
            raise _TakenBack
    return found


def _play(kept: Period, found: Played, progress: Progress) -> None:
    for done, fate in enumerate(play(kept), 1):
        found.notes[fate.delivery] = fate.note
        found.opened.update(((fate.delivery, number), one) for number, one in enumerate(fate.opened))
        progress(done, kept.playable)
