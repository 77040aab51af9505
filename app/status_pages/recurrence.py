"""When planned maintenance takes place: the recurrence of maintenance windows, with n-th weekdays and counts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule

from app.catalog.windows import LONGEST, SHORTEST, UNITS, WEEKDAYS
from app.core import clock
from app.core.forms import Problems, one_of
from app.core.matching import DAYS
from app.oncall.wallclock import local_instant

LISTED = timedelta(days=90)
MOST_EVERY = 12
NTH = (1, 2, 3, 4, -1)


@dataclass(frozen=True)
class Plan:
    """The first time by the clock on the wall, and how it repeats."""

    starts: datetime
    ends: datetime
    zone: ZoneInfo
    repeat: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Time:
    """One time of it: `slot` is the local start it is known by."""

    slot: str
    starts: datetime
    ends: datetime


def times(plan: Plan, until: datetime) -> list[Time]:
    """All times that begin until then; what takes place once, whenever it does.

    A local time that does not occur means the first instant after the gap; one that occurs twice means the first.
    """
    last = until.astimezone(plan.zone).replace(tzinfo=None)
    starts = list(_rule(plan).between(plan.starts, last, inc=True)) if plan.repeat else [plan.starts]
    return [Time(start.isoformat(timespec="minutes"), local_instant(start, plan.zone),
                 local_instant(start + (plan.ends - plan.starts), plan.zone)) for start in starts]


def _rule(plan: Plan) -> rrule:
    repeat = plan.repeat
    nth = repeat.get("nth")
    days = [WEEKDAYS[day](nth) if nth else WEEKDAYS[day] for day in repeat.get("days") or ()] or None
    until = datetime.fromisoformat(repeat["until"]) if repeat.get("until") else None
    return rrule(UNITS[repeat["unit"]], interval=int(repeat.get("every") or 1), dtstart=plan.starts, byweekday=days,
                 until=until, count=repeat.get("count"))


def read_repeat(given: Mapping[str, Any] | None, faults: Problems) -> dict[str, Any]:
    """How it repeats, from {"unit", "every", "days", "nth", "until", "count"}; {} for once."""
    if not given or not given.get("unit"):
        return {}
    found: dict[str, Any] = {"unit": faults.take("unit", one_of, given["unit"], choices=("week", "month"))}
    every = _number(given.get("every") or 1, "every", (1, MOST_EVERY), faults)
    if every != 1:
        found["every"] = every
    if given.get("days"):
        found["days"] = [faults.take("days", one_of, day, choices=DAYS) for day in given["days"]]
    if given.get("nth"):
        nth = _number(given["nth"], "nth", (-1, 4), faults)
        if found["unit"] != "month" or len(found.get("days", ())) != 1 or nth not in NTH:
            faults.add("nth", "An n-th weekday is one weekday of a month: 1 to 4, or -1 for the last")
        found["nth"] = nth
    if given.get("until"):
        found["until"] = faults.take("until", read_local, given["until"])
    elif given.get("count"):
        found["count"] = _number(given["count"], "count", (1, 1000), faults)
    return found


def _number(given: object, name: str, span: tuple[int, int], faults: Problems) -> int:
    text = str(given).strip()
    number = int(text) if text.lstrip("-").isdecimal() and len(text) < 6 else span[0] - 1
    if not span[0] <= number <= span[1]:
        faults.add(name, f"A number from {span[0]} to {span[1]}")
    return number


def read_local(text: object) -> str:
    """A local time as it is kept, `2026-03-01T02:00`."""
    try:
        found = datetime.fromisoformat(str(text or "").strip())
    except ValueError:
        raise ValueError("Write a local time like 2026-03-01T02:00") from None
    if found.tzinfo is not None:
        raise ValueError("Write a local time, without an offset")
    clock.check_year(found)
    return found.isoformat(timespec="minutes")


def length_fault(starts: datetime, ends: datetime) -> str:
    """Why a window can't last so long; "" when it can."""
    return "" if SHORTEST <= ends - starts <= LONGEST else "A window lasts from 1 minute to 30 days"
