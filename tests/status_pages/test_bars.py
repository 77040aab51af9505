"""The bars and the percentage, against a computation that counts seconds one by one."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.status_pages import bars, rules
from app.status_pages.bars import Was

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def counted(spans, now, zone):
    """The same, minute by minute, knowing nothing of days' lengths: the page's clock says which day a minute is of."""
    days: dict[date, dict[str, int]] = {}
    for span in spans:
        minute = max(span.starts, now - timedelta(days=92))
        while minute < (span.ends or now):
            found = days.setdefault(minute.astimezone(zone).date(), {})
            found[span.state] = found.get(span.state, 0) + 60
            minute += timedelta(minutes=1)
    return days


@pytest.mark.parametrize("now", ["2026-04-20T10:00", "2026-11-20T22:30"])
def test_they_equal_an_independent_count_over_days_of_23_and_25_hours(now):
    """STAT-25: 90 local days with a change of the clocks among them; time before the component is no data."""
    random.seed(7)
    end, start, spans = at(now), at(now) - timedelta(days=60, hours=5), []
    while start < end:
        until = start + timedelta(minutes=random.randint(30, 4000))
        spans.append(Was(random.choice(rules.STATES), start, until if until < end else None))
        start = until
    found, expected = bars.bars(spans, end, BERLIN), counted(spans, end, BERLIN)
    assert len(found) == 90 and {day.date: day.seconds for day in found if day.seconds} == {
        day: seconds for day, seconds in expected.items() if day >= found[0].date}
    known = sum(sum(one.values()) for one in expected.values())
    cost = sum(one.get("major_outage", 0) + 0.3 * one.get("partial_outage", 0) for one in expected.values())
    assert bars.uptime(found) == int((1 - cost / known) * 10_000) / 100


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_the_clock_says(day, hours):
    """STAT-25: of a whole day of operation all its seconds are known."""
    found = bars.bars([Was("operational", at("2026-01-01"))], at(f"{day}T12:00") + timedelta(days=2), BERLIN)
    assert next(one.known for one in found if one.date.isoformat() == day) == hours * 3600


def test_what_is_not_known_is_no_data_and_percentages_are_rounded_down():
    """STAT-25: nothing known is None, not 100; a second of outage in 90 days is 99.99."""
    assert bars.uptime(bars.bars([], at("2026-05-01"), BERLIN)) is None
    now, start = at("2026-05-01"), at("2026-01-01")
    almost = [Was("operational", start, now - timedelta(seconds=1)), Was("major_outage", now - timedelta(seconds=1))]
    assert bars.uptime(bars.bars(almost, now, BERLIN)) == 99.99
    assert bars.uptime(bars.bars([Was("degraded", start)], now, BERLIN)) == 100.0


def test_a_day_shows_its_worst_moment():
    """A minute of outage marks the whole bar."""
    noon = at("2026-05-01T12:00")
    spans = [Was("operational", at("2026-04-01"), noon), Was("partial_outage", noon, noon + timedelta(minutes=1)),
             Was("under_maintenance", noon + timedelta(minutes=1))]
    assert bars.bars(spans, at("2026-05-01T20:00"), BERLIN)[-1].worst == "partial_outage"
