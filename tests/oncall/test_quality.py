"""Fairness: weighted hours, coverage, balance, the exchange that improves it, and the report on page and API."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.db import session, transaction
from app.notifications.models import Message
from app.oncall.plan import Shift
from app.oncall.quality import Scale, balance, coverage, exchange, loads
from tests import build

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
MONDAY = datetime(2026, 3, 23, tzinfo=UTC)
ANA, BOB, CEM = 1, 2, 3


def shift(start: float, length: float, *people: int) -> Shift:
    """So many hours after Monday 00:00 UTC."""
    begin = MONDAY + timedelta(hours=start)
    return Shift(begin, begin + timedelta(hours=length), people, "base" if people else "")


def scale(zones=None, holidays=()) -> Scale:
    return Scale(MONDAY, MONDAY + timedelta(days=90), zones or {one: ZoneInfo("UTC") for one in (ANA, BOB, CEM)}, holidays)


def whole(span: timedelta) -> float:
    return span / timedelta(hours=1)


def test_an_hour_weighs_more_at_night_at_a_weekend_and_on_a_holiday_where_the_person_lives():
    """SCH-30: reckoned by hand. Friday 12:00 to Saturday 12:00 UTC is 13:00 to 13:00 in Berlin."""
    friday = shift(4 * 24 + 12, 24, ANA, BOB)
    held = loads([friday], [ANA, BOB], scale({ANA: BERLIN, BOB: NEW_YORK}, [date(2026, 3, 27)]))
    ana, bob = held[ANA], held[BOB]
    assert [whole(one) for one in (ana.hours, ana.nights, ana.weekends, ana.holidays, ana.weighted)] == [24, 9, 13, 11, 57]
    assert [whole(one) for one in (bob.hours, bob.nights, bob.weekends, bob.holidays)] == [24, 9, 8, 16]


def test_the_night_on_which_clocks_go_forward_is_an_hour_shorter():
    night = shift(5 * 24 + 20, 12, ANA)
    assert whole(loads([night], [ANA], scale({ANA: BERLIN}))[ANA].nights) == 8


def test_coverage_is_the_share_of_time_and_balance_the_mean_of_all_pairs():
    """SCH-30"""
    assert coverage([shift(0, 18, ANA), shift(18, 6)]) == 0.75 and coverage([]) == 0
    loads_ = [timedelta(hours=one) for one in (100, 50, 80)]
    assert balance(loads_) == int(100 * (0.5 + 0.8 + 0.625) / 3)
    assert balance([timedelta(hours=96), timedelta(hours=100)]) == 100 and balance([timedelta()]) == 100


def test_the_proposed_exchange_improves_the_balance_by_what_it_claims():
    """SCH-30"""
    days = [shift(24 * day, 24, ANA if day % 7 > 4 else (BOB, CEM)[day % 2]) for day in range(1, 60)]
    weigh = scale()
    held = loads(days, [ANA, BOB, CEM], weigh)
    found = exchange(days, held, weigh, after=MONDAY)
    assert found is not None and found.after > found.before == balance([one.weighted for one in held.values()])
    owners = {found.given: found.taker} | ({found.returned: found.giver} if found.returned else {})
    changed = [Shift(one.start, one.end, (owners[one],), one.layer) if one in owners else one for one in days]
    assert balance([one.weighted for one in loads(changed, [ANA, BOB, CEM], weigh).values()]) == found.after


def test_an_even_schedule_gets_no_proposal_and_the_past_is_never_exchanged():
    days = [shift(24 * day, 24, (ANA, BOB)[day % 2]) for day in range(28)]
    weigh = scale()
    assert exchange(days, loads(days, [ANA, BOB], weigh), weigh, after=MONDAY) is None
    skew = [shift(0, 240, ANA), shift(240, 24, BOB)]
    assert exchange(skew, loads(skew, [ANA, BOB], weigh), weigh, after=MONDAY + timedelta(days=20)) is None


@pytest.fixture
def weekends(payments, ana, bob):
    """Bob has the weekends and Ana the week."""
    made = build.schedule("weekends", team=payments, turns=[[bob]], starts="2026-01-03T00:00",
                          restrictions=[{"days": ["sat", "sun"], "from": "00:00", "to": "00:00"}])
    with time_machine.travel(MONDAY, tick=False):
        yield made


def test_the_report_stands_on_its_page_and_for_machines(signed_in, client, token, weekends, ana, bob):
    """SCH-30: with real pages at night."""
    with transaction():
        session.add(Message(user_id=bob.id, method_id=build.contact(bob, "log").id, channel="log", address="x", kind="page",
                            incident_id=build.incident().id, state="sent", sent_at=MONDAY - timedelta(days=2, hours=1)))
    page = signed_in(ana).get("/schedules/weekends/quality").text
    assert "Coverage" in page and "28." in page and "Bob" in page and "At night" in page
    found = client.get("/api/v1/schedules/weekends/quality", headers=token(ana)).json
    assert found["coverage"] == pytest.approx(28.571, abs=0.01) and found["balance"] == 100 and found["gaps"] == 52
    [his] = found["people"]
    assert his["next_13_weeks"] == {"hours": 624, "nights": 234, "weekends": 624, "holidays": 0, "weighted": 1482}
    assert (his["pages"], his["night_pages"]) == (1, 1)


def test_the_proposal_leads_to_the_form_of_an_override_filled_in(signed_in, payments, ana, bob):
    build.schedule("skew", team=payments, turns=[[ana], [ana], [ana], [bob]], unit="day")
    with time_machine.travel(MONDAY, tick=False):
        page = signed_in(ana).get("/schedules/skew/quality").text
    assert "Bob</b> takes" in page and "replaces=ana@example.com" in page and "First part" in page
