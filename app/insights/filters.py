"""What figures are asked for: a period in a zone and filters, as they stand in an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from app.core.errors import Invalid, Problem
from app.core.forms import time_zone
from app.insights.rules import SEVERITIES, midnight
from app.oncall.wallclock import wall_time

LONGEST, USUAL = 400, 30
ADVICE = "Choose a shorter period or more filters, or try again when there is less to do."
NAMES = ("team", "service", "integration", "severity", "urgency", "tag", "person")
TAKES = {**dict.fromkeys(("overview", "response", "noise"), NAMES[:-1]), "load": ("team", "person"), "delivery": ("team",)}
"""The filters of each page: what it does not count by, it does not take."""


@dataclass(frozen=True)
class Filters:
    """A period of whole local days, the last one included, and keys of what alone counts ("" for all)."""

    first: date
    last: date
    zone: ZoneInfo
    team: str = ""
    service: str = ""
    integration: str = ""
    severity: str = ""
    urgency: str = ""
    tag: str = ""
    person: str = ""

    @property
    def since(self) -> datetime:
        """The first instant."""
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """Just after the last instant."""
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def length(self) -> int:
        """Days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Filters:
        """The same over as many days before."""
        return replace(self, first=self.first - timedelta(days=self.length), last=self.first - timedelta(days=1))

    def chosen(self) -> dict[str, str]:
        """The filters that are set, by name."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    def taken(self, page: str) -> Filters:
        """The same with those filters only that a page takes."""
        return replace(self, **{name: "" for name in NAMES if name not in TAKES[page]})

    def query(self, **other: str) -> str:
        """The address's query for these filters, some of them other ("" takes one away)."""
        said = {"from": self.first.isoformat(), "to": self.last.isoformat(), "time_zone": self.zone.key, **self.chosen()}
        return urlencode({name: value for name, value in {**said, **other}.items() if value})

    def file_name(self, page: str) -> str:
        """A name that says what is in the file."""
        parts = [page, self.first.isoformat(), self.last.isoformat(), *map("-".join, self.chosen().items())]
        return "_".join("".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in part) for part in parts) + ".csv"


def read(args: Mapping[str, str], *, zone: str, now: datetime) -> Filters:
    """The filters of an address: `days`, or `from` and `to`, both included. Raises Invalid at the field."""
    found = ZoneInfo(_zone(args.get("time_zone") or zone))
    today = wall_time(now, found).date()
    last = _day(args, "to") or today
    first = _day(args, "from") or last - timedelta(days=_days(args.get("days", "")) - 1)
    if not 0 < (last - first).days + 1 <= LONGEST:
        raise Invalid(problems=[Problem("from", f"A period has 1 to {LONGEST} days, and begins before it ends")])
    chosen = {name: args.get(name, "").strip() for name in NAMES}
    if chosen["severity"] and chosen["severity"] not in SEVERITIES:
        raise Invalid(problems=[Problem("severity", f"One of {', '.join(SEVERITIES)}")])
    if chosen["urgency"] and chosen["urgency"] not in ("high", "low"):
        raise Invalid(problems=[Problem("urgency", "One of high, low")])
    return Filters(first, last, found, **chosen)


def refuse_others(args: Mapping[str, str], page: str) -> None:
    """Raise Invalid at each filter that this page does not take."""
    problems = [Problem(name, f"Figures of this kind are filtered by {', '.join(TAKES[page])} only")
                for name in NAMES if args.get(name, "").strip() and name not in TAKES[page]]
    if problems:
        raise Invalid(problems=problems)


def _zone(text: str) -> str:
    try:
        return time_zone(text)
    except ValueError as fault:
        raise Invalid(problems=[Problem("time_zone", str(fault))]) from None


def _day(args: Mapping[str, str], name: str) -> date | None:
    text = args.get(name, "")
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        found = date.min
    if found is not None and not 1971 <= found.year <= 2200:
        raise Invalid(problems=[Problem(name, "Write a day like 2026-03-01")])
    return found


def _days(text: str) -> int:
    if not text:
        return USUAL
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST):
        raise Invalid(problems=[Problem("days", f"A number from 1 to {LONGEST}")])
    return int(text)
