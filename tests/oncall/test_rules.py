"""Who is on duty: the published examples, precedence of layers, overrides, and the shift that runs now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.oncall.rules import (
    GAP,
    OVERRIDE,
    Layer,
    Override,
    Restriction,
    Rotation,
    Schedule,
    Shift,
    conflicts,
    local_instant,
    on_duty,
    shifts,
    whole_shifts,
)

ANA, BOB, CEM, DEE, EVE = 1, 2, 3, 4, 5
BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLES = json.loads(Path(__file__).with_name("schedule_examples.json").read_text())["examples"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY = datetime(2026, 7, 20, tzinfo=UTC)


def hour(hours: float) -> datetime:
    """So many hours after Monday 20 July 2026, 00:00 UTC."""
    return MONDAY + timedelta(hours=hours)


def daily(*turns: tuple[int, ...], name: str = "base", **more) -> Layer:
    values = {"starts": datetime(2026, 7, 20), "ends": None, "rotation": Rotation(1, "day"), **more}
    return Layer(name, ZoneInfo("UTC"), turns=turns, **values)


def schedule(*layers: Layer, overrides: tuple[Override, ...] = ()) -> Schedule:
    return Schedule(BERLIN, layers, overrides)


def told(found: list[Shift]) -> list[tuple]:
    """Each shift as (hours from Monday, hours from Monday, people, layer)."""
    return [((one.start - MONDAY) / timedelta(hours=1), (one.end - MONDAY) / timedelta(hours=1), one.people, one.layer)
            for one in found]


def read(document: dict) -> Schedule:
    """A schedule as the configuration document writes it, with e-mail addresses for people."""
    zone = ZoneInfo(document["time_zone"])
    layers = tuple(
        Layer(one["name"], zone, datetime.fromisoformat(one["starts"]), None, Rotation(**one["rotation"]),
              tuple(map(tuple, one["participants"])),
              tuple(Restriction(frozenset(map(DAYS.index, limit["days"])), time.fromisoformat(limit["from"]),
                                time.fromisoformat(limit["to"])) for limit in one["restrictions"]))
        for one in document["layers"])
    overrides = tuple(
        Override(*(local_instant(datetime.fromisoformat(one[edge]), zone) for edge in ("starts", "ends")),
                 tuple(one["people"]), one.get("replaces")) for one in document["overrides"])
    return Schedule(zone, layers, overrides)


@pytest.mark.parametrize(("document", "at", "people"), [
    pytest.param(example["schedule"], one["at"], one["people"], id=f"{example['schedule']['key']}-{one['at']}")
    for example in EXAMPLES for one in example["on_duty"]])
def test_the_published_examples_hold_in_the_answer_and_in_the_timeline(document, at, people):
    example, instant = read(document), datetime.fromisoformat(at)
    assert on_duty(example, instant).people == tuple(people)
    timeline = shifts(example, instant - timedelta(days=3), instant + timedelta(days=3))
    assert [one.people for one in timeline if one.start <= instant < one.end] == [tuple(people)]


def test_office_hours_stand_above_a_base_and_hand_back_at_five():
    office = daily((BOB,), name="office", restrictions=(Restriction(frozenset(range(5)), time(9), time(17)),))
    both = schedule(daily((ANA,)), office)
    assert told(shifts(both, hour(0), hour(24))) == [
        (0, 9, (ANA,), "base"), (9, 17, (BOB,), "office"), (17, 24, (ANA,), "base")]
    assert on_duty(both, hour(12)).end == hour(17)
    assert on_duty(both, hour(17)) == Shift(hour(17), hour(33), (ANA,), "base")


def test_a_layer_of_deactivated_people_leaves_the_decision_to_the_one_below():
    both = schedule(daily((ANA,)), daily((BOB,), (CEM,), name="above"))
    assert on_duty(both, hour(12), inactive=frozenset({BOB, CEM})).people == (ANA,)
    nobody = on_duty(both, hour(12), inactive=frozenset({ANA, BOB, CEM}))
    assert (nobody.people, nobody.layer, nobody.start, nobody.end) == ((), GAP, None, None)


def test_several_people_of_a_turn_are_on_duty_together_and_each_appears_once():
    found = on_duty(schedule(daily((CEM, ANA, CEM), (BOB,))), hour(1))
    assert found == Shift(hour(0), hour(24), (CEM, ANA), "base")


def test_an_override_begins_and_ends_at_its_instants():
    stand_in = Override(hour(10), hour(11), (CEM,))
    with_it = schedule(daily((ANA,), (BOB,)), overrides=(stand_in,))
    assert told(shifts(with_it, hour(0), hour(24))) == [
        (0, 10, (ANA,), "base"), (10, 11, (CEM,), OVERRIDE), (11, 24, (ANA,), "base")]
    assert on_duty(with_it, hour(10) - timedelta(seconds=1)).people == (ANA,)
    assert on_duty(with_it, hour(10)).people == (CEM,) and on_duty(with_it, hour(11)).people == (ANA,)


def test_an_override_fills_a_gap_and_lasts_across_hand_offs():
    office = daily((ANA,), (BOB,), restrictions=(Restriction(frozenset(range(7)), time(9), time(17)),))
    found = shifts(schedule(office, overrides=(Override(hour(16), hour(34), (CEM,)),)), hour(8), hour(48))
    assert told(found) == [(8, 9, (), GAP), (9, 16, (ANA,), "base"), (16, 34, (CEM,), OVERRIDE),
                           (34, 41, (BOB,), "base"), (41, 48, (), GAP)]


def test_who_replaces_bob_is_on_duty_only_on_bobs_days():
    instead = Override(hour(0), hour(144), (DEE,), replaces=BOB)
    found = shifts(schedule(daily((ANA,), (BOB,), (CEM,)), overrides=(instead,)), hour(0), hour(168))
    assert [(one.start, one.end) for one in found if DEE in one.people] == [
        (hour(24), hour(48)), (hour(96), hour(120))]
    assert not any(BOB in one.people for one in found)


def test_replacing_one_of_two_leaves_the_other_on_duty():
    instead = Override(hour(6), hour(12), (DEE, EVE), replaces=ANA)
    found = on_duty(schedule(daily((ANA, BOB)), overrides=(instead,)), hour(6))
    assert found == Shift(hour(6), hour(12), (DEE, EVE, BOB), OVERRIDE)
    already = Override(hour(6), hour(12), (BOB,), replaces=ANA)
    assert on_duty(schedule(daily((ANA, BOB)), overrides=(already,)), hour(6)).people == (BOB,)


def test_somebody_who_is_off_with_nobody_instead_leaves_a_gap_that_no_lower_layer_fills():
    off = Override(hour(6), hour(12), (), replaces=ANA)
    both = schedule(daily((BOB,)), daily((ANA,), name="above"), overrides=(off,))
    assert on_duty(both, hour(6)) == Shift(hour(6), hour(12), (), GAP)


def test_a_stand_in_may_have_a_stand_in_whichever_was_entered_first():
    one, two = Override(hour(0), hour(24), (BOB,), replaces=ANA), Override(hour(6), hour(12), (CEM,), replaces=BOB)
    expected = [(0, 6, (BOB,), OVERRIDE), (6, 12, (CEM,), OVERRIDE), (12, 24, (BOB,), OVERRIDE)]
    for overrides in ((one, two), (two, one)):
        assert told(shifts(schedule(daily((ANA,)), overrides=overrides), hour(0), hour(24))) == expected


def test_two_people_who_replace_each_other_are_both_still_on_duty():
    crossed = (Override(hour(0), hour(24), (BOB,), replaces=ANA), Override(hour(0), hour(24), (ANA,), replaces=BOB))
    assert set(on_duty(schedule(daily((ANA, BOB)), overrides=crossed), hour(1)).people) == {ANA, BOB}


def test_a_deactivated_stand_in_is_not_on_duty_and_the_layers_decide_again():
    overrides = (Override(hour(0), hour(6), (CEM,)), Override(hour(6), hour(12), (CEM, DEE)))
    found = shifts(schedule(daily((ANA,)), overrides=overrides), hour(0), hour(24), inactive=frozenset({CEM}))
    assert told(found) == [(0, 6, (ANA,), "base"), (6, 12, (DEE,), OVERRIDE), (12, 24, (ANA,), "base")]


@pytest.mark.parametrize(("other", "expected"), [
    (Override(hour(4), hour(8), (CEM,), replaces=ANA), True),
    (Override(hour(4), hour(8), (CEM,)), True),
    (Override(hour(4), hour(8), (CEM,), replaces=BOB), False),
    (Override(hour(6), hour(8), (CEM,)), False),
    (Override(hour(-2), hour(0), (CEM,), replaces=ANA), False),
    (Override(hour(5.99), hour(8), (CEM,), replaces=ANA), True),
])
def test_overrides_conflict_when_they_overlap_for_the_same_person_or_for_everybody(other, expected):
    one = Override(hour(0), hour(6), (DEE,), replaces=ANA)
    assert conflicts(one, other) is expected and conflicts(other, one) is expected


def test_the_running_shift_has_its_true_start_and_future_ones_do_not_depend_on_the_window():
    monthly = schedule(daily((ANA,), (BOB,), rotation=Rotation(7, "month")))
    assert on_duty(monthly, hour(24 * 100)).start == hour(0)
    assert on_duty(monthly, hour(24 * 100)).end == datetime(2027, 2, 20, tzinfo=UTC)
    assert told(shifts(monthly, hour(24), hour(48))) == [(24, 48, (ANA,), "base")]
    whole = whole_shifts(monthly, hour(24), hour(24 * 300))
    assert [one.start for one in whole] == [hour(0), datetime(2027, 2, 20, tzinfo=UTC)]
    assert whole[-1].end == datetime(2027, 9, 20, tzinfo=UTC)


def test_one_person_for_ever_began_at_the_start_and_has_no_end_in_sight():
    alone = schedule(daily((ANA,), starts=datetime(2001, 1, 1)))
    assert on_duty(alone, hour(0)) == Shift(datetime(2001, 1, 1, tzinfo=UTC), None, (ANA,), "base")
    assert told(whole_shifts(alone, hour(0), hour(1)))[0][1] == 1


def test_before_the_first_layer_and_without_any_there_is_a_gap_and_no_error():
    later = schedule(daily((ANA,)))
    assert on_duty(later, hour(-5)) == Shift(None, hour(0), (), GAP)
    assert on_duty(schedule(), hour(0)) == Shift(None, None, (), GAP)
    assert told(shifts(schedule(), hour(0), hour(1))) == [(0, 1, (), GAP)]
    assert shifts(later, hour(1), hour(1)) == [] == whole_shifts(later, hour(2), hour(1))


@pytest.mark.parametrize("offset", [-11, -4, 0, 5.5, 14])
def test_the_same_instant_asked_in_any_zone_gives_the_same_answer_in_utc(offset):
    asked = hour(30).astimezone(timezone(timedelta(hours=offset)))
    found = on_duty(schedule(daily((ANA,), (BOB,))), asked)
    assert found == Shift(hour(24), hour(48), (BOB,), "base")
    assert shifts(schedule(daily((ANA,), (BOB,))), asked, hour(31))[0].start.utcoffset() == timedelta()
