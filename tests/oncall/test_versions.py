"""Edits that count from an instant: what has been stays as it was, and the order goes on with the next person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oncall.preview import differences
from app.oncall.rules import Layer, Restriction, Rotation, Schedule, shifts, turn_number
from app.oncall.versions import Draft, Version, edited
from tests.oncall.test_rules_properties import (
    DAY,
    OFTEN,
    TURNS,
    UTC_ZONE,
    ZONES,
    layers,
)

ANA, BOB, CHEN, DANA = 1, 2, 3, 4
MONDAY = datetime(2026, 7, 20, 9, tzinfo=UTC)
BASE = Layer("base", UTC_ZONE, datetime(2026, 7, 20, 9), None, Rotation(1, "day"), ((ANA,), (BOB,), (CHEN,)))


def at(hours: float) -> datetime:
    """So many hours after Monday 20 July 2026, 09:00 UTC, when Ana's turn begins."""
    return MONDAY + timedelta(hours=hours)


def stored(found: list[Version]) -> list[Version]:
    """The versions as they come back after they were saved."""
    free = count(max((one.id for one in found if one.id), default=0) + 1)
    numbered = [replace(one, id=one.id or next(free), draft=None) for one in found]
    return [replace(one, lane=one.lane or one.id) for one in numbered]


def plan(versions: list[Version]) -> Schedule:
    return Schedule(UTC_ZONE, tuple(one.layer for one in sorted(versions, key=lambda one: one.place)))


def begun(*wished: Layer) -> list[Version]:
    """A schedule that was made with these layers."""
    return stored(edited([], [Draft(one) for one in wished], None, at(-1000)))


def edit(versions: list[Version], *wished: Layer, when=None, now: datetime) -> list[Version]:
    return stored(edited(versions, [Draft(one) for one in wished], when, now))


def days(versions: list[Version], first: float = 0, number: int = 6) -> list:
    """Who begins each day of 24 hours, one person for a turn of one."""
    found = [shifts(plan(versions), at(first + 24 * day), at(first + 24 * day + 1)) for day in range(number)]
    return [one[0].people[0] if len(one[0].people) == 1 else one[0].people for one in found]


def turns(*people: int, **more) -> Layer:
    return replace(BASE, turns=tuple((one,) for one in people), **more)


@pytest.mark.parametrize(("people", "when", "expected"), [
    ((BOB, CHEN), None, [ANA, BOB, CHEN, BOB]), ((BOB, CHEN), "next", [ANA, BOB, CHEN, BOB]),
    ((BOB, CHEN), "now", [BOB, CHEN, BOB, CHEN]), ((ANA, CHEN), None, [ANA, CHEN, ANA, CHEN]),
    ((ANA, DANA, BOB, CHEN), None, [ANA, DANA, BOB, CHEN]), ((ANA, DANA, BOB, CHEN), "now", [ANA, DANA, BOB, CHEN]),
    ((DANA, ANA, BOB, CHEN), None, [ANA, BOB, CHEN, DANA]), ((CHEN, BOB, ANA), None, [ANA, CHEN, BOB, ANA]),
    ((DANA,), None, [ANA, DANA, DANA, DANA]), ((BOB, CHEN), at(48), [ANA, BOB, CHEN, BOB])])
def test_the_order_goes_on_with_the_next_person(people, when, expected):
    """SCH-20 and SCH-21: the one on duty stays until the hand-off unless it is to be now."""
    assert days(edit(begun(BASE), turns(*people), when=when, now=at(5)), first=6, number=4) == expected


def test_an_edit_on_a_date_leaves_all_before_it_and_the_running_turn_goes_on():
    after = edit(begun(BASE), turns(ANA, DANA), when=at(30), now=at(5))
    found = [(one.start, one.people) for one in shifts(plan(after), at(0), at(96))]
    assert found == [(at(0), (ANA,)), (at(24), (BOB,)), (at(30), (ANA,)), (at(48), (DANA,)), (at(72), (ANA,))]


