"""Calendars of others as a schedule: read, matched with people, kept when reading fails, and never the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.access import OPERATOR
from app.core.db import in_transaction, session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.core.http import configure
from app.identity.models import User
from app.oncall import calendar_ticks
from app.oncall.ical import occurrences
from app.oncall.import_rules import match
from app.oncall.imports import directory
from app.oncall.models import CalendarImport
from app.oncall.queries import on_duty, schedule_by_key, schedule_document, shifts
from app.oncall.service import add_override, save_schedule
from tests import build
from tests.fakes import Reply
from tests.oncall.test_ical import calendar

NOW = datetime(2026, 3, 24, 8, 30, tzinfo=UTC)
WEEKLY = "UID:{0}\nDTSTART;TZID=Europe/Berlin:{1}\nDTEND;TZID=Europe/Berlin:{2}\nRRULE:FREQ=WEEKLY;INTERVAL=2\nSUMMARY:{3}"
TURNS = calendar(WEEKLY.format("a", "20260323T090000", "20260330T090000", "On call: ana@example.com"),
                 WEEKLY.format("b", "20260330T090000", "20260406T090000", "Bob"))
READ = "app.oncall.calendar_ticks.read_calendars"


@pytest.fixture(autouse=True)
def travel():
    with time_machine.travel(NOW, tick=False) as found:
        yield found


@pytest.fixture
def imported(payments, http_sink):
    """A schedule without layers that is read from a calendar."""
    http_sink.answer = Reply(200, TURNS)
    values = {"key": "primary", "name": "Primary", "team": "payments", "time_zone": "Europe/Berlin",
              "calendars": [{"use": "primary", "url": f"{http_sink.url}/cal.ics"}]}
    with transaction():
        save_schedule(values, by=OPERATOR)
    return lambda: schedule_by_key("primary")


def who(schedule, at=NOW) -> list[str]:
    """The names of those on duty."""
    session.expire_all()
    return [session.get_one(User, one).name for one in on_duty(schedule(), at).people]


def row() -> CalendarImport:
    """The only import."""
    session.expire_all()
    return session.query(CalendarImport).one()


def kinds() -> list[str]:
    return [one.kind for one in session.query(Event).order_by(Event.id) if one.kind.startswith("schedule.calendar")]


def test_the_events_of_a_calendar_say_who_is_on_duty_by_address_and_by_name(imported, tick, ana, bob):
    """SCH-37"""
    tick(READ)
    assert who(imported) == ["Ana"] and who(imported, NOW + timedelta(days=7)) == ["Bob"]
    found = shifts(imported(), NOW, NOW + timedelta(days=390))
    assert all(one.people and one.layer == "calendar" for one in found)
    assert f"{found[0].end:%dT%H}" == "30T07" and kinds() == ["schedule.calendar_read"]


def test_reading_the_same_again_tells_nothing_and_writes_nothing(imported, tick, travel, http_sink):
    tick(READ)
    travel.shift(timedelta(minutes=14))
    tick(READ)
    assert len(http_sink.calls) == 1
    travel.shift(timedelta(days=40))
    tick(READ)
    assert len(http_sink.calls) == 2 and kinds() == ["schedule.calendar_read"]
    assert shifts(imported(), NOW, NOW + timedelta(days=430))[-1].people


def test_a_calendar_that_fails_keeps_the_last_copy_and_warns_after_an_hour(imported, tick, travel, http_sink, signed_in, ana):
    """SCH-37: never empties the schedule."""
    tick(READ)
    http_sink.answer = Reply(503)
    for _ in range(6):
        travel.shift(timedelta(minutes=16))
        tick(READ)
    assert who(imported) == ["Ana"] and row().error == "The answer was 503"
    assert kinds() == ["schedule.calendar_read", "schedule.calendar_failing"]
    assert "The answer was 503" in signed_in(ana).get("/schedules/primary/calendars").text
    http_sink.answer = Reply(200, b"<html>Please sign in</html>")
    travel.shift(timedelta(minutes=16))
    tick(READ)
    assert "not a calendar" in row().error and who(imported) == ["Ana"]


def test_what_has_been_stays_when_the_calendar_changes(imported, tick, travel, http_sink):
    tick(READ)
    http_sink.answer = Reply(200, calendar("UID:c\nDTSTART:20260301T000000Z\nDTEND:20260601T000000Z\nSUMMARY:bob"))
    travel.shift(timedelta(days=1))
    tick(READ)
    assert who(imported) == ["Ana"] and who(imported, NOW + timedelta(days=1)) == ["Bob"]
    with transaction():
        save_schedule({"key": "primary", "calendars": []}, by=OPERATOR)
    assert who(imported) == ["Ana"] and who(imported, NOW + timedelta(days=2)) == []


def test_events_without_a_person_are_listed_and_leave_a_gap(imported, tick, http_sink, signed_in, ana):
    """SCH-37: unmatched ones are listed."""
    http_sink.answer = Reply(200, calendar("UID:c\nDTSTART:20260301T000000Z\nDTEND:20260601T000000Z\nSUMMARY:Somebody"))
    tick(READ)
    assert who(imported) == [] and "Somebody" in signed_in(ana).get("/schedules/primary/calendars").text


def test_a_calendar_for_overrides_stands_above_the_layers_and_below_what_people_make(
        imported, tick, http_sink, ana, bob, olga):
    http_sink.answer = Reply(200, calendar("UID:c\nDTSTART:20260324T000000Z\nDTEND:20260326T000000Z\nSUMMARY:x\n"
                                           "ATTENDEE:mailto:bob@example.com"))
    layer = {"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "week"}, "participants": [["ana@example.com"]]}
    with transaction():
        saved = save_schedule({"key": "primary", "layers": [layer], "calendars": [
            {"use": "override", "url": f"{http_sink.url}/o.ics"}]}, by=OPERATOR, when="now")
        add_override(saved, starts=NOW + timedelta(hours=1), ends=NOW + timedelta(hours=2), people=[olga], by=OPERATOR)
    tick(READ)
    assert [who(imported, NOW + timedelta(hours=hours)) for hours in (0.5, 1.5, 48)] == [["Bob"], ["Olga"], ["Ana"]]
    assert on_duty(imported(), NOW).layer == "override calendar"


def test_an_address_whose_key_is_gone_is_said_keeps_no_other_waiting_and_can_be_entered_anew(
        imported, payments, tick, http_sink, signed_in, ana):
    with transaction():
        save_schedule({"key": "second", "name": "Second", "team": "payments", "time_zone": "UTC", "calendars": [
            {"use": "primary", "url": f"{http_sink.url}/other.ics"}]}, by=OPERATOR)
        imported().calendars[0].url_sealed = "gone"
    tick(READ)
    assert [call.path for call in http_sink.calls] == ["/other.ics"]
    assert "enter it anew" in signed_in(ana).get("/schedules/primary/calendars").text
    signed_in(ana).post("/schedules/primary/calendars", data={"primary": f"{http_sink.url}/cal.ics"})
    tick(READ)
    assert who(imported) == ["Ana"]


def test_a_calendar_is_worked_out_with_nothing_open_and_a_spoilt_one_says_so(imported, tick, http_sink, monkeypatch):
    """A long one holds up nobody; one whose times are none keeps the last copy."""
    opened = []
    worked_out = calendar_ticks.occurrences
    monkeypatch.setattr(calendar_ticks, "occurrences", lambda *said: opened.append(in_transaction()) or worked_out(*said))
    http_sink.answer = Reply(200, calendar("UID:1\nDTSTART:20260302T080000Z\nRRULE:FREQ=WEEKLY;BYDAY=XX"))
    tick(READ)
    assert opened == [False] and "can't be understood" in row().error


def test_networks_of_ones_own_are_refused_with_a_sentence(imported, tick):
    """SCH-37: private network addresses are refused."""
    configure("")
    tick(READ)
    assert row().read_at is None and row().error


@pytest.mark.parametrize(("calendars", "field"), [
    ([{"use": "primary", "url": "ftp://example.com/a.ics"}], "calendars[0].url"), ([{"use": "primary"}], "calendars[0].url"),
    ([{"use": "other", "url": "https://example.com/a.ics"}], "calendars[0].use"),
    ([{"use": "primary", "url": "https://me:pw@example.com/a.ics"}], "calendars[0].url")])
def test_what_is_wrong_with_a_calendar_stands_at_its_field(payments, calendars, field):
    values = {"key": "new", "name": "New", "team": "payments", "time_zone": "UTC", "calendars": calendars}
    with pytest.raises(Invalid) as refused, transaction():
        save_schedule(values, by=OPERATOR)
    assert [one.field for one in refused.value.problems] == [field] and schedule_by_key("new") is None


def test_the_document_names_the_calendar_but_not_its_address_and_applying_it_changes_nothing(imported, tick):
    """SCH-22: export then apply changes nothing."""
    document = schedule_document(imported())
    assert document["calendars"] == [{"use": "primary"}]
    before = session.query(Event).count()
    with transaction():
        save_schedule(document, by=OPERATOR)
    assert session.query(Event).count() == before and row().url_hash


def test_a_name_that_two_people_bear_means_the_one_of_the_team(payments, ana, bob):
    build.user("ana", email="ana@elsewhere.example")
    with transaction():
        schedule = save_schedule({"key": "new", "name": "New", "team": "payments", "time_zone": "UTC"}, by=OPERATOR)
    found = occurrences(calendar("UID:1\nDTSTART:20260324T080000Z\nDURATION:PT1H\nSUMMARY:On call: Ana"),
                        ZoneInfo("UTC"), NOW - timedelta(days=1), NOW)
    assert match(found[0], directory(found, schedule)) == (ana.id,)
