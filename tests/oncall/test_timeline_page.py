"""The timeline of every length, in every zone; what an override or a new schedule would change; my shifts at home."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine

from app.core.db import session
from app.oncall.models import Override, Schedule
from tests import build

NOW = datetime(2026, 3, 24, 2, 12, tzinfo=UTC)
WISH = {"people": "bob@example.com", "starts": "2026-03-25T18:00", "ends": "2026-03-26T09:00", "zone": "Europe/Berlin",
        "replaces": "", "reason": ""}
LAYER = {"layers-0-name": "weeks", "layers-0-starts": "2026-03-23T09:00", "layers-0-every": "1", "layers-0-unit": "week",
         "layers-0-participants": "ana@example.com\nbob@example.com"}
FORM = {"name": "New one", "key": "new-one", "team": "payments", "time_zone": "Europe/Berlin", **LAYER}


@pytest.fixture(autouse=True)
def _night():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def browser(signed_in, payments, ana, bob):
    """Ana's; she and Bob by turns, a week each from Monday 09:00 in Berlin."""
    build.schedule("primary", team=payments, turns=[[bob], [ana]], time_zone="Europe/Berlin")
    return signed_in(ana)


def test_a_day_shows_its_hours_also_the_one_on_which_clocks_go_forward(browser):
    page = browser.get("/schedules/primary?view=day&from=2026-03-29&zone=schedule").text
    assert "Sunday 29 March 2026" in page and "02:00 → 03:00" in page
    assert re.findall(r'x="([\d.]+)%" dx="5" y="26">(\d\d:\d\d)', page)[:3] == [
        ("0.0", "00:00"), ("8.696", "03:00"), ("21.739", "06:00")]


def test_a_quarter_is_three_months_and_leads_to_the_ones_beside_it(browser):
    page = browser.get("/schedules/primary?view=quarter&from=2026-03-24&zone=schedule").text
    assert "1 March to 31 May 2026" in page and "from=2025-12-16" in page and "from=2026-06-01" in page
    earlier = browser.get("/schedules/primary?view=quarter&from=2025-12-16").text
    assert "1 December 2025 to 28 February 2026" in earlier


def test_nights_are_shaded_where_there_is_room(browser):
    assert "weekend and night" in browser.get("/schedules/primary?view=week").text
    assert "weekend and night" not in browser.get("/schedules/primary?view=month").text


def test_the_lanes_tell_the_script_where_dragging_leads_but_not_to_those_who_may_not(browser, signed_in, payments):
    assert 'data-drag="/schedules/primary/overrides/new"' in browser.get("/schedules/primary").text
    observer = signed_in(build.user("olaf"))
    assert "data-drag" not in observer.get("/schedules/primary").text


def test_the_preview_of_an_override_lists_what_is_added_and_removed_and_stores_nothing(browser):
    """SCH-23"""
    page = browser.post("/schedules/primary/overrides/preview", data=WISH).text
    assert "What would change" in page and 'value="2026-03-25T18:00"' in page
    assert "<ins>Added</ins> Wed 25 Mar, 18:00 to Thu 26 Mar, 09:00" in page or "Changed" in page
    assert session.query(Override).count() == 0


def test_a_preview_that_is_refused_says_why_at_the_field(browser):
    answer = browser.post("/schedules/primary/overrides/preview", data={**WISH, "ends": "2026-03-25T17:00"})
    assert answer.status_code == 422 and "ends at least a minute after" in answer.text


def test_the_preview_of_a_new_schedule_shows_its_shifts_and_stores_nothing(browser):
    """SCH-23"""
    page = browser.post("/schedules/-/preview", data=FORM).text
    assert "What would change" in page and "Gaps closed" in page and 'value="New one"' in page
    assert session.query(Schedule).count() == 1
    assert browser.post("/schedules/-/new", data=FORM).status_code == 303


@pytest.mark.parametrize(("field", "text", "said"), [
    ("time_zone", "Mars/Olympus", "time zone"), ("layers-0-participants", "nobody@example.com", "There is no person"),
    ("layers-0-ends", "2026-03-01T00:00", "later than it starts"), ("layers-0-every", "10000", "365"),
    ("layers-0-every", "0", "365"), ("layers-0-participants", "", "1 to 100 turns"), ("team", "strangers", "There is no team"),
    ("key", "X", "key"), ("name", "", "name"), ("layers-0-restrictions", "09:00-17:00", "day")])
def test_what_is_wrong_with_a_schedule_stands_at_its_field_and_nothing_is_saved(browser, field, text, said):
    """SCH-40: unknown zones, strangers, ends before starts, no participants, 10,000-day rotations."""
    for path in ("/schedules/-/new", "/schedules/-/preview"):
        answer = browser.post(path, data={**FORM, field: text})
        assert answer.status_code == 422, path
        fault = re.search(rf'<p class="bad" id="[\w-]*{field}-error">.*?</svg>(.*?)</p>', answer.text)
        assert fault and said.lower() in fault[1].lower(), re.findall(r'<p class="bad".*?</p>', answer.text)
    assert session.query(Schedule).count() == 1


def test_every_page_says_under_my_name_whether_i_am_on_duty_and_until_when(browser, signed_in, bob, charlie, tick):
    tick("app.oncall.ticks.hand_over")
    shown = browser.get("/services").text
    assert re.search(r'Ana<span class="sub">On duty until <time datetime="[\dT:-]+Z" data-time="until">', shown)
    for other in (bob, charlie):
        assert 'class="sub">Off duty</span>' in signed_in(other).get("/services").text


def test_home_says_until_when_i_am_on_duty_or_when_i_am_next(browser, signed_in, bob, charlie):
    assert "You are on duty in" in browser.get("/incidents").text
    assert "Your next shift begins" in signed_in(bob).get("/incidents").text
    assert "my-shifts" not in signed_in(charlie).get("/incidents").text
