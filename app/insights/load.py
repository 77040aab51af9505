"""What being on call costs whom: hours as they were, pages and the interruptions that they make, in each person's zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.identity.models import Team, User
from app.identity.queries import allow, may, visible_teams
from app.insights.filters import Filters
from app.insights.models import PageFact
from app.insights.queries import team_for
from app.insights.rules import DAY, interruptions, offsets, on_clock, part_of_day
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
    wanted = _teams(filters, by)
    times = _times(wanted, filters)
    teams = [_team(team, filters, times[team.id], by) for team in wanted]
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


def _team(team: Team, filters: Filters, times: dict[int, list[int]], by: Actor) -> TeamLoad:
    until = min(filters.until, clock.now())
    schedules = list(session.scalars(select(Schedule).where(Schedule.team_id == team.id).order_by(Schedule.name)))
    held = [shift for one in schedules for shift in _shifts(one, filters.since, until)]
    people = duty.named({*times, *(one for shift in held for one in shift.people)})
    zones = {key: ZoneInfo(user.time_zone) for key, user in people.items()}
    holidays = {date.fromisoformat(one.day) for schedule in schedules for one in schedule.holidays}
    borne = loads(held, people, Scale(filters.since, until, zones, holidays)) if filters.since < until else {}
    told = {key: on_clock(interruptions(some), _clock(filters.since, filters.until, zones[key]))
            for key, some in times.items() if key in people}
    shares = sorted((_share(borne.get(key, Load(key)), people[key], (len(times.get(key, ())), told.get(key, [])), held)
                     for key in people), key=lambda one: one.user.name)
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


def _times(teams: Iterable[Team], filters: Filters) -> dict[int, dict[int, list[int]]]:
    """When each person was paged for an incident of each of the teams."""
    found: dict[int, dict[int, list[int]]] = {one.id: defaultdict(list) for one in teams}
    for team, user, at in session.execute(select(PageFact.team_id, PageFact.user_id, PageFact.at).where(
            PageFact.team_id.in_(found), *_period(filters))):  # type: ignore[arg-type]
        found[team][user].append(at)
    return found


_clock = lru_cache(maxsize=64)(offsets)


def _share(borne: Load, user: User, told: tuple[int, list[int]], held: Iterable[Shift]) -> Share:
    """`told` are how many pages there were, and when each interruption began on the person's own clock."""
    pages, begun = told
    parts = {"working": 0, "off": 0, "sleep": 0}
    nights = set()
    for at in begun:
        part = part_of_day(at)
        parts[part] += 1
        if part == "sleep":  # a night is counted by the evening on which it begins, half a day before its noon
            nights.add((at - DAY // 2) // DAY)
    return Share(user, borne, _longest(user.id, held), pages, parts, len(nights))


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
