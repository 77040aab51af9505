"""Random schedules: the answer is whole, agrees with itself, and agrees with a slow second opinion."""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.oncall.rules import (
    Layer,
    Override,
    Restriction,
    Rotation,
    Schedule,
    conflicts,
    next_handoff,
    on_duty,
    shifts,
    turn_number,
    whole_shifts,
)
from bench.schedules import any_schedule
from tests.oncall.reference import DAY, MINUTE, timeline, walk

UTC_ZONE = ZoneInfo("UTC")
DAYS_SHOWN = 12
NIGHTS = {  # a zone, and a local day near which its clocks are moved or its calendar leaves a day out
    ("America/New_York", "2026-03-08"), ("America/New_York", "2026-11-01"), ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"), ("Australia/Lord_Howe", "2026-10-04"), ("Australia/Lord_Howe", "2026-04-05"),
    ("America/Havana", "2026-03-08"), ("America/Havana", "2026-11-01"), ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"), ("America/Toronto", "1919-03-30"), ("Asia/Kolkata", "2026-05-04"),
}
ZONES = st.sampled_from(sorted({zone for zone, _ in NIGHTS})).map(ZoneInfo)
PEOPLE = st.integers(1, 6)
TURNS = st.lists(st.lists(PEOPLE, min_size=1, max_size=3).map(tuple), min_size=1, max_size=5).map(tuple)
CLOCKS = st.one_of(st.sampled_from([time(0), time(1, 30), time(2), time(2, 15), time(2, 30), time(3), time(23, 30)]),
                   st.builds(time, st.integers(0, 23), st.integers(0, 59)))
RESTRICTIONS = st.lists(st.builds(Restriction, st.frozensets(st.integers(0, 6), min_size=1), CLOCKS, CLOCKS),
                        max_size=3).map(tuple)
SMALL = st.one_of(st.integers(1, 4), st.integers(1, 365))
UNITS = st.sampled_from(["hour", "day", "week", "month"])
INACTIVE = st.frozensets(PEOPLE, max_size=3)
OFTEN = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def layers(draw, name: str, zone: ZoneInfo, first_day: datetime, days: int, units=UNITS) -> Layer:
    """A layer that starts within `days` after `first_day`."""
    starts = datetime.combine(first_day + draw(st.integers(0, days)) * DAY, draw(CLOCKS))
    ends = draw(st.none() | st.integers(1, 2 * days * 24 * 60).map(lambda minutes: starts + minutes * MINUTE))
    return Layer(name, zone, starts, ends, Rotation(draw(SMALL), draw(units)), draw(TURNS), draw(RESTRICTIONS),
                 draw(st.booleans()))


@st.composite
def overrides(draw, start: datetime, days: int, most: int) -> tuple[Override, ...]:
    """Overrides of which no two conflict, and of which no stand-in is replaced as well."""
    found: list[Override] = []
    for _ in range(draw(st.integers(0, most))):
        begin = start + draw(st.integers(0, days * 24 * 60 - 1)) * MINUTE
        replaces = draw(st.none() | PEOPLE)
        people = draw(st.lists(st.integers(7, 9), min_size=replaces is None, max_size=2, unique=True))
        one = Override(begin, begin + draw(st.integers(1, 3 * 24 * 60)) * MINUTE, tuple(people), replaces)
        found += [one] if not any(conflicts(one, other) for other in found) else []
    return tuple(found)


@st.composite
def fortnights(draw) -> tuple[Schedule, datetime]:
    """A schedule of a few layers in one zone around a night in which its clocks change, and when to look from."""
    name, night = draw(st.sampled_from(sorted(NIGHTS)))
    start = datetime.fromisoformat(night).replace(tzinfo=UTC) - 6 * DAY
    local = start.replace(tzinfo=None) + 2 * DAY
    units = st.sampled_from(["hour", "day", "day", "week"])
    stack = tuple(draw(layers(f"layer {n}", ZoneInfo(name), local, 4, units)) for n in range(draw(st.integers(1, 3))))
    return Schedule(UTC_ZONE, stack, draw(overrides(start, DAYS_SHOWN, 4))), start


@st.composite
def schedules(draw) -> Schedule:
    """A schedule of up to four layers in different zones that start in 2024 to 2026, and overrides in 2026."""
    first = datetime(2024, 1, 1)
    stack = tuple(draw(layers(f"layer {n}", draw(ZONES), first, 1000)) for n in range(draw(st.integers(0, 4))))
    return Schedule(UTC_ZONE, stack, draw(overrides(datetime(2026, 1, 1, tzinfo=UTC), 400, 6)))


