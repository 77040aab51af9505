"""What a wall-clock time means in the nights in which clocks are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.oncall.wallclock import holes, instants_of, is_missing, local_instant, nearest_times, wall_time

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
APIA, TORONTO = ZoneInfo("Pacific/Apia"), ZoneInfo("America/Toronto")


def test_a_doubled_time_means_the_first_for_starts_and_the_last_for_the_end_of_a_restriction():
    half_past_one = datetime(2026, 11, 1, 1, 30)
    assert local_instant(half_past_one, NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert local_instant(half_past_one, NEW_YORK, fold_last=True) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("fold_last", [False, True])
@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_a_missing_time_means_the_first_instant_after_the_hole(minute, fold_last):
    missing = datetime(2026, 3, 8, 2, minute)
    assert local_instant(missing, NEW_YORK, fold_last=fold_last) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_person_is_asked_which_of_two_times_is_meant_and_offered_neighbours_of_a_missing_one():
    doubled, missing = datetime(2026, 11, 1, 1, 30), datetime(2026, 3, 8, 2, 30)
    assert [one.hour for one in instants_of(doubled, NEW_YORK)] == [5, 6]
    assert instants_of(missing, NEW_YORK) == ()
    assert instants_of(datetime(2026, 7, 1, 12), NEW_YORK) == (datetime(2026, 7, 1, 16, tzinfo=UTC),)
    assert nearest_times(missing, NEW_YORK) == (datetime(2026, 3, 8, 1, 59), datetime(2026, 3, 8, 3))
    assert nearest_times(doubled, NEW_YORK) == (doubled, doubled)


def test_a_hole_of_half_an_hour_is_half_an_hour():
    found = list(holes(LORD_HOWE, datetime(2026, 1, 1), datetime(2026, 12, 31)))
    assert [(hole.start, hole.end) for hole in found] == [(datetime(2026, 10, 4, 2), datetime(2026, 10, 4, 2, 30))]
    assert nearest_times(datetime(2026, 10, 4, 2, 29), LORD_HOWE)[1] == datetime(2026, 10, 4, 2, 30)


def test_only_a_day_that_is_left_out_whole_is_missing():
    assert [day for day in range(28, 32) if is_missing(date(2011, 12, day), APIA)] == [30]
    assert not is_missing(date(2026, 3, 8), ZoneInfo("America/Havana"))
    assert not is_missing(date(1919, 3, 31), TORONTO)  # lost its first half hour, from 23:30 the day before


@pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, APIA, TORONTO], ids=str)
@pytest.mark.parametrize("fold_last", [False, True])
def test_later_wall_times_never_mean_earlier_instants(zone, fold_last):
    times = [datetime(2011, 1, 1) + timedelta(minutes=47 * step) for step in range(12000)]
    found = [local_instant(one, zone, fold_last=fold_last) for one in times]
    assert found == sorted(found)
    assert all(wall_time(instant, zone) >= one for instant, one in zip(found, times, strict=True))
