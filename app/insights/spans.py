"""Incidents of several days at once: packed when these are over, and again when one of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import exists, or_, select, tuple_
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import IN_BINARY, session, transaction
from app.insights import counting, days, tallies
from app.insights.cells import KINDS, Cells, grouped, merged, of_columns, packed, told_by, unpacked
from app.insights.columns import Chosen
from app.insights.models import FactDay, FactSpan, PageFact
from app.insights.rules import DAY, LENGTHS, spans
from app.insights.tallies import HALF, Pages, Sources

TIMES = ("pair", "severity", "urgency", "acknowledged", "resolved", "flags")
SOURCES = ("pair", "integration", "key", "pages", "flags")
SETTLED = 2
"""Days after which most incidents have come to an end: what goes on would be packed again and again."""
Span = tuple[int, int]


def pack(limit: int = 10) -> int:
    """Pack spans whose days are over and packed, the shorter ones first, each in a transaction of its own."""
    done, today = 0, int(clock.now().timestamp()) // DAY
    for length, shorter in zip(LENGTHS, (1, *LENGTHS), strict=False):
        found = session.scalars(select(FactSpan.first).where(
            FactSpan.length == length, FactSpan.stale, FactSpan.first <= today - length - SETTLED,
            ~_changed(FactSpan.first, length, shorter)).order_by(FactSpan.first.desc()).limit(limit)).all()
        session.rollback()
        for first in found:
            with transaction():
                _pack(first, length, shorter)
        done += len(found)
    return done


def _changed(first: Any, length: int, shorter: int) -> Any:
    """Whether a part of a span is to be packed first."""
    if shorter == 1:
        return exists().where(FactDay.stale, FactDay.day >= first, FactDay.day < first + length)
    part = aliased(FactSpan)
    return exists().where(part.stale, part.length == shorter, part.first >= first, part.first < first + length)


def _pack(first: int, length: int, shorter: int) -> None:
    """Locked first, read then, as with days: who changes one of its days afterwards waits, and says so after this."""
    row = session.get(FactSpan, (length, first), with_for_update=True, populate_existing=True)
    if row is None or session.scalar(select(_changed(first, length, shorter))):
        return
    if shorter == 1:
        some = days.read(Chosen(first * DAY, (first + length) * DAY), *TIMES, *SOURCES)
        found, row.halves, row.sources = of_columns(some), tallies.halves(some, first, length), tallies.summed(some)
        row.pages = tallies.pages(_pages([(first * DAY, (first + length) * DAY)]))
    else:
        parts = session.execute(select(FactSpan.__table__).where(
            FactSpan.length == shorter, FactSpan.first >= first, FactSpan.first < first + length)).all()
        found = merged(unpacked(one.cells) for one in parts)
        row.halves = tallies.merged_halves({one.first: one.halves for one in parts}, shorter, first, length)
        row.sources = tallies.merged_sources(one.sources for one in parts)
        paged: Pages = {}
        for one in parts:
            tallies.add_pages(paged, one.pages)
        row.pages = tallies.packed_pages(paged)
    for kind in KINDS:
        setattr(row, kind, packed(merged([found], kind)))
    row.stale = False


def _pages(periods: Iterable[tuple[int, int]]) -> list[tuple[int | None, int, int]]:
    """Team, person and instant of each page in these periods."""
    during = [(PageFact.at >= since) & (PageFact.at < until) for since, until in periods]
    return [(team, user, at) for team, user, at in session.execute(
        select(PageFact.team_id, PageFact.user_id, PageFact.at).where(or_(*during)))] if during else []


def pages(since: int, until: int) -> Pages:
    """When whom a page reached."""
    found: Pages = {}
    packed_ones, left = _parts(Chosen(since, until))
    for row in _packed(packed_ones, "pages"):
        tallies.add_pages(found, row.pages)
    for team, user, at in _pages([(max(since, day * DAY), min(until, (day + 1) * DAY)) for day in left]):
        found.setdefault((team, user), []).append(at)
    return found


def _parts(chosen: Chosen) -> tuple[list[Span], list[int]]:
    """The spans that are packed, and the days that are left. A span that is packed or changes before it is read is there all
    the same, as it was or as it is."""
    fresh: dict[int, set[int]] = {}
    for length, first in session.execute(select(FactSpan.length, FactSpan.first).where(
            ~FactSpan.stale, FactSpan.first.between(chosen.since // DAY, chosen.until // DAY))):
        fresh.setdefault(length, set()).add(first)
    return spans(chosen.since, chosen.until, fresh)


def _packed(found: Sequence[Span], *names: str) -> Iterable[Any]:
    columns = [FactSpan.length, FactSpan.first, *(getattr(FactSpan, name) for name in names)]
    return session.execute(select(*columns).where(tuple_(FactSpan.length, FactSpan.first).in_(found)),
                           execution_options=IN_BINARY) if found else ()


def read(chosen: Chosen, *kinds: str) -> dict[str, Cells]:
    """The incidents that count in cells of these kinds."""
    found, left = _parts(chosen) if chosen.integration is None else ([], None)  # which no cell tells
    some = of_columns(days.read(chosen, *TIMES, only=left))
    parts, held = {kind: [merged([some], kind)] for kind in kinds}, {kind: told_by(kind, chosen) for kind in kinds}
    for row in _packed(found, *sorted({*held.values()})):
        known = {name: unpacked(getattr(row, name), chosen) for name in {*held.values()}}
        for kind in kinds:
            parts[kind].append(known[held[kind]])
    return {kind: grouped(parts[kind], kind) for kind in kinds}


def hours(chosen: Chosen, clock_parts: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """How many of those that count were opened at each weekday (Monday is 0) and hour of a clock whose parts are those of
    `rules.offsets`."""
    narrowed = {*chosen.columns} - {"pair"} or chosen.services is not None
    if narrowed or any(ahead % HALF for _, _, ahead in clock_parts):
        return counting.hours(days.read(chosen), clock_parts)
    found, left = _parts(chosen)
    total = counting.hours(days.read(chosen, only=left), clock_parts)
    for row in _packed(found, "halves"):
        some = tallies.chosen_halves(row.halves, row.length, chosen)
        for hour, number in tallies.hours(some, row.first * DAY, clock_parts).items():
            total[hour] = total.get(hour, 0) + number
    return total


def sources(chosen: Chosen) -> Sources:
    """What each source made. Of some teams: what all made but for that of the others."""
    if chosen.columns not in ([], ["pair"]) or chosen.team is not None or chosen.services is not None:
        return tallies.summed(days.read(chosen, *SOURCES))
    found, left = _parts(chosen)
    total = tallies.merged_sources([*(row.sources for row in _packed(found, "sources")),
                                    tallies.summed(days.read(chosen, *SOURCES, only=left))])
    if chosen.teams is not None:
        covered = [day for length, first in found for day in range(first, first + length)]
        others = tallies.summed(days.read(replace(chosen, others=True), *SOURCES, only=covered))
        total = tallies.merged_sources([others], -1, total)
    return total
