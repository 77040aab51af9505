"""What figures mean, with plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.insights.charts import TONES, buckets, heat, lines, stacked
from app.insights.rules import Stats, by_part, cover, interruptions, offsets, span_words, stats
from app.insights.tables import written


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


def test_of_nothing_there_is_no_figure_and_of_one_it_is_itself():
    """INS-23: never a zero, never a division by one."""
    assert stats({}) == Stats() and stats({7: 1}) == Stats(1, 7, 7, 7, 7, 7)
    assert stats({1: 1, 3: 1}).median == 2 and stats({1: 99, 50: 1}).p99 == 1 and stats({1: 98, 50: 2}).p99 == 50


def test_forty_pages_in_four_minutes_are_one_interruption_and_the_next_begins_five_minutes_later():
    """INS-11"""
    assert interruptions([6 * place for place in range(40)]) == [0]
    assert interruptions([301, 0, 299]) == [0, 301]


@pytest.mark.parametrize(("text", "zone", "part"), [
    ("2026-07-20T03:00", "UTC", "sleep"), ("2026-07-20T03:00", "Asia/Tokyo", "working"), ("2026-07-20T16:30", "Europe/Berlin", "off"),
    ("2026-07-18T12:00", "UTC", "off"), ("2026-07-20T22:00", "UTC", "sleep"), ("2026-07-20T07:00", "UTC", "off")])
def test_a_page_falls_in_a_part_of_the_persons_own_day(text, zone, part):
    """INS-11"""
    parts = offsets(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC), ZoneInfo(zone))
    found, nights = by_part([at(text)], parts)
    assert found == {"working": 0, "off": 0, "sleep": 0} | {part: 1} and nights == (part == "sleep")


def test_a_period_is_cut_where_clocks_are_moved_and_nowhere_else():
    """INS-05: 23 and 25 hours at the changes of the clocks."""
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    found = offsets(start, end, ZoneInfo("Europe/Berlin"))
    assert found == [(at("2026-03-01T00:00"), at("2026-03-29T01:00"), 3600), (at("2026-03-29T01:00"), at("2026-10-25T01:00"), 7200),
                     (at("2026-10-25T01:00"), at("2026-12-01T00:00"), 3600)]
    assert offsets(start, end, ZoneInfo("Asia/Kolkata")) == [(at("2026-03-01T00:00"), at("2026-12-01T00:00"), 19800)]


def test_charts_of_nothing_have_words_and_never_more_than_31_columns():
    """INS-22, INS-23"""
    days = buckets([datetime(2026, 1, 1).date() + timedelta(days=one) for one in range(400)])
    for chart in (stacked("a", days, [dict.fromkeys(TONES, 0)] * 29), lines("b", days, [None] * 29, [None] * 29), heat("c", {})):
        assert chart.summary.startswith("No") and len(chart.rows) <= 31 and not chart.paths


@pytest.mark.parametrize(("seconds", "said"), [(None, "–"), (0, "0 s"), (110, "1 min 50 s"), (3600, "1 h"), (90061, "1 d 1 h")])
def test_spans_are_told_as_people_say_them(seconds, said):
    assert span_words(seconds) == said


def test_a_table_comes_piece_by_piece_from_its_first_row_on():
    """INS-21: the first piece is there before the last row is known."""
    seen = []

    def rows():
        for number in range(1000):
            seen.append(number)
            yield [number]
    pieces = written(rows())
    next(pieces)
    assert seen == [0] and sum(piece.count("\n") for piece in pieces) == 999


def test_a_period_is_made_of_few_spans_that_are_there():
    """Each hour once, the longest first that is summed already."""
    reached = {1: 2000, 6: 1998, 24: 1992, 96: 1920, 384: 1536}
    parts = cover(5, 1999, reached)
    assert [at for span, start, end in parts for at in range(start, end, span)][-1] == 1998
    assert sum(end - start for _, start, end in parts) == 1994 and len(parts) == 9
    assert cover(5, 1999, {}) == [] and cover(7, 7, reached) == []
