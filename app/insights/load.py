"""What being on call costs whom: hours as they were, pages and the interruptions that they make, in each person's zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.identity.models import Team, User
from app.identity.queries import allow, may, visible_teams
from app.insights import spans
from app.insights.filters import Filters
from app.insights.models import PageFact
from app.insights.queries import team_for
from app.insights.rules import by_part, interruptions, offsets
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
    borne = _borne(wanted, filters)
    everybody = duty.named(one for some in borne.values() for one in some.people())
    teams = [_team(borne[team.id], filters, everybody, by) for team in wanted]
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
    query = select(Team).where(or_(Team.archived_at.is_(None), Team.archived_at >= filters.since)).order_by(Team.name)
    return list(session.scalars(query if teams is None else query.where(Team.id.in_(teams))))


@dataclass
class _Borne:
    """A team's schedules, who was on duty by them, and when whom its pages reached."""

    team: Team
    schedules: list[Schedule] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    times: dict[int, list[int]] = field(default_factory=dict)

    def people(self) -> set[int]:
        """Everybody who was on duty or paged."""
        return {*self.times, *(one for shift in self.shifts for one in shift.people)}


def _borne(teams: Iterable[Team], filters: Filters) -> dict[int, _Borne]:
    """What each team bore in the period, as far as it is over; a few queries, however many teams there are."""
    found, until = {one.id: _Borne(one) for one in teams}, min(filters.until, clock.now())
    for (team, user), times in spans.pages(int(filters.since.timestamp()), int(filters.until.timestamp())).items():
        if team in found:
            found[team].times[user] = times
    for one in session.scalars(select(Schedule).options(selectinload(Schedule.holidays)).where(
            Schedule.team_id.in_(found)).order_by(Schedule.name)):
        found[one.team_id].schedules.append(one)
    if filters.since < until:
        among = duty.shifts_of([one for borne in found.values() for one in borne.schedules], filters.since, until)
        for borne in found.values():
            borne.shifts = [shift for one in borne.schedules for shift in among[one.id]]
    return found


def _team(known: _Borne, filters: Filters, everybody: dict[int, User], by: Actor) -> TeamLoad:
    team, shifts, until = known.team, known.shifts, min(filters.until, clock.now())
    people = {key: everybody[key] for key in known.people() if key in everybody}
    zones = {key: ZoneInfo(user.time_zone) for key, user in people.items()}
    holidays = {date.fromisoformat(one.day) for schedule in known.schedules for one in schedule.holidays}
    borne = loads(shifts, people, Scale(filters.since, until, zones, holidays)) if filters.since < until else {}
    told = {key: by_part(interruptions(known.times.get(key, ())), _clock(filters.since, filters.until, zone))
            for key, zone in zones.items()}
    shares = sorted((Share(user, borne.get(key, Load(key)), _longest(key, shifts),
                           len(known.times.get(key, ())), *told[key])
                     for key, user in people.items()), key=lambda one: one.user.name)
    whole = may(by, "team.edit", team_id=team.id)
    shown = [one for one in shares if (whole or one.user.id == by.user_id)
             and filters.person in ("", one.user.email)]
    gaps = sum((one.end - one.start for one in shifts if not one.people and one.start and one.end), NOTHING)
    return TeamLoad(team, shown, _total(shares), balance([one.duty.weighted for one in shares if one.duty.hours]),
                    _hours(gaps), whole, known.schedules)


def _email(by: Actor) -> str:
    user = session.get(User, by.user_id)
    return user.email if user else ""


def _period(filters: Filters) -> list[object]:
    return [PageFact.at >= int(filters.since.timestamp()), PageFact.at < int(filters.until.timestamp())]


_clock = lru_cache(maxsize=64)(offsets)


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
