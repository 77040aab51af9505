"""What a year on call weighs, beside a slow second reckoning; and what the exchange that evens it out becomes."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.db import session, transaction
from app.oncall.models import Holiday, Swap
from tests import build

STEP, DAY = timedelta(minutes=10), timedelta(days=1)
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
CHRISTMAS = date(2025, 12, 25)


def shown(zone: str) -> list[datetime]:
    """What the clock there shows at each step of the year."""
    return [(START + STEP * number).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for number in range((END - START) // STEP)]


def reckoned(people: list[str], zone: str) -> list[float]:
    """Weighted hours of each person who lives there, by turns of a week from Monday 09:10 in Berlin: step by step."""
    minutes = [0] * len(people)
    first = datetime(2024, 12, 30, 9, 10)
    clocks = {where: shown(where) for where in {zone, *people}}
    for number, wall in enumerate(clocks[zone]):
        holder = (wall - first) // (7 * DAY) % len(people)
        own = clocks[people[holder]][number]
        night = not 7 <= own.hour < 22
        minutes[holder] += 10 * (1 + night + (own.weekday() > 4) + (own.date() == CHRISTMAS))
    return [one / 60 for one in minutes]


def test_a_year_of_weighted_hours_is_what_a_slow_reckoning_says(payments, ana, bob, client, token):
    """INS-09, QUAL-20 (a year of schedules): nights, weekends and a holiday in two zones, over the changes of both clocks, to the minute."""
    zones = ["Europe/Berlin", "America/New_York"]
    made = build.schedule("primary", team=payments, turns=[[ana], [bob]], time_zone=zones[0], starts="2024-12-30T09:10")
    with transaction():
        session.add(Holiday(schedule_id=made.id, day=CHRISTMAS.isoformat(), name="Christmas"))
        for user, zone in zip((ana, bob), zones, strict=True):
            session.merge(user).time_zone = zone
    with time_machine.travel(END + DAY, tick=False):
        asked = "/api/v1/insights/load?from=2025-01-01&to=2025-12-31&time_zone=UTC"
        [team] = client.get(asked, headers=token(ana)).json["teams"]
    held = {one["name"]: one["weighted"] for one in team["people"]}
    assert [held["Ana"], held["Bob"]] == pytest.approx(reckoned(zones, zones[0]), abs=1 / 120)
    assert team["total"]["hours"] == 365 * 24 and team["gap_hours"] == 0


def test_a_proposal_that_is_asked_for_and_accepted_evens_out_what_it_said(payments, ana, bob, signed_in, client, token):
    """INS-12: a request to swap; nothing changes before Bob accepts it, and nobody is on duty outside the hours of the layer."""
    build.schedule("skew", team=payments, turns=[[bob], [ana]], starts="2026-01-05T00:00", restrictions=[
        {"days": [day], "from": start, "to": end} for day, start, end in (
            ("mon", "00:00", "00:00"), ("tue", "12:00", "14:00"), ("thu", "04:00", "00:00"))])

    def report():
        return client.get("/api/v1/schedules/skew/quality", headers=token(ana)).json
    with time_machine.travel(datetime(2026, 3, 22, tzinfo=UTC), tick=False):
        browser, before = signed_in(ana), report()
        path = html.unescape(re.search(r'href="([^"]+swaps/new[^"]+)"', browser.get("/schedules/skew/quality").text)[1])
        form = browser.get(path).text
        chosen = re.findall(r'<option value="([^"]+)" selected', form)
        assert len(chosen) == 2 and report() == before and session.query(Swap).count() == 0
        browser.post("/schedules/skew/swaps/new", data=dict(zip(("gives", "takes"), chosen, strict=True)))
        assert report() == before
        assert client.post(f"/api/v1/schedules/skew/swaps/{session.query(Swap).one().id}/accept", headers=token(bob)).status_code == 200
        after = report()
    assert after["balance"] == before["proposal"]["balance_after"] > before["balance"]
    assert (after["coverage"], after["gaps"]) == (before["coverage"], before["gaps"])
