"""What the incident list can be narrowed by, as it stands in the address. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from werkzeug.datastructures import MultiDict

from app.core.clock import parse_instant
from app.core.errors import Invalid, Problem
from app.incidents.rules import SEVERITIES

STATUSES = ("triggered", "acknowledged", "resolved")
SORTS = ("newest", "oldest")


@dataclass(frozen=True)
class Filters:
    """Repeated values mean "or", different filters "and"; empty means everything."""

    status: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    sort: str = "newest"

    def without(self, name: str) -> Filters:
        """The same without one filter."""
        return replace(self, **{name: ()})

    @property
    def number(self) -> int:
        """How many filters narrow the list, the status apart."""
        return sum(map(bool, (self.severity, self.urgency, self.team, self.service, self.assignee, self.text,
                              self.since, self.until)))


def read(arguments: MultiDict[str, str]) -> Filters:
    """The filters of a query string. Raises Invalid naming each value that means nothing."""
    problems: list[Problem] = []

    def words(name: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        given = tuple(dict.fromkeys(value.strip() for value in arguments.getlist(name) if value.strip()))
        problems.extend(Problem(name, f"{value} is not one of {', '.join(allowed)}")
                        for value in given if allowed and value not in allowed)
        return given

    def instant(name: str) -> datetime | None:
        try:
            return parse_instant(arguments[name]) if arguments.get(name) else None
        except ValueError:
            problems.append(Problem(name, f"{name} is not a time like 2026-03-01T09:00:00Z"))
            return None

    found = Filters(
        status=words("status", STATUSES), severity=words("severity", SEVERITIES), urgency=words("urgency", ("high", "low")),
        team=words("team"), service=words("service"), assignee=words("assignee"), text=arguments.get("q", "").strip()[:200],
        since=instant("from"), until=instant("to"), sort=(words("sort", SORTS) or ("newest",))[0])
    if problems:
        raise Invalid(problems=problems)
    return found
