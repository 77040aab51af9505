"""Values of conditions, and the hours in which they count."""

import time
from datetime import UTC, datetime

import pytest

from app.core.matching import PatternIndex, compiled, hours


@pytest.mark.parametrize(("wanted", "given", "fits"), [
    ("prod", ["PROD"], True), ("prod", ["production"], False), ("prod*", ["Production"], True), ("*.db", ["a.db.x"], False),
    ("re:^Batch .* late", ["Batch 7 is late"], True), ("re:^batch", ["Batch"], False), (["a", "b*"], ["bcd"], True),
    (None, [], True), (None, ["x"], False), (["x", None], [], True), (5, ["5"], True), (True, ["true"], True),
    ("x", [], False), ("a.c", ["abc"], False), ("*", ["any\nthing"], True)])
def test_a_value_is_exact_a_list_a_glob_a_pattern_or_absent(wanted, given, fits):
    assert compiled(wanted).fits(given) is fits


@pytest.mark.parametrize("wanted", ["re:(", r"re:(a)\1", "re:(?=x)", "x" * 257, [], {"a": 1}, ["x"] * 101])
def test_what_can_not_be_asked_is_refused_with_a_sentence(wanted):
    """ESC-17: a bad pattern, one that needs more than linear time, and what is too long."""
    with pytest.raises(ValueError, match=r"\w"):
        compiled(wanted)


def test_no_pattern_stops_the_house():
    """ESC-17: what takes others minutes is answered at once."""
    began = time.perf_counter()
    assert not compiled("re:(a+)+c$").fits(["a" * 100_000 + "b"])
    assert time.perf_counter() - began < 0.05


def test_many_patterns_are_found_in_one_pass():
    index = PatternIndex()
    for number in range(500):
        index.add(f"^disk {number} is (full|slow)$", number)
    assert index.close().found("disk 77 is slow") == {77} and index.found("nothing") == set()


@pytest.mark.parametrize(("at", "holds"), [
    ("2026-03-02T21:30:00", True), ("2026-03-03T04:59:00", True), ("2026-03-03T05:00:00", False),
    ("2026-03-04T02:00:00", True), ("2026-03-05T02:00:00", False), ("2026-03-02T02:00:00", False)])
def test_hours_reach_into_the_next_day_and_belong_to_the_first(at, holds):
    """Mondays and Tuesdays 22:00 to 06:00 in Berlin, which is an hour ahead in March."""
    night = hours(["mon", "tue"], "22:00", "06:00", "Europe/Berlin")
    assert night.hold(datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds


def test_hours_follow_the_clock_on_the_wall():
    day = hours(None, "09:00", "17:00", "Europe/Berlin")
    assert [day.hold(datetime(2026, month, 1, 7, 30, tzinfo=UTC)) for month in (1, 7)] == [False, True]
