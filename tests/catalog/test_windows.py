"""When a window is open: once, again and again, over the change of clocks, and after it was ended by hand."""

import re
from datetime import UTC, datetime

import pytest

from app.catalog import noise, windows
from app.catalog.window_queries import maintenance_by_key, maintenance_document
from app.core.db import session
from app.core.forms import Problems
from tests import build


def plan(starts, ends, **more):
    return windows.Plan(datetime.fromisoformat(starts), datetime.fromisoformat(ends), **more)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SUNDAYS = plan("2026-03-01T02:00", "2026-03-01T04:00", zone="Europe/Berlin", repeat={"unit": "week", "days": ["sun"]})


@pytest.mark.parametrize(("at", "open_"), [
    ("2026-03-01T00:59", False), ("2026-03-01T01:00", True), ("2026-03-01T02:59", True), ("2026-03-01T03:00", False),
    ("2026-03-08T01:30", True), ("2026-03-09T01:30", False), ("2026-04-05T00:00", True), ("2026-04-05T02:00", False),
    ("2026-02-22T01:30", False)])
def test_a_weekly_window_keeps_the_clock_on_the_wall(at, open_):
    """ESC-40: 02:00 in Berlin is 01:00 UTC in winter and 00:00 UTC in summer."""
    assert (windows.span(SUNDAYS, utc(at)) is not None) is open_


def test_a_window_over_midnight_and_one_of_days_are_open_to_their_end():
    night = plan("2026-03-01T23:00", "2026-03-02T05:00", repeat={"unit": "day"})
    week = plan("2026-03-01T00:00", "2026-03-08T00:00", repeat={"unit": "month"})
    assert windows.span(night, utc("2026-03-20T04:59")) == (utc("2026-03-19T23:00"), utc("2026-03-20T05:00"))
    assert windows.span(week, utc("2026-04-07T12:00")) == (utc("2026-04-01T00:00"), utc("2026-04-08T00:00"))


def test_what_was_ended_by_hand_opens_again_at_its_next_time():
    ended = windows.Plan(SUNDAYS.starts, SUNDAYS.ends, SUNDAYS.zone, SUNDAYS.repeat, utc("2026-03-08T01:10"))
    assert windows.span(ended, utc("2026-03-08T01:30")) is None
    assert windows.span(ended, utc("2026-03-15T01:30")) is not None


def test_it_tells_its_next_times_and_its_end():
    until = plan("2026-03-01T02:00", "2026-03-01T04:00", repeat={"unit": "week", "every": 2, "until": "2026-04-01T00:00"})
    assert [start for start, _ in windows.coming(until, utc("2026-03-02T00:00"))] == [
        utc("2026-03-15T02:00"), utc("2026-03-29T02:00")]
    assert windows.over_at(until) == utc("2026-03-29T04:00") and windows.over_at(SUNDAYS) is None


def test_settings_against_noise_are_kept_in_seconds_and_written_as_durations():
    faults = Problems()
    given = {"group": "labels", "labels": ["cluster"], "window": "30m", "delay": "2m", "flapping": False}
    kept = noise.read(given, faults)
    assert not faults and kept == {"group": "labels", "labels": ["cluster"], "delay": 120, "flapping": False}
    assert noise.document(kept) == {"group": "labels", "labels": ["cluster"], "delay": "2m", "flapping": False}


@pytest.mark.parametrize("given", [{"group": "labels"}, {"delay": "2h"}, {"window": "5s"}, {"group": "other"}])
def test_settings_that_mean_nothing_are_refused(given):
    faults = Problems()
    noise.read(given, faults)
    assert faults


def test_a_window_covers_whatever_is_of_a_team_as_chosen_on_the_form(app, signed_in, ana, payments):
    """MIG-02: and what is not chosen any more is not covered."""
    form = {"name": "Upgrade", "key": "upgrade", "team": "payments", "starts": "2030-01-01T10:00", "ends": "2030-01-01T12:00",
            "time_zone": "UTC", "labels": "env=prod"}
    browser = signed_in(ana)
    for address, chosen in (("-/new", ["payments"]), ("upgrade", [])):
        assert browser.post(f"/maintenance/{address}", data={**form, "teams": chosen}).status_code == 303
        session.expire_all()
        assert maintenance_document(maintenance_by_key("upgrade")).get("teams", []) == chosen


def test_what_its_editor_could_not_choose_stays_covered_when_they_save(app, signed_in, ana, olga, payments):
    """MIG-02: a team of others, named by an administrator, is offered to whoever edits the window, and may be taken out."""
    build.team("search", manager=olga)
    form = {"name": "Upgrade", "key": "upgrade", "team": "payments", "starts": "2030-01-01T10:00", "ends": "2030-01-01T12:00",
            "time_zone": "UTC", "labels": "env=prod"}
    assert signed_in(olga).post("/maintenance/-/new", data={**form, "teams": ["search", "payments"]}).status_code == 303
    browser = signed_in(ana)
    offered = re.findall(r'<option value="(\w+)" selected>', browser.get("/maintenance/upgrade").text)
    assert {"search", "payments"} <= set(offered)
    for chosen in (["payments", "search"], ["payments"]):
        assert browser.post("/maintenance/upgrade", data={**form, "teams": chosen}).status_code == 303
        session.expire_all()
        assert sorted(maintenance_document(maintenance_by_key("upgrade"))["teams"]) == chosen
    assert browser.post("/maintenance/upgrade", data={**form, "teams": ["search"]}).status_code == 403


@pytest.mark.parametrize("starts", ["0001-01-01T00:00", "9999-12-31T12:00"])
def test_a_window_in_a_year_that_no_clock_reaches_is_refused(app, signed_in, ana, payments, starts):
    """Kept, it could be told in no other zone: neither the list nor the next alert would get past it."""
    form = {"name": "Upgrade", "key": "upgrade", "team": "payments", "teams": ["payments"], "starts": starts, "ends": starts[:11] + "23:30",
            "time_zone": "Asia/Tokyo" if starts < "1" else "America/New_York"}
    browser = signed_in(ana)
    assert browser.post("/maintenance/-/new", data=form).status_code == 422
    assert browser.get("/maintenance").status_code == 200 and maintenance_by_key("upgrade") is None
