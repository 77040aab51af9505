"""Layers and overrides outside the numbers are refused, each with the field at fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.oncall.rules import (
    Layer,
    Override,
    Restriction,
    Rotation,
    Schedule,
    check_layer,
    check_override,
    check_range,
    check_schedule,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 7, 20, 12, tzinfo=UTC)
OFFICE = Restriction(frozenset({0}), time(9), time(17))
GOOD = Layer("base", BERLIN, datetime(2026, 1, 5, 9), None, Rotation(1, "week"), ((1,), (2,)), (OFFICE,))
STAND_IN = Override(NOON, NOON + timedelta(hours=1), (1,), replaces=2)


def fields(problems) -> list[str]:
    assert all(one.message for one in problems)
    return [one.field for one in problems]


@pytest.mark.parametrize("change", [
    {}, {"name": "n" * 50}, {"rotation": Rotation(365, "month")}, {"rotation": Rotation(1, "hour")},
    {"turns": ((1,),) * 100}, {"turns": (tuple(range(10)),)}, {"restrictions": (OFFICE,) * 20},
    {"ends": datetime(2026, 1, 5, 9, 1)},
])
def test_a_layer_at_its_limits_is_accepted(change):
    assert check_layer(replace(GOOD, **change)) == []


@pytest.mark.parametrize(("change", "field"), [
    ({"name": " "}, "name"),
    ({"name": "n" * 51}, "name"),
    ({"starts": datetime(2026, 1, 5, 9, 0, 30)}, "starts"),
    ({"starts": datetime(1, 1, 1)}, "starts"),
    ({"ends": datetime(2026, 1, 5, 9)}, "ends"),
    ({"rotation": Rotation(0, "day")}, "rotation.every"),
    ({"rotation": Rotation(366, "day")}, "rotation.every"),
    ({"rotation": Rotation(1, "fortnight")}, "rotation.unit"),
    ({"turns": ()}, "participants"),
    ({"turns": ((1,),) * 101}, "participants"),
    ({"turns": ((1,), ())}, "participants[1]"),
    ({"turns": (tuple(range(11)),)}, "participants[0]"),
    ({"restrictions": (OFFICE,) * 21}, "restrictions"),
    ({"restrictions": (OFFICE, replace(OFFICE, days=frozenset()))}, "restrictions[1].days"),
    ({"restrictions": (replace(OFFICE, days=frozenset({7})),)}, "restrictions[0].days"),
    ({"restrictions": (replace(OFFICE, from_=time(9, 0, 1)),)}, "restrictions[0].from"),
    ({"restrictions": (replace(OFFICE, to=time(9, 0, 0, 1)),)}, "restrictions[0].to"),
])
def test_a_layer_outside_its_limits_is_refused_by_the_field(change, field):
    assert fields(check_layer(replace(GOOD, **change))) == [field]


@pytest.mark.parametrize(("change", "expected"), [
    ({}, []),
    ({"ends": NOON + timedelta(minutes=1)}, []),
    ({"ends": NOON + timedelta(days=366)}, []),
    ({"people": ()}, []),
    ({"replaces": None}, []),
    ({"ends": NOON}, ["ends"]),
    ({"ends": NOON + timedelta(days=366, minutes=1)}, ["ends"]),
    ({"starts": NOON + timedelta(seconds=30)}, ["starts"]),
    ({"people": tuple(range(11))}, ["people"]),
    ({"people": (), "replaces": None}, ["people"]),
])
def test_an_override_lasts_a_minute_to_a_year_and_changes_somebody(change, expected):
    assert fields(check_override(replace(STAND_IN, **change))) == expected


def test_the_problems_of_a_schedule_name_the_layer_and_the_override():
    bad = Schedule(BERLIN, (GOOD, replace(GOOD, name="")), (replace(STAND_IN, people=(), replaces=None),))
    assert fields(check_schedule(bad)) == ["layers[1].name", "overrides[0].people"]
    assert check_schedule(Schedule(BERLIN, (GOOD,) * 20)) == []
    assert fields(check_schedule(Schedule(BERLIN, (GOOD,) * 21))) == ["layers"]


@pytest.mark.parametrize(("start", "end", "expected"), [
    (NOON, NOON + timedelta(days=400), []),
    (NOON, NOON + timedelta(days=400, seconds=1), ["to"]),
    (NOON, NOON, ["to"]),
    (NOON, NOON.replace(year=9999), ["to", "to"]),
])
def test_at_most_four_hundred_days_are_read_at_once(start, end, expected):
    assert fields(check_range(start, end)) == expected
