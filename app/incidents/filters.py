"""What the incident list can be narrowed by, as it stands in the address. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from werkzeug.datastructures import MultiDict

from app.core.clock import parse_instant
from app.core.errors import Invalid, Problem
from app.incidents.rules import SEVERITIES

STATUSES = ("triggered", "acknowledged", "snoozed", "resolved")
SORTS = ("newest", "oldest")
PAGED = {"yes": True, "no": False}


@dataclass(frozen=True)
class Filters:
    """Repeated values mean "or", different filters "and"; empty means everything.

    `apart`: snoozed incidents do not count as triggered. `resolved`: only those that ended today.
    `found`: the numbers that `text` stands for, and `spread` how many there may be, where these were read before.
    """

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    resolved: bool = False
    apart: bool = False
    sort: str = "newest"
    found: tuple[int, ...] | None = None
    spread: str | None = None

    @property
    def emails(self) -> tuple[str, ...]:
        """The assignees as addresses are stored."""
        return tuple(email.lower() for email in self.assignee)

    @property
    def number(self) -> int:
        """How many filters narrow the list, the status apart."""
        return sum(map(bool, (self.severity, self.urgency, self.team, self.service, self.assignee, self.text,
                              self.since, self.until)))


@dataclass(frozen=True)
class AlertFilters:
    """The same for alerts; integration is a key, incident an id. `paged`: whether it belongs to an incident at all, None
    where either will do. `labels` are names and values that must all fit."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    incident: tuple[str, ...] = ()
    paged: bool | None = None
    labels: tuple[tuple[str, str], ...] = ()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


class _Reader:
    """Takes values out of a query string and collects what means nothing."""

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        self.arguments = arguments
        self.problems: list[Problem] = []

    def words(self, name: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Every value of `name`, each once."""
        given = dict.fromkeys(value.strip() for value in self.arguments.getlist(name) if value.strip())
        self.problems += [Problem(name, f"{value} is not one of {', '.join(allowed)}" if allowed else "not a usable text")
                          for value in given if "\0" in value or (allowed and value not in allowed)]
        return tuple(given)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Every value of `name` that says `what=how`, in its two parts."""
        found = [one.partition("=") for one in self.words(name)]
        self.problems += [Problem(name, f"Write {name}s as name=value, not {left}") for left, mark, _ in found
                          if not (mark and left.strip())]
        return tuple((left.strip(), right.strip()) for left, _, right in found)

    def text(self, name: str) -> str:
        """What is searched for, at most 200 characters."""
        return self.arguments.get(name, "").replace("\0", "").strip()[:200]

    def instant(self, name: str) -> datetime | None:
        """The time that `name` says."""
        try:
            return parse_instant(self.arguments[name]) if self.arguments.get(name) else None
        except (ValueError, OverflowError):
            self.problems.append(Problem(name, f"{name} is not a time like 2026-03-01T09:00:00Z"))
            return None

    def done(self) -> None:
        """Raise Invalid with all that was found."""
        if self.problems:
            raise Invalid(problems=self.problems)


def read(arguments: MultiDict[str, str]) -> Filters:
    """The filters of a query string. Raises Invalid naming each value that means nothing."""
    reader = _Reader(arguments)
    found = Filters(
        status=reader.words("status", STATUSES), severity=reader.words("severity", SEVERITIES),
        urgency=reader.words("urgency", ("high", "low")), team=reader.words("team"), service=reader.words("service"),
        assignee=reader.words("assignee"), text=reader.text("q"), since=reader.instant("from"),
        until=reader.instant("to"), resolved=bool(reader.words("resolved", ("today",))),
        sort=(reader.words("sort", SORTS) or ("newest",))[0])
    reader.done()
    return found


def read_alerts(arguments: MultiDict[str, str]) -> AlertFilters:
    """The filters of a list of alerts. Raises Invalid naming each value that means nothing."""
    reader = _Reader(arguments)
    found = AlertFilters(
        status=reader.words("status", ("firing", "resolved")), severity=reader.words("severity", SEVERITIES),
        team=reader.words("team"), service=reader.words("service"), integration=reader.words("integration"),
        incident=reader.words("incident"), paged=PAGED.get("".join(reader.words("paged", tuple(PAGED)))),
        labels=reader.pairs("label"), text=reader.text("q"), since=reader.instant("from"), until=reader.instant("to"))
    reader.done()
    return found