def test_a_later_edit_takes_the_place_of_one_that_is_yet_to_come():
    waiting = edit(begun(BASE), turns(ANA, DANA), when=at(72), now=at(5))
    assert days(waiting) == [ANA, BOB, CHEN, ANA, DANA, ANA]
    assert [one.layer.turns for one in edit(waiting, turns(BOB, ANA), now=at(6))] == [BASE.turns, ((BOB,), (ANA,))]
    back = edit(waiting, BASE, now=at(6))
    assert back == begun(BASE)
    assert edit(waiting, turns(ANA, DANA), now=at(6)) == waiting
    assert days(edit(waiting, turns(ANA, DANA), when="now", now=at(6)), number=4) == [ANA, DANA, ANA, DANA]


def test_a_rotation_that_begins_anew_later_lets_the_old_one_run_until_then():
    """SCH-22: at the next hand-off, unless `starts` lies later."""
    later = turns(DANA, BOB, starts=datetime(2026, 7, 23, 12))
    for when in (None, "next", "now"):
        after = edit(begun(BASE), later, when=when, now=at(5))
        assert [(one.start, one.people[0]) for one in shifts(plan(after), at(48), at(100))] == [
            (at(48), CHEN), (at(72), ANA), (at(75), DANA), (at(99), BOB)]


def test_a_layer_that_is_new_counts_from_its_start_in_a_document_and_else_from_when_it_is_asked():
    """SCH-22: a layer that is new is valid from its `starts` even in the past."""
    new = turns(DANA, name="above", starts=datetime(2026, 7, 19, 9))
    begins = {when: next(one.start for one in shifts(plan(edit(begun(BASE), BASE, new, when=when, now=at(5))),
                                                     at(-24), at(96)) if one.people == (DANA,))
              for when in (None, "next", "now", at(50))}
    assert begins == {None: at(-24), "next": at(24), "now": at(5), at(50): at(50)}


def test_a_layer_that_goes_stays_until_its_handoff_and_may_come_back_without_touching_the_past():
    above = turns(DANA, BOB, name="above")
    gone = edit(begun(BASE, above), BASE, now=at(5))
    assert days(gone, number=4) == [DANA, BOB, CHEN, ANA]
    assert edit(gone, BASE, now=at(50)) == gone
    back = edit(gone, BASE, above, now=at(53))
    assert days(back, number=4) == [DANA, BOB, CHEN, BOB]
    assert {one.layer.name: one.lane for one in back} == {one.layer.name: one.lane for one in gone}


def test_a_layer_that_never_was_in_force_goes_without_a_trace():
    future = turns(DANA, name="above", starts=datetime(2026, 8, 1, 9))
    assert edit(begun(BASE, future), BASE, now=at(5)) == begun(BASE)


def test_layers_change_places_from_the_next_handoff_on():
    above = turns(DANA, name="above")
    after = edit(begun(BASE, above), above, BASE, now=at(5))
    assert days(after, number=4) == [DANA, BOB, CHEN, ANA]
    assert len(after) == 3 and edit(after, above, BASE, now=at(6)) == after


def test_an_end_that_is_set_sooner_than_the_handoff_counts_and_one_that_is_lifted_leaves_no_hole():
    week = replace(BASE, rotation=Rotation(1, "week"))
    ended = edit(begun(week), replace(week, ends=datetime(2026, 7, 21, 9)), now=at(5))
    assert [(one.end, one.people) for one in shifts(plan(ended), at(0), at(48))] == [(at(24), (ANA,)), (at(48), ())]
    lifted = edit(ended, week, now=at(6))
    assert [one.people for one in shifts(plan(lifted), at(0), at(96))] == [(ANA,)]


def test_of_several_turns_of_one_person_the_right_one_goes_on():
    often = turns(ANA, BOB, ANA, CHEN)
    after = edit(begun(often), turns(ANA, BOB, ANA, CHEN, DANA), now=at(53))
    assert days(after) == [ANA, BOB, ANA, CHEN, DANA, ANA]