@OFTEN
@given(fortnights(), INACTIVE)
def test_the_second_opinion_agrees_on_every_minute_around_a_change_of_clocks(fortnight, inactive):
    """SCH-02: an independent model, minute by minute."""
    schedule, start = fortnight
    found = shifts(schedule, start, start + DAYS_SHOWN * DAY, inactive=inactive)
    # Its calendar ends after these days, so that windows which end later are cut off there: look a little less far.
    until = start + (DAYS_SHOWN - 3) * DAY
    expected = [one for one in timeline(schedule, start, DAYS_SHOWN, inactive) if one[0] < until]
    told = [(one.start, one.end, one.people, one.layer) for one in found if one.start < until]
    assert told[:-1] == expected[:-1]
    assert (told[-1][0], *told[-1][2:]) == (expected[-1][0], *expected[-1][2:])


@OFTEN
@given(schedules(), INACTIVE, st.lists(st.integers(0, 400 * 86400 - 1), min_size=8, max_size=8))
def test_four_hundred_days_are_covered_once_and_agree_with_on_duty(schedule, inactive, seconds):
    """SCH-02"""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = shifts(schedule, start, start + 400 * DAY, inactive=inactive)
    assert found[0].start == start and found[-1].end == start + 400 * DAY
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all((one.people, one.layer) != (two.people, two.layer) for one, two in pairwise(found))
    assert all(bool(one.people) == bool(one.layer) and not inactive & set(one.people) for one in found)
    for at in [start + timedelta(seconds=one) for one in seconds]:
        now = on_duty(schedule, at, inactive=inactive)
        shift = next(one for one in found if one.start <= at < one.end)
        assert (now.people, now.layer) == (shift.people, shift.layer)
        assert shift.start in (now.start, start) and shift.end in (now.end, start + 400 * DAY)


@OFTEN
@given(schedules(), INACTIVE, st.integers(0, 399), st.integers(1, 3 * 24 * 60))
def test_the_window_asked_for_changes_nothing(schedule, inactive, day, minutes):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    low, high = start + day * DAY, start + day * DAY + minutes * MINUTE
    narrow = shifts(schedule, low, high, inactive=inactive)
    wide = shifts(schedule, start - 30 * DAY, start + 430 * DAY, inactive=inactive)
    clipped = [(max(one.start, low), min(one.end, high), one.people, one.layer) for one in wide
               if one.start < high and low < one.end]
    assert [(one.start, one.end, one.people, one.layer) for one in narrow] == clipped
    whole = whole_shifts(schedule, low, high, inactive=inactive)
    assert [one.people for one in whole] == [one.people for one in narrow]
    assert whole[0].start <= low and high <= whole[-1].end


def test_five_hundred_random_schedules_answer_alike_whichever_way_they_are_asked():
    """SCH-02: `bench/schedules.py` checks over 10,000 a minute, and any number of instants."""
    chance, start, end = random.Random(2026), datetime(2026, 7, 20, tzinfo=UTC), datetime(2027, 8, 24, tzinfo=UTC)
    for _ in range(500):
        schedule = any_schedule(chance)
        found = shifts(schedule, start, end)
        assert (found[0].start, found[-1].end) == (start, end)
        assert all(one.end == two.start for one, two in pairwise(found)), schedule
        for at in (start + timedelta(seconds=chance.randrange(400 * 86400)) for _ in range(4)):
            shift = found[bisect_right(found, at, key=lambda one: one.start) - 1]
            asked = on_duty(schedule, at)
            assert (asked.people, asked.layer) == (shift.people, shift.layer), (schedule, at)


def counted_one_by_one(layer: Layer, at: datetime) -> int:
    """How many turns have passed at an instant, by walking; holes are passed minute by minute."""
    instants, days = [], []
    for wall in walk(layer, at.astimezone(layer.zone).replace(tzinfo=None) + DAY):
        shown, existing = None, wall
        while shown != existing:
            instant = existing.replace(tzinfo=layer.zone, fold=0).astimezone(UTC)
            shown = instant.astimezone(layer.zone).replace(tzinfo=None, fold=0)
            existing += MINUTE if shown != existing else 0 * MINUTE
        if instant <= at and instant not in instants and (wall == layer.starts or existing - wall < DAY / 2):
            instants.append(instant)
            days.append(existing.weekday())
    if layer.skip_inactive and layer.restrictions:
        days = [day for day in days if any(day in one.days for one in layer.restrictions)]
    return max(0, len(days) - 1)


@OFTEN
@given(st.data(), ZONES, st.integers(0, 1000 * 86400))
def test_counting_by_arithmetic_equals_counting_one_by_one(data, zone, seconds):
    layer = data.draw(layers("base", zone, datetime(2010, 1, 1), 900))
    # A window that lies wholly in a hole is the minute-by-minute test's business; here windows last half a day.
    assume(all(abs(one.from_.hour - one.to.hour) >= 12 for one in layer.restrictions))
    at = datetime(2011, 6, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert turn_number(layer, at) == counted_one_by_one(layer, at)
    following = next_handoff(layer, at)
    if following is not None and following < datetime(2020, 1, 1, tzinfo=UTC):
        assert turn_number(layer, following) == turn_number(layer, at) + 1
        assert turn_number(layer, following - MINUTE) == turn_number(layer, max(at, following - MINUTE))
