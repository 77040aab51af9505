"""Where blocks stand in the lanes: exact across the change of the clocks, and in words that fit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.oncall import timeline
from app.oncall.rules import Layer, Restriction, Rotation, Shift

BERLIN, LORD_HOWE, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")
SPRING = timeline.window("2-weeks", date(2026, 3, 25), BERLIN)


def at(day: int, hour: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(("view", "first", "last"), [
    ("week", date(2026, 3, 23), date(2026, 3, 29)), ("2-weeks", date(2026, 3, 23), date(2026, 4, 5)),
    ("month", date(2026, 3, 1), date(2026, 3, 31))])
def test_a_view_begins_with_its_week_or_month_and_holds_whole_days(view, first, last):
    shown = timeline.window(view, date(2026, 3, 25), BERLIN)
    assert (shown.first, shown.last) == (first, last)
    assert shown.local(shown.start) == datetime.combine(first, time()) and shown.local(shown.end).time() == time()


def test_the_day_on_which_clocks_go_forward_is_narrower_and_all_days_fill_the_width():
    days = timeline.days(SPRING, at(24, 2))
    widths = {one.day.day: one.width for one in days}
    assert widths[29] == pytest.approx(widths[28] * 23 / 24, abs=0.01)
    assert sum(one.width for one in days) == pytest.approx(100, abs=0.02)
    assert [one.day.day for one in days if one.weekend] == [28, 29, 4, 5]
    assert [one.day.day for one in days if one.today] == [24]


@pytest.mark.parametrize(("zone", "first", "said"), [
    (BERLIN, date(2026, 3, 25), ["02:00 → 03:00"]), (BERLIN, date(2026, 10, 25), ["03:00 → 02:00"]),
    (LORD_HOWE, date(2026, 10, 4), ["02:00 → 02:30"]), (BERLIN, date(2026, 6, 1), []),
    (APIA, date(2011, 12, 30), ["00:00 → 00:00"])])
def test_a_change_of_the_clocks_is_marked_where_it_happens(zone, first, said):
    shown = timeline.window("2-weeks", first, zone)
    assert [one.words for one in timeline.changes(shown)] == said


def test_a_block_stands_at_its_instants_and_ends_at_the_edge_of_the_window():
    shifts = [Shift(at(16, 8), at(23, 8), (1,), "base"), Shift(at(23, 8), at(30, 7), (2,), "base"),
              Shift(at(30, 7), at(20, 7, 4), (), "")]
    ana, bob, gap = timeline.blocks(shifts, {1: "Ana", 2: "Bob"}, SPRING, at(24, 2))
    assert (ana.x, ana.start) == (0, at(16, 8)) and round(gap.x + gap.width) == 100
    assert bob.x == pytest.approx(100 * 9 / (14 * 24 - 1), abs=0.001)
    assert bob.words == "Bob, Mon 23 March, 09:00 to Mon 30 March, 09:00, 167 h"
    assert bob.name == "Bob" and bob.text > 0 and "to Mon" in bob.note


def test_a_narrow_block_says_less_and_never_more_than_fits():
    names = {1: "Bartholomew", 2: "Bob"}
    hour, day, both = (timeline.blocks([Shift(at(25, 8), at(25, 8) + timedelta(hours=hours), people, "base")], names,
                                       SPRING, at(24, 2))[0]
                       for hours, people in ((1, (1,)), (20, (1,)), (60, (2, 1))))
    assert [one.name for one in (hour, day, both)] == ["", "B", "Bob"]
    assert hour.words.startswith("Bartholomew, Wed 25 March, 09:00 to 10:00, 1 h")


def test_overrides_at_once_stand_in_lanes_of_their_own():
    spans = [Shift(at(23, 0), at(25, 0), (1,), ""), Shift(at(24, 0), at(26, 0), (2,), ""),
             Shift(at(25, 0), at(27, 0), (1,), "")]
    lanes = timeline.stacked(timeline.blocks(spans, {1: "Ana", 2: "Bob"}, SPRING, at(24, 2)))
    assert [[one.people for one in lane] for lane in lanes] == [[(1,), (1,)], [(2,)]]


@pytest.mark.parametrize(("minutes", "said"), [(30, "30 min"), (60, "1 h"), (95 * 60, "95 h"), (7 * 1440, "7 days"),
                                               (90, "1 h 30 min"), (1440, "24 h")])
def test_lengths_are_told_as_people_say_them(minutes, said):
    assert timeline.length(at(1, 0), at(1, 0) + timedelta(minutes=minutes)) == said


@pytest.mark.parametrize(("every", "unit", "said"), [
    (1, "week", "weekly, Mon"), (1, "day", "daily, 09:00"), (3, "day", "every 3 days"), (1, "month", "monthly, 5."),
    (12, "hour", "every 12 hours")])
def test_a_rotation_in_words(every, unit, said):
    layer = Layer("base", BERLIN, datetime(2026, 1, 5, 9), None, Rotation(every, unit), ((1,),))
    assert timeline.rotation_words(layer) == said


def test_a_restriction_in_words():
    assert timeline.restriction_words(Restriction(frozenset(range(5)), time(9), time(17))) == "Mon–Fri 09–17"
    assert timeline.restriction_words(Restriction(frozenset({0, 4}), time(9, 30), time(17))) == "Mon, Fri 09:30–17:00"
