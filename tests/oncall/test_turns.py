"""Every row of the table of cases in the schedules' specification, for a layer by itself."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.oncall.rules import (
    Layer,
    Restriction,
    Rotation,
    layer_shifts,
    local_instant,
    next_handoff,
    turn_number,
    wall_time,
)

ANA, BOB, CEM = 1, 2, 3
THREE = ((ANA,), (BOB,), (CEM,))
WORKDAYS = frozenset(range(5))
CITIES = {"New York": "America/New_York", "Berlin": "Europe/Berlin", "Lord Howe": "Australia/Lord_Howe",
          "Kolkata": "Asia/Kolkata", "Havana": "America/Havana", "Apia": "Pacific/Apia"}


def layer(city: str, starts: str, unit: str = "day", every: int = 1, **more) -> Layer:
    """A layer with a turn each for Ana, Bob and Cem, unless said otherwise."""
    values = {"turns": THREE, "ends": None, **more}
    return Layer("base", ZoneInfo(CITIES[city]), datetime.fromisoformat(starts), rotation=Rotation(every, unit),
                 **values)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + ":00+00:00")


def begins(one: Layer, count: int) -> list[str]:
    """When the first shifts in which somebody is on duty begin, with who it is."""
    first = local_instant(one.starts, one.zone)
    found = layer_shifts(one, first, first + timedelta(days=1600))
    return [f"{'-ABC'[shift.people[0]]} {shift.start:%Y-%m-%dT%H:%M}" for shift in found if shift.people][:count]


@pytest.mark.parametrize(("city", "starts", "unit", "expected"), [
    ("New York", "2026-03-07T09:00", "day", "A 2026-03-07T14:00, B 2026-03-08T13:00, C 2026-03-09T13:00"),
    ("New York", "2026-10-31T09:00", "day", "A 2026-10-31T13:00, B 2026-11-01T14:00"),
    ("New York", "2026-03-07T02:30", "day", "A 2026-03-07T07:30, B 2026-03-08T07:00, C 2026-03-09T06:30"),
    ("New York", "2026-10-31T01:30", "day", "A 2026-10-31T05:30, B 2026-11-01T05:30, C 2026-11-02T06:30"),
    ("New York", "2026-03-02T08:00", "week", "A 2026-03-02T13:00, B 2026-03-09T12:00"),
    ("New York", "2026-10-26T08:00", "week", "A 2026-10-26T12:00, B 2026-11-02T13:00"),
    ("Berlin", "2026-03-28T02:30", "day", "A 2026-03-28T01:30, B 2026-03-29T01:00, C 2026-03-30T00:30"),
    ("Berlin", "2026-10-24T02:30", "day", "A 2026-10-24T00:30, B 2026-10-25T00:30, C 2026-10-26T01:30"),
    ("Lord Howe", "2026-10-03T02:15", "day", "A 2026-10-02T15:45, B 2026-10-03T15:30, C 2026-10-04T15:15"),
    ("Lord Howe", "2026-04-04T01:45", "day", "A 2026-04-03T14:45, B 2026-04-04T14:45, C 2026-04-05T15:15"),
    ("New York", "2026-03-08T00:00", "hour",
     "A 2026-03-08T05:00, B 2026-03-08T06:00, C 2026-03-08T07:00, A 2026-03-08T08:00"),
    ("New York", "2026-11-01T00:00", "hour", "A 2026-11-01T04:00, B 2026-11-01T05:00, C 2026-11-01T07:00"),
    ("Kolkata", "2026-03-28T09:30", "day", "A 2026-03-28T04:00, B 2026-03-29T04:00, C 2026-03-30T04:00"),
    ("New York", "2026-01-31T09:00", "month",
     "A 2026-01-31T14:00, B 2026-02-28T14:00, C 2026-03-31T13:00, A 2026-04-30T13:00"),
    ("Apia", "2011-12-28T09:00", "day", "A 2011-12-28T19:00, B 2011-12-29T19:00, C 2011-12-30T19:00"),
])
def test_hand_offs_follow_the_wall_clock(city, starts, unit, expected):
    assert ", ".join(begins(layer(city, starts, unit), expected.count(",") + 1)) == expected


def test_a_hand_off_in_a_doubled_hour_happens_once():
    one = layer("New York", "2026-10-31T01:30")
    found = layer_shifts(one, utc("2026-11-01T00:00"), utc("2026-11-02T00:00"))
    assert [shift.people for shift in found] == [(ANA,), (BOB,)]
    assert found[1].start == utc("2026-11-01T05:30")


def test_every_twelve_hours_stays_at_midnight_and_noon_though_one_night_is_short():
    one = layer("New York", "2026-03-07T00:00", "hour", 12)
    found = layer_shifts(one, utc("2026-03-07T05:00"), utc("2026-03-12T04:00"))
    assert {wall_time(shift.start, one.zone).hour for shift in found} == {0, 12}
    night = next(shift for shift in found if shift.start == utc("2026-03-08T05:00"))
    assert night.end - night.start == timedelta(hours=11)


def test_every_twelve_months_from_a_leap_day_comes_back_to_it():
    one = layer("Berlin", "2028-02-29T09:00", "month", 12)
    days = [text[2:12] for text in begins(one, 5)]
    assert days == ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


@pytest.mark.parametrize(("city", "days", "hours", "around", "expected"), [
    ("New York", range(7), "02:00-03:00", "2026-03-08", None),
    ("New York", range(7), "02:30-05:00", "2026-03-08", "2026-03-08T07:00 2026-03-08T09:00"),
    ("New York", range(7), "00:00-01:30", "2026-11-01", "2026-11-01T04:00 2026-11-01T06:30"),
    ("Berlin", range(7), "02:00-03:00", "2026-10-25", "2026-10-25T00:00 2026-10-25T02:00"),
    ("Lord Howe", range(7), "01:30-02:00", "2026-04-05", "2026-04-04T14:30 2026-04-04T15:30"),
    ("New York", [5], "22:00-06:00", "2026-10-31", "2026-11-01T02:00 2026-11-01T11:00"),
    ("New York", range(5), "08:00-08:00", "2026-07-20", "2026-07-20T12:00 2026-07-25T12:00"),
    ("Havana", [6], "00:00-08:00", "2026-03-08", "2026-03-08T05:00 2026-03-08T12:00"),
    ("Havana", [6], "00:00-08:00", "2026-11-01", "2026-11-01T04:00 2026-11-01T13:00"),
])
def test_a_restriction_means_wall_clock_times_of_the_day_it_starts_on(city, days, hours, around, expected):
    start, end = (time.fromisoformat(text) for text in hours.split("-"))
    one = layer(city, "2025-01-01T00:00", turns=((ANA,),),
                restrictions=(Restriction(frozenset(days), start, end),))
    midnight = datetime.fromisoformat(around)
    found = layer_shifts(one, local_instant(midnight, one.zone), utc("2027-01-01T00:00"))
    first = next(shift for shift in found if shift.people)
    if expected is None:
        assert first.start >= local_instant(midnight + timedelta(days=1), one.zone)
    else:
        assert f"{first.start:%Y-%m-%dT%H:%M} {first.end:%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize(("skip_inactive", "monday"), [(False, BOB), (True, CEM)])
def test_a_restricted_rotation_turns_at_weekends_unless_told_not_to(skip_inactive, monday):
    office = Restriction(WORKDAYS, time(9), time(17))
    one = layer("New York", "2026-07-20T09:00", restrictions=(office,), skip_inactive=skip_inactive)
    on = {shift.start: shift.people for shift in layer_shifts(one, utc("2026-07-20T13:00"), utc("2026-07-28T13:00"))}
    assert on[utc("2026-07-20T13:00")] == (ANA,) and on[utc("2026-07-21T13:00")] == (BOB,)
    assert on[utc("2026-07-27T13:00")] == (monday,)


def test_with_inactive_days_skipped_a_start_at_the_weekend_costs_nobody_a_turn():
    office = Restriction(WORKDAYS, time(9), time(17))
    one = layer("New York", "2026-07-18T09:00", restrictions=(office,), skip_inactive=True)
    assert begins(one, 2) == ["A 2026-07-20T13:00", "B 2026-07-21T13:00"]
    assert next_handoff(one, utc("2026-07-18T13:00")) == utc("2026-07-21T13:00")


def test_with_inactive_days_skipped_a_night_belongs_to_the_day_on_which_it_starts():
    nights = Restriction(WORKDAYS, time(20), time(8))
    one = layer("New York", "2026-07-23T20:00", restrictions=(nights,), skip_inactive=True)
    assert begins(one, 3) == ["A 2026-07-24T00:00", "B 2026-07-25T00:00", "C 2026-07-28T00:00"]


def test_a_day_whose_only_window_falls_into_a_hole_is_inactive():
    small_hours = Restriction(frozenset(range(7)), time(2), time(3))
    one = layer("New York", "2026-03-07T00:00", restrictions=(small_hours,), skip_inactive=True)
    assert begins(one, 3) == ["A 2026-03-07T07:00", "B 2026-03-09T06:00", "C 2026-03-10T06:00"]


def test_a_weekly_hand_off_on_a_day_left_out_of_the_calendar_does_not_happen():
    one = layer("Apia", "2011-12-23T09:00", "week")
    assert begins(one, 2) == ["A 2011-12-23T19:00", "B 2012-01-05T19:00"]


def test_hours_of_a_day_left_out_of_the_calendar_are_no_hand_offs():
    one = layer("Apia", "2011-12-29T23:00", "hour")
    assert begins(one, 3) == ["A 2011-12-30T09:00", "B 2011-12-30T10:00", "C 2011-12-30T11:00"]


def test_a_layer_may_start_on_a_day_left_out_of_the_calendar():
    assert begins(layer("Apia", "2011-12-30T09:00", "hour"), 2) == ["A 2011-12-30T10:00", "B 2011-12-30T11:00"]


@pytest.mark.parametrize("city", ["New York", "Berlin", "Lord Howe", "Kolkata"])
def test_a_daily_rotation_hands_over_at_the_same_local_time_for_four_hundred_days(city):
    """SCH-03: no gap, no double, and the sum is the interval."""
    one = layer(city, "2026-01-05T09:15")
    first = local_instant(one.starts, one.zone)
    end = local_instant(one.starts + timedelta(days=400), one.zone)
    found = layer_shifts(one, first, end)
    assert {wall_time(shift.start, one.zone).time() for shift in found} == {time(9, 15)}
    assert [shift.people[0] for shift in found] == [(ANA, BOB, CEM)[place % 3] for place in range(400)]
    assert sum((shift.end - shift.start for shift in found), timedelta()) == end - first


@pytest.mark.parametrize("every", [1, 2, 26, 52])
@pytest.mark.parametrize("weekday", range(7))
def test_a_weekly_rotation_hands_over_on_the_weekday_it_started_on(every, weekday):
    """SCH-04: every 1, 2, 26 and 52 weeks."""
    starts = datetime(2026, 1, 5, 17, 45) + timedelta(days=weekday)
    one = layer("Berlin", starts.isoformat(), "week", every)
    at = local_instant(starts, one.zone)
    for turn in range(1, 4):
        at = next_handoff(one, at)
        assert at == local_instant(starts + turn * timedelta(weeks=every), one.zone)
        assert turn_number(one, at) == turn and turn_number(one, at - timedelta(minutes=1)) == turn - 1


@pytest.mark.parametrize(("unit", "every"), [(unit, every) for unit in ("hour", "day", "month") for every in (1, 3, 10, 365)])
@pytest.mark.parametrize("starts", ["2025-06-30T09:00", "2026-07-25T09:00"])
def test_any_interval_is_exact_over_four_hundred_days_whenever_it_started(unit, every, starts):
    """SCH-04, SCH-05: the first shift begins at `starts`, in the past or ahead, and the order never moves."""
    one, now = layer("Kolkata" if unit == "hour" else "Berlin", starts, unit, every), utc("2026-07-20T09:00")
    wall, turn = one.starts, 0
    found = [shift for shift in layer_shifts(one, now, now + timedelta(days=400)) if shift.people]
    for shift in found:
        while local_instant(step(one.starts, unit, every * (turn + 1)), one.zone) <= shift.start:
            turn += 1
        wall = step(one.starts, unit, every * turn)
        assert shift.people == THREE[turn % 3] and max(now, local_instant(wall, one.zone)) == shift.start
    assert found[0].start == max(now, local_instant(one.starts, one.zone)) and found[-1].end == now + timedelta(days=400)


def step(starts: datetime, unit: str, count: int) -> datetime:
    """The wall time of a hand-off, counted one by one by hand."""
    if unit == "month":
        month = starts.month - 1 + count
        last = monthrange(starts.year + month // 12, month % 12 + 1)[1]
        return starts.replace(year=starts.year + month // 12, month=month % 12 + 1, day=min(starts.day, last))
    return starts + count * timedelta(**{f"{unit}s": 1})


def test_nobody_is_on_duty_before_a_layer_starts_and_from_its_end_on():
    one = layer("New York", "2026-07-20T09:00", ends=datetime(2026, 7, 21, 12))
    found = layer_shifts(one, utc("2026-07-20T00:00"), utc("2026-07-22T00:00"))
    assert [shift.people for shift in found] == [(), (ANA,), (BOB,), ()]
    assert (found[1].start, found[3].start) == (utc("2026-07-20T13:00"), utc("2026-07-21T16:00"))


def test_an_edited_layer_goes_on_with_the_next_person_and_keeps_its_past():
    cut = utc("2026-07-21T13:00")
    before = layer("New York", "2026-07-20T09:00", until=cut)
    after = layer("New York", "2026-07-20T09:00", since=cut, turns=((ANA,), (CEM,)),
                  first_turn=-turn_number(before, cut) + 1)
    found = [shift.people for one in (before, after)
             for shift in layer_shifts(one, utc("2026-07-20T13:00"), utc("2026-07-23T13:00")) if shift.people]
    assert found == [(ANA,), (CEM,), (ANA,)]


def test_the_turn_of_a_deactivated_person_is_held_by_the_next_and_nobody_else_moves():
    one = layer("New York", "2026-07-20T09:00", turns=((ANA,), (BOB,), (CEM, BOB)))
    found = layer_shifts(one, utc("2026-07-20T13:00"), utc("2026-07-25T13:00"), inactive=frozenset({BOB}))
    assert [(shift.people, shift.start) for shift in found] == [
        ((ANA,), utc("2026-07-20T13:00")), ((CEM,), utc("2026-07-21T13:00")),
        ((ANA,), utc("2026-07-23T13:00")), ((CEM,), utc("2026-07-24T13:00"))]


def test_the_hand_off_that_never_comes_is_not_looked_for_for_ever():
    saturday = layer("New York", "2026-07-18T09:00", "week", skip_inactive=True,
                     restrictions=(Restriction(WORKDAYS, time(9), time(17)),))
    assert next_handoff(saturday, datetime(2026, 7, 20, tzinfo=UTC)) is None
