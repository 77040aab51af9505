"""What a changed configuration would have done: the deliveries of a period played through both, in a copy apart."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, Result, insert, select

from app.config.document import Document
from app.config.service import work_on
from app.core.db import Base, db, session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.core.settings import SETTINGS
from app.incidents.models import Incident
from app.ingest.models import Delivery, Integration
from app.ingest.playing import Kept, Opened, Page, play

MOST, LONGEST_DAYS, BATCH = 1_000_000, 31, 1000
# What happened, as against how things are configured: left out of the copy, with all that can't stand without it.
HAPPENED = frozenset({"incidents", "alerts", "deliveries", "events", "event_seals", "messages", "escalation_runs",
                      "executions", "webhook_deliveries", "login_sessions", "failed_logins", "pulses", "errands",
                      "unsent"})
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """One delivery whose incident would be paged otherwise: added and removed pages, or moved ones (the same person at
    another time)."""

    delivery: int
    title: str
    was: Opened | None
    now: Opened | None
    added: tuple[Page, ...]
    removed: tuple[Page, ...]


@dataclass
class Replay:
    """The result: how many deliveries were played, how many incidents are the same, and what differs."""

    deliveries: int = 0
    purged: int = 0
    same: int = 0
    differences: list[Difference] = field(default_factory=list)


class _TakenBack(Exception):
    """Ends a play with what it found, so that nothing of it stays."""

    def __init__(self, found: dict[tuple[int, int], Opened]) -> None:
        super().__init__()
        self.found = found


def replay(since: datetime, until: datetime, document: Document | None, *, answers: str = "recorded",
           progress: Progress = lambda done, of: None) -> Replay:
    """Play the deliveries from `since` until `until` with today's configuration, and with `document` applied to it.

    `answers`: "recorded" (pages end when somebody answered then), or "never". Nothing live is locked, written or sent.
    """
    kept, purged = _kept(since, until, recorded=answers == "recorded")
    with tempfile.TemporaryDirectory(prefix="oncall-replay-") as folder:
        copy = _copy(current_app._get_current_object(), Path(folder))  # type: ignore[attr-defined]
        was = _played(copy, kept, None, lambda done: progress(done, 2 * len(kept)))
        now = _played(copy, kept, document, lambda done: progress(len(kept) + done, 2 * len(kept)))
    found = Replay(len(kept), purged)
    for key in sorted({*was, *now}):
        one, other = was.get(key), now.get(key)
        difference = _difference(key, one, other)
        if difference is None:
            found.same += 1
        else:
            found.differences.append(difference)
    return found


def _kept(since: datetime, until: datetime, *, recorded: bool) -> tuple[list[Kept], int]:
    """The deliveries that were processed, oldest first, and how many of them have lost their body."""
    rows = session.execute(select(Delivery, Integration.key).join(
        Integration, Integration.id == Delivery.integration_id).where(
        Delivery.received_at >= since, Delivery.received_at < until, Delivery.state == "processed")
        .order_by(Delivery.received_at, Delivery.id).limit(MOST + 1)).all()
    if len(rows) > MOST:
        raise Invalid(f"There are more than {MOST} deliveries in this time. Choose a shorter one.")
    answered = _answers([one for one, _ in rows]) if recorded else {}
    kept = [Kept(one.id, key, one.received_at, dict(one.headers), dict(one.query), dict(one.parts or {}), one.body,
                 answered.get(one.id)) for one, key in rows if one.body]
    return kept, len(rows) - len(kept)


def _answers(deliveries: Sequence[Delivery]) -> dict[int, datetime]:
    """When the incident of each delivery was first answered, or else was over."""
    incidents = {int(result["incident"]) for one in deliveries for result in one.results or [] if result.get("incident")}
    ended: dict[int, datetime] = {}
    known = sorted(incidents)
    for some in (known[at:at + BATCH] for at in range(0, len(known), BATCH)):
        ended |= {key: acknowledged or resolved for key, acknowledged, resolved in session.execute(
            select(Incident.id, Incident.acknowledged_at, Incident.resolved_at).where(Incident.id.in_(some)))
            if acknowledged or resolved}
    return {one.id: ended[int(result["incident"])] for one in deliveries for result in reversed(one.results or [])
            if result.get("incident") and int(result["incident"]) in ended}


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
        there.execute(insert(Event), rows)  # who was away when


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


def _played(copy: Flask, kept: Sequence[Kept], document: Document | None,
            progress: Callable[[int], None]) -> Mapping[tuple[int, int], Opened]:
    """The incidents by delivery and their number within it."""
    with copy.app_context():
        try:
            with transaction():
                work_on(document or Document())
                raise _TakenBack(_numbered(play(kept), {one.id: place for place, one in enumerate(kept, 1)}, progress))
        except _TakenBack as done:
            return done.found
        finally:
            session.remove()


def _numbered(opened: Iterable[Opened], places: Mapping[int, int],
              progress: Callable[[int], None]) -> dict[tuple[int, int], Opened]:
    found: dict[tuple[int, int], Opened] = {}
    count: Counter[int] = Counter()
    for one in opened:
        found[one.delivery, count[one.delivery]] = one
        count[one.delivery] += 1
        progress(places[one.delivery])
    return found


def _difference(key: tuple[int, int], was: Opened | None, now: Opened | None) -> Difference | None:
    before, after = (set(one.pages) if one else set() for one in (was, now))
    if before == after and (was is None) == (now is None):
        return None
    title = next(one.title for one in (now, was) if one is not None)
    return Difference(key[0], title, was, now, tuple(sorted(after - before, key=lambda one: one.at)),
                      tuple(sorted(before - after, key=lambda one: one.at)))


