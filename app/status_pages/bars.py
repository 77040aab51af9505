"""How much of the last days a component was up, from what it was when. Pure: local days of 23, 24 and 25 hours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.oncall.wallclock import local_instant
from app.status_pages import rules

COSTS = {"major_outage": 1.0, "partial_outage": 0.3}


@dataclass(frozen=True)
class Was:
    """What a component was from `starts` until `ends` (None: it still is)."""

    state: str
    starts: datetime
    ends: datetime | None = None


@dataclass(frozen=True)
class Day:
    """One bar: seconds in each state; a day before the component existed knows nothing."""

    date: date
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def known(self) -> float:
        """Seconds of which anything is known."""
        return sum(self.seconds.values())

    @property
    def worst(self) -> str:
        """The worst state of the day; "" where nothing is known."""
        return rules.worst(self.seconds, "") if self.seconds else ""


def bars(spans: Sequence[Was], now: datetime, zone: ZoneInfo, days: int = rules.BARS) -> list[Day]:
    """The last `days` local days, today last."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    edges = [local_instant(datetime.combine(one, time()), zone) for one in [*dates, today + timedelta(days=1)]]
    return [Day(one, _seconds(spans, start, min(end, now), now))
            for one, start, end in zip(dates, edges, edges[1:], strict=False)]


def _seconds(spans: Iterable[Was], start: datetime, end: datetime, now: datetime) -> dict[str, float]:
    found: dict[str, float] = {}
    for span in spans:
        seconds = (min(span.ends or now, end) - max(span.starts, start)).total_seconds()
        if seconds > 0:
            found[span.state] = found.get(span.state, 0.0) + seconds
    return found


def uptime(days: Iterable[Day]) -> float | None:
    """Percent with two decimals, rounded down; None where nothing is known."""
    known = cost = 0.0
    for day in days:
        known += day.known
        cost += sum(seconds * COSTS.get(state, 0.0) for state, seconds in day.seconds.items())
    return math.floor((1 - cost / known) * 10_000 + 1e-6) / 100 if known else None
