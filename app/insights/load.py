"""What being on call costs whom: hours as they were, pages and the interruptions that they make, in each person's zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.identity.models import Team, User
from app.identity.queries import allow, may, visible_teams
from app.insights.filters import Filters
from app.insights.models import PageFact
from app.insights.queries import team_for
from app.insights.rules import interruptions, local_day, part_of_day
from app.oncall import queries as duty
from app.oncall.models import Schedule
from app.oncall.plan import Shift
from app.oncall.quality import Load, Scale, balance, loads

NOTHING = timedelta()


@dataclass(frozen=True)
class Share:
    """One person's part: hours of duty and what they weigh, and what pages did to their days and nights."""

    user: User
    duty: Load
    longest: timedelta
    pages: int
    parts: dict[str, int]
    nights: int

    @property
    def interruptions(self) -> int:
        """Of all parts of the day."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class TeamLoad:
    """A team's sums, and its people where the reader may see them: managers everybody, others themselves."""

    team: Team
    shares: list[Share]
    total: dict[str, float]
    balance: int
    gap_hours: float
    whole: bool
    schedules: list[Schedule] = field(default_factory=list)


def load(filters: Filters, by: Actor) -> list[TeamLoad]:
    """The load of each team that the filters choose and the reader may see."""
    allow(by, "incident.read")
    until = min(filters.until, clock.now())
    teams = [_team(team, filters, until, by) for team in _teams(filters, by)]
    if filters.person and not any(one.whole for one in teams) and (by.user_id is None or filters.person != _email(by)):
        raise Forbidden("Managers of a team see the load of its people; everybody sees their own.")
    return teams


def my_pages(filters: Filters, by: Actor) -> list[PageFact]:
    """Every page of the reader themselves, newest first."""
    allow(by, "own.read")
    return list(session.scalars(select(PageFact).where(PageFact.user_id == by.user_id, *_period(filters)).order_by(
        PageFact.at.desc()).limit(500)))


def _teams(filters: Filters, by: Actor) -> list[Team]:
    if filters.team:
        return [team_for(filters.team, by)]
    teams = visible_teams(by)
    query = select(Team).where(Team.archived_at.is_(None)).order_by(Team.name)
    return list(session.scalars(query if teams is None else query.where(Team.id.in_(teams))))


def _team(team: Team, filters: Filters, until: datetime, by: Actor) -> TeamLoad:
    schedules = list(session.scalars(select(Schedule).where(Schedule.team_id == team.id).order_by(Schedule.name)))
    held = [shift for one in schedules for shift in _shifts(one, filters.since, until)]
    times = _times(team, filters)
    people = duty.named({*times, *(one for shift in held for one in shift.people)})
    zones = {key: ZoneInfo(user.time_zone) for key, user in people.items()}
    holidays = {date.fromisoformat(one.day) for schedule in schedules for one in schedule.holidays}
    borne = loads(held, people, Scale(filters.since, until, zones, holidays)) if filters.since < until else {}
    shares = sorted((_share(people[key], borne.get(key, Load(key)), times.get(key, []), held) for key in people),
                    key=lambda one: one.user.name)
    whole = may(by, "team.edit", team_id=team.id)
    shown = [one for one in shares if (whole or one.user.id == by.user_id)
             and filters.person in ("", one.user.email)]
    gaps = sum((one.end - one.start for one in held if not one.people and one.start and one.end), NOTHING)
    return TeamLoad(team, shown, _total(shares), balance([one.duty.weighted for one in shares if one.duty.hours]),
                    _hours(gaps), whole, schedules)


def _email(by: Actor) -> str:
    user = session.get(User, by.user_id)
    return user.email if user else ""


def _shifts(schedule: Schedule, since: datetime, until: datetime) -> list[Shift]:
    return duty.shifts(schedule, since, until) if since < until else []


def _period(filters: Filters) -> list[object]:
    return [PageFact.at >= int(filters.since.timestamp()), PageFact.at < int(filters.until.timestamp())]


def _times(team: Team, filters: Filters) -> dict[int, list[int]]:
    """When each person was paged for an incident of the team."""
    found: dict[int, list[int]] = defaultdict(list)
    for user, at in session.execute(select(PageFact.user_id, PageFact.at).where(
            or_(PageFact.team_id == team.id), *_period(filters))):  # type: ignore[arg-type]
        found[user].append(at)
    return found


def _share(user: User, borne: Load, times: list[int], held: Iterable[Shift]) -> Share:
    zone, begun = ZoneInfo(user.time_zone), interruptions(times)
    parts = {"working": 0, "off": 0, "sleep": 0}
    for at in begun:
        parts[part_of_day(at, zone)] += 1
    # A night is counted by the evening on which it begins, twelve hours before its middle of the day.
    nights = {local_day(at - 12 * 3600, zone) for at in begun if part_of_day(at, zone) == "sleep"}
    return Share(user, borne, _longest(user.id, held), len(times), parts, len(nights))


def _longest(person: int, held: Iterable[Shift]) -> timedelta:
    """The longest time on duty without a break."""
    longest, run, last = NOTHING, NOTHING, None
    for start, end in sorted((one.start, one.end) for one in held if person in one.people and one.start and one.end):
        run = run + (end - start) if last is not None and start <= last else end - start
        last = max(end, last) if last is not None else end
        longest = max(longest, run)
    return longest


def _hours(span: timedelta) -> float:
    return round(span.total_seconds() / 3600, 2)


def _total(shares: Iterable[Share]) -> dict[str, float]:
    some = list(shares)
    found: dict[str, float] = {name: _hours(sum((getattr(one.duty, name) for one in some), NOTHING))
                               for name in ("hours", "nights", "weekends", "holidays", "weighted")}
    found |= {"pages": sum(one.pages for one in some), "interruptions": sum(one.interruptions for one in some),
              "nights_woken": sum(one.nights for one in some)}
    return found | {name: sum(one.parts[name] for one in some) for name in ("working", "off", "sleep")}