def test_who_shares_a_turn_from_now_on_keeps_it():
    after = edit(begun(BASE), replace(BASE, turns=((ANA, DANA), (BOB,), (CHEN,))), when="now", now=at(5))
    assert days(after, first=6, number=4) == [(ANA, DANA), BOB, CHEN, (ANA, DANA)]


def test_a_change_of_zone_or_interval_goes_on_with_the_order():
    berlin = replace(BASE, zone=ZoneInfo("Europe/Berlin"))
    moved = shifts(plan(edit(begun(BASE), berlin, now=at(5))), at(0), at(71))
    assert [(one.start, one.people[0]) for one in moved] == [(at(0), ANA), (at(24), BOB), (at(46), CHEN), (at(70), ANA)]
    slower = edit(begun(BASE), replace(BASE, rotation=Rotation(2, "day")), now=at(29))
    assert days(slower) == [ANA, BOB, CHEN, CHEN, ANA, ANA]


NAMES = st.sampled_from(["base", "night", "office"])
WISHES = st.lists(NAMES, max_size=3, unique=True)


@st.composite
def edits(draw) -> list[tuple[list[Layer], object, datetime]]:
    """A few edits, one after the other: the wished layers, from when, and when it was made."""
    found, now = [], datetime(2026, 1, 1, tzinfo=UTC)
    zone = draw(ZONES)
    for _ in range(draw(st.integers(2, 5))):
        now += timedelta(minutes=draw(st.integers(1, 20 * 24 * 60)))
        wished = [draw(layers(name, zone, datetime(2025, 12, 20), 40)) for name in draw(WISHES)]
        if found and draw(st.booleans()):  # most edits change the people and little else
            wished = [replace(one, turns=draw(TURNS)) for one in found[-1][0]]
        after = timedelta(minutes=draw(st.integers(0, 30 * 24 * 60)))
        found.append((wished, draw(st.sampled_from([None, "next", "now", now + after])), now))
    return found


@OFTEN
@given(edits())
def test_no_edit_changes_what_was_before_it(story):
    """SCH-20: for ever. Only a document's new layer may count from before."""
    versions: list[Version] = []
    for wished, when, now in story:
        after = edit(versions, *wished, when=when, now=now)
        cut = when if isinstance(when, datetime) else now
        known = {one.layer.name for one in versions}
        if versions and (when is not None or {one.name for one in wished} <= known):
            start = datetime(2025, 12, 1, tzinfo=UTC)
            was, will = (shifts(plan(one), start, cut) for one in (versions, after))
            assert was == will
        assert [one.name for one in wished] == [one.layer.name for one in sorted(after, key=lambda one: one.place)
                                                if one.layer.until is None]
        assert edit(after, *wished, when=when, now=now) == after
        versions = after


@OFTEN
@given(st.data(), ZONES)
def test_an_edit_of_the_people_changes_nobody_before_the_handoff(data, zone):
    layer = data.draw(layers("base", zone, datetime(2025, 12, 20), 10))
    layer = replace(layer, ends=None, restrictions=(), skip_inactive=False)
    now = datetime(2026, 1, 15, tzinfo=UTC) + timedelta(minutes=data.draw(st.integers(0, 99999)))
    before = begun(layer)
    after = edit(before, replace(layer, turns=data.draw(TURNS)), when="next", now=now)
    found = list(differences(*(shifts(plan(one), now, now + 400 * DAY) for one in (before, after))))
    assert all(turn_number(layer, one.start) > turn_number(layer, now) for one in found)


def test_a_restriction_changes_at_the_handoff_too():
    office = Restriction(frozenset(range(5)), datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 17).time())
    after = edit(begun(BASE), replace(BASE, restrictions=(office,)), now=at(5))
    assert [(one.start, one.people) for one in shifts(plan(after), at(0), at(48))] == [
        (at(0), (ANA,)), (at(24), (BOB,)), (at(32), ())]
