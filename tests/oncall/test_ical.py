"""Calendars as they come: recurrence, exceptions, all-day and floating times, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.oncall.ical import Entry, Unreadable, occurrences, written

BERLIN = ZoneInfo("Europe/Berlin")
MARCH, MAY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


def calendar(*events: str, more: str = "") -> bytes:
    """A calendar of these events, each the lines between BEGIN and END."""
    inner = "".join(f"BEGIN:VEVENT\n{one}\nEND:VEVENT\n" for one in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{more}{inner}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def starts(text: bytes) -> list[str]:
    return [f"{one.start:%m-%dT%H:%M}" for one in occurrences(text, BERLIN, MARCH, MAY)]


def test_floating_times_keep_the_wall_clock_of_the_zone_over_the_change_of_clocks():
    """SCH-37"""
    text = calendar("UID:1\nDTSTART:20260323T090000\nDTEND:20260323T170000\nRRULE:FREQ=WEEKLY;COUNT=2\nSUMMARY:ana")
    assert starts(text) == ["03-23T08:00", "03-30T07:00"]


def test_the_calendars_own_zone_goes_before_the_one_that_is_given():
    text = calendar("UID:1\nDTSTART:20260323T090000\nDTEND:20260323T170000", more="X-WR-TIMEZONE:America/New_York\n")
    assert starts(text) == ["03-23T13:00"]


def test_an_all_day_event_lasts_from_midnight_to_midnight_of_the_zone_also_on_the_short_day():
    [one] = occurrences(calendar("UID:1\nDTSTART;VALUE=DATE:20260329\nSUMMARY:Bob"), BERLIN, MARCH, MAY)
    assert one.all_day and f"{one.first}" == "2026-03-29"
    assert f"{one.start:%dT%H}" == "28T23" and f"{one.end:%dT%H}" == "29T22"


def test_exceptions_and_moved_occurrences_follow_the_rule():
    """SCH-37"""
    series = ("UID:1\nDTSTART:20260302T080000Z\nDTEND:20260302T160000Z\nRRULE:FREQ=WEEKLY;UNTIL=20260330T000000Z\n"
              "EXDATE:20260309T080000Z")
    moved = "UID:1\nRECURRENCE-ID:20260316T080000Z\nDTSTART:20260317T100000Z\nDTEND:20260317T110000Z"
    gone = "UID:2\nDTSTART:20260305T080000Z\nDTEND:20260305T090000Z\nSTATUS:CANCELLED"
    assert starts(calendar(series, moved, gone)) == ["03-02T08:00", "03-17T10:00", "03-23T08:00"]


def test_attendees_are_addresses_without_those_who_declined():
    text = calendar("UID:1\nDTSTART:20260302T080000Z\nDURATION:PT2H\nATTENDEE:mailto:Ana@Example.com\n"
                    "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com")
    [one] = occurrences(text, BERLIN, MARCH, MAY)
    assert one.attendees == ("ana@example.com",) and f"{one.end:%H}" == "10"


@pytest.mark.parametrize(("text", "said"), [
    (b"<html>Sign in</html>", "not a calendar"), (b"", "not a calendar"), (b"\xff\xfe\x00", "not a calendar"),
    (calendar("UID:1\nDTSTART:20260302T080000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY"), "more often than daily"),
    (calendar("UID:1\nDTSTART:20260302T080000Z\nDURATION:PT1M\nRRULE:FREQ=WEEKLY;BYDAY=XX"), "can't be understood"),
    (calendar("UID:1\nDTSTART;VALUE=DATE:20260323\nDTEND:00010101\nRECURRENCE-ID:20260324T090000"), "can't be understood"),
    (calendar("UID:1\nDTSTART:00010101T080000\nDURATION:PT1M\nRRULE:FREQ=DAILY"), "since too long ago"),
    (calendar("UID:1\nDTSTART:20200101T080000\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
              + ";BYMINUTE=" + ",".join(map(str, range(60)))), "since too long ago"),
    (b"x" * (2 * 1024 * 1024 + 1), "2 MiB")])
def test_what_is_no_calendar_is_refused_with_a_sentence(text, said):
    with pytest.raises(Unreadable, match=said):
        occurrences(text, BERLIN, MARCH, MAY)


def test_the_same_entries_give_the_same_bytes_and_come_back_as_they_were():
    entry = Entry("a@x", MARCH, MAY, "On duty: Primary", "by base", "http://localhost/s", MARCH)
    assert written("Mine", [entry]) == written("Mine", [entry])
    [one] = occurrences(written("Mine", [entry]), BERLIN, MARCH, MAY)
    assert (one.uid, one.start, one.end, one.title) == ("a@x", MARCH, MAY, "On duty: Primary")
