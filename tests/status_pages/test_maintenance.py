"""Maintenance that readers see coming."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.forms import Problems
from app.status_pages import maintenance, recurrence
from app.status_pages.maintenance_models import Announcement, PageWindow, Series

NOON = "2026-03-02T11:00:00+00:00"  # noon in Berlin


@pytest.fixture
def at(app):
    """It is noon in Berlin, and stays so until the test lets time pass."""
    with time_machine.travel(NOON, tick=False) as found:
        yield found


@pytest.fixture
def later(at, tick):
    """`later(minutes=5)`: time passes, then the clock takes its turn."""
    def passed(**span):
        at.shift(timedelta(**span))
        for name in ("remind", "run_windows", "follow"):
            tick(f"app.status_pages.ticks.{name}")
    return passed


def by(person):
    return Actor(person.ref, person.name, user_id=person.id)


def planned(shop, starts="2026-03-02T12:30", ends="2026-03-02T13:30", parts=("Card payments",), **values):
    with transaction():
        return maintenance.plan(shop.page, {"title": "New cables", "text": "We lay cables.", "starts": starts, "ends": ends, "components": [
            shop.component(name).public_id for name in parts], **values}, by=by(shop.ana)).id


def states(client):
    found = client.get("/status/shop.json").get_json()
    return [one["state"] for one in found["maintenance"]], found["components"][0]["status"]


def window():
    session.expire_all()
    return session.query(PageWindow).order_by(PageWindow.id).first()


def said():
    session.expire_all()
    return [one.data["what"] for one in session.query(Announcement).filter_by(kind="maintenance").order_by(Announcement.id)]


def test_it_starts_and_ends_on_time_and_the_page_says_so(app, at, shop, client, later):
    """STAT-05: scheduled, in progress with its components, over."""
    planned(shop)
    assert states(client) == (["scheduled"], "operational") and "New cables" in client.get("/status/shop").text
    later(minutes=30)
    assert states(client) == (["in_progress"], "under_maintenance")
    later(hours=1)
    assert states(client) == ([], "operational") and window().state == "completed"


def test_one_that_began_already_starts_at_once_and_one_that_is_over_is_refused(app, at, shop, client):
    """STAT-05."""
    with pytest.raises(Invalid, match="end in the future"):
        planned(shop, starts="2026-03-02T10:00", ends="2026-03-02T11:59")
    planned(shop, starts="2026-03-02T11:00")
    assert states(client) == (["in_progress"], "under_maintenance")


def test_a_restart_over_its_end_ends_it_at_once(app, at, shop, client, later):
    """STAT-05: the clock was away while it should have begun and ended."""
    planned(shop)
    later(hours=5)
    assert window().state == "completed" and states(client) == ([], "operational") and said() == ["started", "ended"]


def test_a_worse_state_is_never_hidden_and_cancelling_restores_it(app, at, shop, client, later, breaks):
    """STAT-06."""
    planned(shop)
    breaks(shop.checkout)
    later(minutes=31)
    assert states(client) == (["in_progress"], "major_outage")
    with transaction():
        maintenance.cancel(window(), by=by(shop.ana))
    assert states(client) == (["cancelled"], "major_outage")


def test_overlapping_windows_keep_it_until_the_last_ends(app, at, shop, client, later):
    """STAT-08."""
    planned(shop)
    planned(shop, ends="2026-03-02T15:00")
    later(minutes=30)
    later(hours=1)
    assert states(client) == (["in_progress"], "under_maintenance")
    later(hours=2)
    assert states(client) == ([], "operational")


def test_reminders_start_end_and_a_new_time_are_each_announced_once(app, at, shop, later):
    """STAT-09: 24 h and 1 h before by default; what lay before the planning is not told."""
    planned(shop, starts="2026-03-04T12:00", ends="2026-03-04T13:00")
    for _ in range(2):
        later(hours=24)
        later(seconds=1)
    assert said() == ["before", "started"]
    later(hours=1)
    assert said() == ["before", "started", "ended"]
    planned(shop, starts="2026-03-04T16:00", ends="2026-03-04T17:00")
    with transaction():
        maintenance.change_window(session.query(PageWindow).filter_by(state="scheduled").one(),
                                  {"starts": "2026-03-04T17:00", "ends": "2026-03-04T18:00"}, by=by(shop.ana))
    later(hours=3, seconds=5)
    assert said()[3:] == ["moved", "before"]


def test_the_last_hour_is_reminded_of_too(app, at, shop, later):
    """STAT-09: 1 h before."""
    planned(shop, starts="2026-03-02T15:00", ends="2026-03-02T16:00")
    later(hours=2)
    later(minutes=5)
    assert said() == ["before"]


def test_every_sunday_at_half_past_two_is_once_a_week_whatever_the_clocks_do(app):
    """STAT-07: in the gap the first instant after it, the first of two otherwise."""
    plan = recurrence.Plan(datetime(2026, 3, 22, 2, 30), datetime(2026, 3, 22, 3, 30), ZoneInfo("Europe/Berlin"),
                           {"unit": "week", "days": ["sun"]})
    found = {one.slot[:10]: one.starts for one in recurrence.times(plan, datetime(2026, 11, 2, tzinfo=UTC))}
    assert found["2026-03-29"] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert found["2026-10-25"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert found["2026-06-07"] == datetime(2026, 6, 7, 0, 30, tzinfo=UTC) and len(found) == 33


def test_the_first_tuesday_of_each_month_so_many_times(app):
    """Recurrence: n-th weekday, count, and what can't be."""
    faults = Problems()
    repeat = recurrence.read_repeat({"unit": "month", "days": ["tue"], "nth": "1", "count": "3"}, faults)
    plan = recurrence.Plan(datetime(2026, 3, 1, 6), datetime(2026, 3, 1, 7), ZoneInfo("UTC"), repeat)
    assert [one.slot[:10] for one in recurrence.times(plan, datetime(2027, 1, 1, tzinfo=UTC))] == ["2026-03-03", "2026-04-07", "2026-05-05"]
    recurrence.read_repeat({"unit": "week", "every": "13", "days": ["mon"], "nth": "2"}, faults)
    assert [one.field for one in faults.found] == ["every", "nth"]


