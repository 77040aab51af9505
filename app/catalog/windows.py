"""When a window is open, and what it covers. Pure: local times in, instants out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule

from app.core.matching import DAYS, compiled, in_words

UNITS = {"day": DAILY, "week": WEEKLY, "month": MONTHLY}
WEEKDAYS = dict(zip(DAYS, (MO, TU, WE, TH, FR, SA, SU), strict=True))
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)


@dataclass(frozen=True)
class Plan:
    """The first time as the clock on the wall shows it, and how it repeats: {"unit", "every", "days", "until"}."""

    starts: datetime
    ends: datetime
    zone: str = "UTC"
    repeat: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None


def span(plan: Plan, at: datetime) -> tuple[datetime, datetime] | None:
    """The occurrence that `at` lies in, as instants; one that began before `not_before` was ended by hand."""
    here = _local(plan, at)
    for start in reversed(_starts(plan, here - (plan.ends - plan.starts) - timedelta(hours=3), here + timedelta(hours=3))):
        found = _instants(plan, start)
        if found[0] <= at < found[1] and not _ended(plan, found[0]):
            return found
    return None


def _ended(plan: Plan, start: datetime) -> bool:
    return plan.not_before is not None and start < plan.not_before


def coming(plan: Plan, after: datetime, limit: int = 5) -> list[tuple[datetime, datetime]]:
    """The next occurrences that begin after `after`."""
    here = _local(plan, after)
    if not plan.repeat:
        one = _instants(plan, plan.starts)
        return [one] if one[0] > after else []
    found: Iterator[datetime] = iter(_rule(plan).xafter(here - timedelta(hours=3), count=limit + 2))
    return [one for one in (_instants(plan, start) for start in found) if one[0] > after][:limit]


def over_at(plan: Plan) -> datetime | None:
    """When its last occurrence ends; None: never."""
    if not plan.repeat:
        return _instants(plan, plan.starts)[1]
    if not plan.repeat.get("until"):
        return None
    until = datetime.fromisoformat(plan.repeat["until"])
    last = _rule(plan).before(until + timedelta(days=1), inc=True)
    return _instants(plan, last or plan.starts)[1]


def _starts(plan: Plan, after: datetime, before: datetime) -> list[datetime]:
    if not plan.repeat:
        return [plan.starts]
    return list(_rule(plan).between(after, before, inc=True))


def _rule(plan: Plan) -> rrule:
    repeat = plan.repeat
    days = [WEEKDAYS[day] for day in repeat.get("days") or ()] or None
    until = datetime.fromisoformat(repeat["until"]) if repeat.get("until") else None
    return rrule(UNITS[repeat["unit"]], interval=int(repeat.get("every") or 1), dtstart=plan.starts, byweekday=days,
                 until=until)


def _local(plan: Plan, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(plan.zone)).replace(tzinfo=None)


def _instants(plan: Plan, start: datetime) -> tuple[datetime, datetime]:
    """Both ends keep the clock on the wall; a time that does not exist that day is read an hour later."""
    zone = ZoneInfo(plan.zone)
    ends = start + (plan.ends - plan.starts)
    return start.replace(tzinfo=zone).astimezone(UTC), ends.replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True)
class Scope:
    """What a window covers: any of the named services, teams and integrations, and in addition all labels."""

    services: Sequence[int] = ()
    teams: Sequence[int] = ()
    integrations: Sequence[str] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
    owner: int | None = None


@dataclass(frozen=True)
class Concern:
    """What an incident is about, as far as windows ask."""

    service: int | None
    team: int | None
    integration: str
    labels: Mapping[str, Any]
    title: str = ""


def covers(scope: Scope, one: Concern) -> bool:
    """Whether the window is about it. One that names labels alone covers what belongs to its team, or all of nobody's."""
    named = bool(scope.services or scope.teams or scope.integrations)
    if named and not (one.service in scope.services or one.team in scope.teams or one.integration in scope.integrations):
        return False
    if not named and (not scope.labels or (scope.owner is not None and scope.owner != one.team)):
        return False
    return all(compiled(wanted).fits(_values(name, one)) for name, wanted in scope.labels.items())


def _values(name: str, one: Concern) -> Sequence[str]:
    value = one.title if name == "title" else one.labels.get(name)
    return (str(value),) if value not in (None, "") else ()


def labels_in_words(labels: Mapping[str, Any]) -> list[str]:
    """`env is “staging*”`."""
    return [f"{name} is {in_words(value)}" for name, value in labels.items()]
