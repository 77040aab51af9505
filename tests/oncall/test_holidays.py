"""Holidays of a schedule from a calendar's address: kept, shaded with their names, and counted for fairness."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.oncall.gaps import gaps
from app.oncall.ical import occurrences
from app.oncall.import_rules import named_days
from app.oncall.lanes import holidays_in
from app.oncall.models import CalendarImport, Holiday
from app.oncall.queries import on_duty, on_duty_now, plan_of, schedule_by_key, schedule_document
from app.oncall.service import save_schedule
from app.oncall.timeline import window
from tests.fakes import Reply
from tests.oncall.test_ical import calendar
from tests.oncall.test_imports import READ, kinds

NOW = datetime(2026, 3, 24, 8, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = "UID:a\nDTSTART;VALUE=DATE:20260403\nDTEND;VALUE=DATE:20260404\nSUMMARY:Good Friday"
EASTER = "UID:b\nDTSTART;VALUE=DATE:20260405\nDTEND;VALUE=DATE:20260407\nSUMMARY:Easter"
CARNIVAL = "UID:c\nDTSTART;VALUE=DATE:20260217\nSUMMARY:Carnival"
LAYERS = [{"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "week"},
           "participants": [["ana@example.com"], ["bob@example.com"]]}]


@pytest.fixture(autouse=True)
def travel():
    with time_machine.travel(NOW, tick=False) as found:
        yield found


@pytest.fixture
def primary(payments, http_sink):
    """A schedule with a calendar of holidays that was not read yet."""
    http_sink.answer = Reply(200, calendar(FRIDAY, EASTER, CARNIVAL))
    with transaction():
        save_schedule({"key": "primary", "name": "Primary", "team": "payments", "time_zone": "Europe/Berlin", "layers": LAYERS,
                       "calendars": [{"use": "holidays", "url": f"{http_sink.url}/days.ics"}]}, by=OPERATOR)
    return lambda: schedule_by_key("primary")


def days() -> list[str]:
    """The holidays that are kept."""
    session.expire_all()
    return [f"{one.day} {one.name}" for one in session.query(Holiday).order_by(Holiday.day)]


def test_every_day_of_an_event_is_a_holiday_with_all_its_names():
    """SCH-37: all-day events are days, whatever the clocks do."""
    found = occurrences(calendar(FRIDAY, EASTER, FRIDAY.replace("UID:a", "UID:d").replace("Good", "Bad")), BERLIN,
                        NOW, NOW + timedelta(days=60))
    assert named_days(found) == {"2026-04-03": "Good Friday, Bad Friday", "2026-04-05": "Easter", "2026-04-06": "Easter"}


def test_holidays_are_read_and_touch_nobodys_duty(primary, tick, ana):
    """SCH-30, SCH-37"""
    before = on_duty(primary(), NOW)
    tick(READ)
    assert days() == ["2026-02-17 Carnival", "2026-04-03 Good Friday", "2026-04-05 Easter", "2026-04-06 Easter"]
    assert on_duty(primary(), NOW) == before and kinds() == []
    assert schedule_document(primary())["calendars"] == [{"use": "holidays"}]


def test_the_last_good_copy_stays_when_reading_fails_and_the_page_says_why(primary, tick, ana, signed_in, travel, http_sink):
    """SCH-37"""
    tick(READ)
    http_sink.answer = Reply(503)
    for _ in range(6):
        travel.shift(timedelta(minutes=15))
        tick(READ)
    assert len(days()) == 4 and kinds() == ["schedule.calendar_failing"]
    shown = signed_in(ana).get("/schedules/primary/calendars").text
    assert "Holidays can’t be read" in shown and "The answer was 503" in shown


def test_a_new_copy_takes_the_place_of_the_days_to_come_and_the_past_stays(primary, tick, travel, http_sink):
    tick(READ)
    http_sink.answer = Reply(200, calendar(FRIDAY.replace("Good Friday", "Karfreitag")))
    travel.shift(timedelta(minutes=16))
    tick(READ)
    assert days() == ["2026-02-17 Carnival", "2026-04-03 Karfreitag"]
    with transaction():
        save_schedule({"key": "primary", "calendars": []}, by=OPERATOR)
    assert days() == ["2026-02-17 Carnival"] and session.query(CalendarImport).count() == 0


def test_an_address_in_a_private_network_is_not_asked(payments, tick):
    """SCH-37"""
    with transaction():
        save_schedule({"key": "primary", "name": "Primary", "team": "payments", "time_zone": "UTC",
                       "calendars": [{"use": "holidays", "url": "http://10.0.0.1/days.ics"}]}, by=OPERATOR)
    tick(READ)
    assert days() == [] and session.query(CalendarImport).one().error


def test_the_timeline_shades_holidays_and_names_them(primary, tick, ana, signed_in):
    tick(READ)
    shown = signed_in(ana).get("/schedules/primary?view=2-weeks&from=2026-03-30&zone=schedule").text
    assert "<title>Good Friday</title>" in shown and "Fri 3 April, Good Friday" in shown and "Carnival" not in shown


def test_a_holiday_is_a_day_where_the_schedule_is_whatever_zone_is_looked_at():
    shown = window("day", date(2026, 4, 2), ZoneInfo("UTC"))
    found = holidays_in(shown, {date(2026, 4, 3): "Good Friday", date(2026, 4, 1): "Over"}, BERLIN)
    assert [(one.name, one.x, one.width) for one in found] == [("Good Friday", 91.667, 8.333)]


def test_an_hour_on_an_imported_holiday_weighs_more_in_the_report(primary, tick, client, token, ana):
    """SCH-30: Bob holds Good Friday and Easter until Monday, 09:00; Ana the rest of Monday and Carnival until then."""
    tick(READ)
    people = client.get("/api/v1/schedules/primary/quality", headers=token(ana)).json["people"]
    held = {one["person"]: (one["last_13_weeks"]["holidays"], one["next_13_weeks"]["holidays"]) for one in people}
    assert sum(one[0] for one in held.values()) == 24 and sum(one[1] for one in held.values()) == 72


def test_a_layer_leaves_holidays_to_those_below_and_one_is_for_them_only(primary, tick, run_jobs, client, token, ana, bob):
    """Local days from midnight to midnight, in every answer: Good Friday and Easter, over the change to summer time before."""
    office = {**LAYERS[0], "name": "office", "participants": [["bob@example.com"]], "holidays": "skip"}
    extra = {**LAYERS[0], "name": "holidays", "participants": [["ana@example.com"]], "holidays": "only", "time_zone": "Asia/Kolkata"}
    with transaction():
        save_schedule({"key": "primary", "layers": [office, extra]}, by=OPERATOR, when="now")
    tick(READ)
    answer = client.get("/api/v1/schedules/primary/shifts?from=2026-04-02T00:00:00Z&to=2026-04-08T00:00:00Z", headers=token(ana))
    assert [(one["start"], one["layer"]) for one in answer.json][1:] == [
        ("2026-04-02T18:30:00.000Z", "holidays"), ("2026-04-03T18:30:00.000Z", None), ("2026-04-03T22:00:00.000Z", "office"),
        ("2026-04-04T18:30:00.000Z", "holidays"), ("2026-04-06T18:30:00.000Z", None), ("2026-04-06T22:00:00.000Z", "office")]
    session.expire_all()
    for one in answer.json[1:]:
        at = datetime.fromisoformat(one["start"])
        assert on_duty(primary(), at).layer == (one["layer"] or "") and on_duty_now([primary()], at)[primary().id].start == at
    assert gaps(plan_of(primary()), NOW, NOW + timedelta(days=20))[0].cause == "the layer holidays is for holidays only"


def test_a_layer_and_its_holidays_come_back_from_the_document_and_a_wrong_word_is_refused(primary, ana, signed_in):
    with transaction():
        save_schedule({"key": "primary", "layers": [{**LAYERS[0], "holidays": "skip"}]}, by=OPERATOR, when="now")
    assert schedule_document(primary())["layers"][0]["holidays"] == "skip"
    assert "not on holidays" in signed_in(ana).get("/schedules/primary").text
    with pytest.raises(Invalid, match="one of skip, only"), transaction():
        save_schedule({"key": "primary", "layers": [{**LAYERS[0], "holidays": "maybe"}]}, by=OPERATOR)