def series(shop):
    return planned(shop, starts="2026-03-08T02:30", ends="2026-03-08T03:30", repeat={"unit": "week", "days": ["sun"]})


def test_a_series_is_listed_for_90_days_and_one_time_is_cancelled_alone(app, at, shop, client, tick):
    """STAT-07: the others stay, and the clock makes no second one of it."""
    series(shop)
    with transaction():
        maintenance.cancel(window(), by=by(shop.ana))
    at.shift(timedelta(days=2))
    tick("app.status_pages.ticks.list_windows")
    found, _ = states(client)
    assert found.count("cancelled") == 1 and found.count("scheduled") == 12


def test_changing_the_series_leaves_what_started_and_what_was_changed_alone(app, at, shop, later):
    """STAT-07."""
    key = series(shop)
    later(days=5, hours=14, minutes=31)
    alone = session.query(PageWindow).filter_by(slot="2026-03-15T02:30").one()
    with transaction():
        maintenance.change_window(session.merge(alone), {"starts": "2026-03-15T05:00", "ends": "2026-03-15T06:00"}, by=by(shop.ana))
    with transaction():
        maintenance.change_series(session.get(Series, key), {"title": "Newer cables", "ends": "2026-03-08T04:00"}, by=by(shop.ana))
    session.expire_all()
    first, second, third = session.query(PageWindow).order_by(PageWindow.slot).limit(3)
    assert (first.state, first.title) == ("in_progress", "New cables") and second.starts.hour == 4
    assert (third.title, third.ends - third.starts) == ("Newer cables", timedelta(minutes=90))


def test_a_series_at_another_hour_moves_its_times_and_brings_none_back(app, at, shop):
    """STAT-07: a time is known by its day; what was moved or cancelled alone stays so."""
    key = series(shop)
    with transaction():
        first, second = session.query(PageWindow).order_by(PageWindow.slot).limit(2)
        maintenance.cancel(first, by=by(shop.ana))
        maintenance.change_window(second, {"starts": "2026-03-16T05:00", "ends": "2026-03-16T06:00"}, by=by(shop.ana))
    with transaction():
        maintenance.change_series(session.get(Series, key), {"starts": "2026-03-08T04:00", "ends": "2026-03-08T05:00"}, by=by(shop.ana))
    session.expire_all()
    found = session.query(PageWindow).order_by(PageWindow.slot).all()
    assert len(found) == 13 and [one.state for one in found] == ["cancelled"] + ["scheduled"] * 12
    assert found[1].starts.day == 16 and found[2].starts.hour == 3 and said().count("cancelled") == 1


def test_the_pages_plan_start_and_say(app, at, shop, client, signed_in):
    """Features with a page: calendar and list, start now, an update, end now."""
    browser, part = signed_in(shop.ana), shop.component("Card payments").public_id
    browser.post("/status-pages/shop/maintenance/-/new", data={
        "title": "New cables", "starts": "2026-03-03T01:00", "ends": "2026-03-03T02:00", "time_zone": "Europe/Berlin",
        "components": part, "notify": "1d 2h"})
    here = f"/status-pages/shop/maintenance/{window().public_id}"
    assert "New cables" in browser.get("/status-pages/shop/maintenance").text and browser.get(here).status_code == 200
    browser.post(f"{here}/start")
    browser.post(f"{here}/updates", data={"text": "Half of them are laid."})
    assert states(client) == (["in_progress"], "under_maintenance") and "Half of them" in client.get("/status/shop").text
    browser.post(f"{here}/end")
    assert states(client) == ([], "operational")


def test_a_bad_reminder_loses_nothing_that_was_typed(app, at, shop, signed_in):
    """The form comes back as it was."""
    answer = signed_in(shop.ana).post("/status-pages/shop/maintenance/-/new", data={
        "title": "New cables", "starts": "2026-03-03T01:00", "ends": "2026-03-03T02:00", "notify": "1d soon"})
    assert answer.status_code == 422 and all(f'value="{text}"' in answer.text for text in ("New cables", "2026-03-03T01:00", "1d soon"))


def test_a_responder_sees_it_but_does_not_plan(app, at, shop, signed_in):
    """Rights: windows are the manager's."""
    browser = signed_in(shop.bob)
    assert browser.get("/status-pages/shop/maintenance").status_code == 200
    assert browser.post("/status-pages/shop/maintenance/-/new", data={"title": "x"}).status_code == 403


@pytest.mark.parametrize("starts", ["0001-01-01T00:00", "9999-12-31T12:00"])
def test_maintenance_in_a_year_that_no_clock_reaches_is_refused(shop, at, starts):
    """Once, or again and again since then, which would be a hundred thousand times."""
    for repeat in ({}, {"unit": "week"}):
        with pytest.raises(Invalid, match="The year must lie between"):
            planned(shop, starts, starts[:11] + "13:30", repeat=repeat)
