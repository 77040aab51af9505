"""The pages of figures: what people see there, download, and may not see."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.insights.models import DeliverySum, NoiseMark
from app.oncall.queries import schedule_by_key
from app.oncall.service import add_override, save_schedule
from tests import build
from tests.insights.test_figures import NOW, REFRESH, happened, message
from tests.oncall.test_service import person

PAGES = ("/insights", "/insights/response", "/insights/load", "/insights/noise", "/insights/delivery", "/insights/incidents")
HOUR = timedelta(hours=1)


@pytest.fixture
def nights(checkout, ana, bob, tick):
    """Ana and Bob by turns, weekly; Ana, who lives in Tokyo, was paged 40 times in 4 minutes at her 03:00, Bob once at his noon."""
    with transaction():
        session.merge(ana).time_zone = "Asia/Tokyo"
        for at, who, number in ((NOW - timedelta(hours=18), ana, 40), (NOW - timedelta(days=2, hours=24), bob, 1)):
            one = happened(checkout, at, answer=100, end=1000)
            for place in range(number):
                message(one, who, at + timedelta(seconds=6 * place))
    build.schedule("primary", team=checkout.team, turns=[[ana], [bob]])
    tick(REFRESH)


def test_an_empty_period_one_incident_and_a_time_before_the_first_data_make_sense(checkout, signed_in, ana, tick):
    """INS-23: no error, no empty chart without words."""
    browser = signed_in(ana)
    for path in PAGES:
        for asked in ("", "?from=1999-01-01&to=1999-12-31", "?days=1&time_zone=Pacific/Apia"):
            answer = browser.get(path + asked)
            assert answer.status_code == 200 and "nan" not in re.sub(r"\w+nan\w*|nan\w+", "", answer.text.lower()), path + asked
    assert "No incident in this period" in browser.get("/insights").text
    with transaction():
        happened(checkout, NOW - HOUR, answer=0, end=0)
    tick(REFRESH)
    assert "few cases" in browser.get("/insights").text and "1 in all" in browser.get("/insights").text


def test_each_chart_has_a_title_a_summary_and_the_same_values_as_a_table(nights, signed_in, ana):
    """INS-22: drawn by the server, below 30 kB, without any script or style."""
    shown = signed_in(ana).get("/insights?days=400").text
    for chart in re.findall(r"<svg class=\"svg\".*?</svg>", shown, re.DOTALL):
        assert "aria-label=" in chart and len(chart) < 30_000 and "style=" not in chart and "<script" not in chart
    assert shown.count("As a table") == shown.count('<svg class="svg"') == 2
    numbers = [int(one) for one in re.findall(r'<td class="r">(\d+)</td></tr>', shown)]
    assert sum(numbers[:60]) == 2


def test_a_burst_is_one_interruption_and_night_is_where_the_person_lives(nights, client, token, ana):
    """INS-11: 40 pages in 4 minutes at 03:00 in Tokyo."""
    [team] = client.get("/api/v1/insights/load", headers=token(ana)).json["teams"]
    held = {one["name"]: (one["pages"], one["interruptions"], one["sleep"], one["working"], one["nights_woken"]) for one in team["people"]}
    assert held["Ana"] == (40, 1, 1, 0, 1) and held["Bob"][:2] == (1, 1)
    assert team["total"]["pages"] == 41 and team["total"]["hours"] == 29 * 24 + 21


def test_managers_see_their_people_others_their_own_part_and_the_sums(nights, client, token, signed_in, bob, charlie):
    """INS-13: no page orders people by how fast they answer."""
    [team] = client.get("/api/v1/insights/load", headers=token(bob)).json["teams"]
    assert [one["name"] for one in team["people"]] == ["Bob"] and team["total"]["pages"] == 41
    assert client.get("/api/v1/insights/load?person=ana@example.com", headers=token(bob)).status_code == 403
    shown = signed_in(bob).get("/insights/load").text
    assert "My load: every page" in shown and "Ana" not in re.sub(r'<meta[^>]*>', "", shown)
    [team] = client.get("/api/v1/insights/load", headers=token(charlie)).json["teams"]
    assert team["people"] == [] and team["total"]["pages"] == 41


def test_an_edit_of_the_rotation_moves_no_hour_that_has_been_and_a_stand_in_moves_those_to_come(nights, client, token, ana, bob, now):
    """INS-08, INS-10"""
    def hours():
        asked = "/api/v1/insights/load?from=2026-07-01&to=2026-07-20&time_zone=UTC"
        [team] = client.get(asked, headers=token(ana)).json["teams"]
        return {one["name"]: one["hours"] for one in team["people"]}
    before = hours()
    with transaction():
        save_schedule({"key": "primary", "layers": [{"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "day"},
                                                     "participants": [["bob@example.com"]]}]}, by=person(ana), when="now")
    assert hours() == before
    with transaction():
        add_override(schedule_by_key("primary"), starts=None, ends=NOW + 9 * HOUR, people=[ana], by=person(ana))
    now.shift(9 * 3600)
    after = hours()
    assert after["Ana"] == before["Ana"] + 9 and after["Bob"] == before["Bob"]


def test_filters_stand_in_the_address_and_a_wrong_one_is_said(nights, signed_in, client, token, ana):
    """INS-06: every figure of a page is of the same filters."""
    browser = signed_in(ana)
    shown = browser.get("/insights?severity=high&from=2026-07-01&to=2026-07-20").text
    assert shown.count("severity=high") >= 8 and "Severity: high" in shown
    for wrong in ("days=0", "days=401", "days=x", "from=2026-13-01", "from=2026-07-02&to=2026-07-01", "time_zone=Mars/Base",
                  "severity=bad", "urgency=bad"):
        assert client.get(f"/api/v1/insights/response?{wrong}", headers=token(ana)).status_code == 422, wrong
        assert browser.get(f"/insights?{wrong}").status_code == 422, wrong
    assert client.get("/api/v1/insights/response?service=none", headers=token(ana)).status_code == 404
    assert client.get("/api/v1/insights/response").status_code == 401


def test_a_table_survives_a_spreadsheet_and_says_its_filter_in_its_name(checkout, signed_in, tick, ana):
    """INS-20: formulas are made inert; commas, quotes, new lines and emoji survive."""
    titles = ["=1+1", "+x", "-x", "@x", "\tx", 'a, "b"\nc 🔥']
    with transaction():
        for title in titles:
            happened(checkout, NOW - HOUR, title=title)
    tick(REFRESH)
    answer = signed_in(ana).get("/insights/incidents.csv?service=checkout&from=2026-07-01&to=2026-07-20")
    assert 'filename="incidents_2026-07-01_2026-07-20_service-checkout.csv"' in answer.headers["Content-Disposition"]
    rows = {row["title"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))}
    assert rows == {"'=1+1", "'+x", "'-x", "'@x", "'\tx", 'a, "b"\nc 🔥'}
    assert answer.text.startswith("number,title,") and "2026-07-20T11:00:00" in answer.text


def test_delivery_counts_equal_the_messages_whose_hours_are_closed_or_not(checkout, client, token, tick, ana):
    """INS-16: each message is in exactly one state, and a failure has its reason."""
    with transaction():
        one = happened(checkout, NOW - timedelta(days=5))
        for days in (5, 4, 0.1):
            message(one, ana, NOW - timedelta(days=days))
        bad = message(one, ana, NOW - timedelta(days=4))
        bad.state, bad.sent_at, bad.error = "failed", None, "The mailbox is full"
    while tick("app.insights.ticks.close_hours"):
        pass
    said = client.get("/api/v1/insights/delivery", headers=token(ana)).json
    assert [(row["channel"], row["states"], row["messages"]) for row in said["channels"]] == [("email", {"sent": 3, "failed": 1}, 4)]
    assert said["reasons"] == [{"reason": "The mailbox is full", "messages": 1}] and said["first_pages"]["p99"] == 2


def test_longer_sums_say_what_hours_say_and_name_the_hours_over_target(checkout, client, token, signed_in, tick, ana):
    """INS-16, INS-18, INS-25: thirty days of messages, summed by hours, days and more, are the same figures."""
    with transaction():
        one = happened(checkout, NOW - timedelta(days=30))
        for hours in range(60, 700, 7):
            late = message(one, ana, NOW - timedelta(hours=hours))
            late.sent_at = late.queued_at + timedelta(seconds=100 if hours == 102 else hours % 30)

    def said():
        return client.get("/api/v1/insights/delivery?days=40&time_zone=Asia/Tokyo", headers=token(ana)).json
    before = said()
    while tick("app.insights.ticks.close_hours"):
        pass
    assert said() == before and {span for span, in session.query(DeliverySum.span)} == {1, 6, 24, 96, 384}
    shown = signed_in(ana).get("/insights/delivery").text
    assert shown.count("99 of 100 in") == 1 and "1 first pages, 99 of 100 in 1 min 40 s" in shown


def test_an_incident_is_marked_on_its_page_with_a_reason_by_those_who_may(checkout, signed_in, bob, charlie):
    """INS-14"""
    with transaction():
        one = happened(checkout, NOW - HOUR, end=60, resolved_at=NOW)
    browser, path = signed_in(bob), f"/incidents/{one.id}"
    assert "Was it noise?" in browser.get(path).text
    browser.post(f"{path}/noise", data={"reason": "a deploy"})
    assert "a deploy" in browser.get(path).text and session.query(NoiseMark).one().by == "Bob"
    assert signed_in(charlie).post(f"{path}/noise", data={"reason": "x"}).status_code == 403
    browser.post(f"{path}/noise/remove")
    assert session.query(NoiseMark).count() == 0
    assert [one.kind for one in session.query(Event).filter(Event.kind.like("%noise%"))] == [
        "incident.noise_marked", "incident.noise_unmarked"]
