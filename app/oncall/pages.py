"""What each page about schedules shows, as one dataclass a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.paging import paged
from app.core.panels import panels
from app.identity.models import Team
from app.identity.queries import allow, may, visible_teams
from app.oncall import queries, rules, timeline
from app.oncall.exchanges import notes
from app.oncall.models import HandoverNote, Schedule

GAPS_AHEAD = timedelta(days=30)
SHIFTS_AHEAD = timedelta(days=60)
MOST_SHIFTS, MOST_ARCHIVED = 6, 100


@dataclass(frozen=True)
class Duty:
    """A schedule at this moment: names of those on duty, until when, who is next, and the gaps of the next 30 days."""

    schedule: Schedule
    people: list[str]
    until: datetime | None
    layer: str
    next: list[str]
    next_until: datetime | None
    gaps: list[rules.Shift]

    @property
    def id(self) -> int:
        """The schedule's."""
        return self.schedule.id


@dataclass(frozen=True)
class MyShift:
    """A span in which the reader is on duty without a break; without `end`, none is in sight."""

    schedule: Schedule
    start: datetime
    end: datetime | None
    next: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How much of it has passed, in percent."""
        return round(100 * ((clock.now() - self.start) / (self.end - self.start))) if self.end else 0

    @property
    def length(self) -> str:
        """How long it lasts, in words."""
        return timeline.length(self.start, self.end) if self.end else "for good"


@dataclass(frozen=True)
class OnCallPage:
    """The reader's own duty, then everybody's."""

    mine: list[MyShift]
    coming: list[MyShift]
    duties: list[Duty]
    next: str | None
    email: str = ""
    notes: Mapping[int, HandoverNote] = field(default_factory=dict)
    panels: Mapping[str, Any] = field(default_factory=dict)

    def choice(self, shift: MyShift) -> str:
        """The shift as the forms of swaps and cover name it."""
        return f"{self.email}|{shift.start.isoformat()}|{shift.end.isoformat() if shift.end else ''}"


@dataclass(frozen=True)
class SchedulesPage:
    """All schedules that the reader may see."""

    duties: list[Duty]
    next: str | None
    teams: Sequence[tuple[str, str]]
    team: str
    may_add: bool
    archived: Sequence[Schedule] = ()


def duties(schedules: Iterable[Schedule], at: datetime) -> list[Duty]:
    """Each schedule at `at`, in the order given; four queries, however many there are."""
    wanted = list(schedules)
    plans = queries.plans_of(wanted, since=at)
    inactive = queries.inactive_of(*plans.values())
    ahead = {key: rules.shifts(plan, at, at + GAPS_AHEAD, inactive=inactive) for key, plan in plans.items()}
    following = {key: _following(plans[key], found, at + GAPS_AHEAD, inactive) for key, found in ahead.items()}
    people = queries.named(person for pair in following.values() for one in pair if one for person in one.people)
    names = {key: user.name for key, user in people.items()}
    return [_duty(schedule, *following[schedule.id], names,
                  gaps=list(timeline.gaps(ahead[schedule.id])))
            for schedule in wanted]


def _following(plan: rules.Schedule, found: list[rules.Shift], end: datetime,
               inactive: frozenset[int]) -> tuple[rules.Shift, rules.Shift | None]:
    """The present shift and the next one, each with its true end; what `found` holds of them saves looking again."""
    now = found[0] if found[0].end != end else rules.on_duty(plan, found[0].start or end, inactive=inactive)
    if now.end is None:
        return now, None
    following = next((one for one in found[1:2] if one.end != end), None)
    return now, following or rules.on_duty(plan, now.end, inactive=inactive)


def _duty(schedule: Schedule, now: rules.Shift, following: rules.Shift | None, names: Mapping[int, str],
          *, gaps: list[rules.Shift]) -> Duty:
    return Duty(schedule, [names[one] for one in now.people], now.end, now.layer,
                [names[one] for one in following.people] if following else [],
                following.end if following else None, gaps)


def on_call_page(by: Actor, args: Mapping[str, str]) -> OnCallPage:
    """The reader's duty, their next shifts, and who is on duty for every schedule they may see."""
    allow(by, "schedule.read")
    now = clock.now()
    mine = my_shifts(by, now)
    reader = queries.named([by.user_id] if by.user_id is not None else [])
    found = paged(queries.visible(queries.in_use(), by).options(selectinload(Schedule.team)), args,
                  by=(Schedule.name, Schedule.id), show=lambda row: row)
    return OnCallPage(mine=[one for one in mine if one.start <= now],
                      coming=[one for one in mine if one.start > now][:MOST_SHIFTS],
                      duties=duties(found["items"], now), next=found["next"],
                      email=next((one.email for one in reader.values()), ""),
                      notes=notes(one.schedule.id for one in mine), panels=panels("on_call", by))


def my_shifts(by: Actor, now: datetime) -> list[MyShift]:
    """The spans in which the reader is on duty, the present one with its true start, in order of their start."""
    naming = queries.naming(by.user_id) if by.user_id is not None else set()
    schedules = {one.id: one for one in queries.all_schedules(by) if one.id in naming}
    plans = queries.plans_of(schedules.values(), since=now - SHIFTS_AHEAD)
    plans = {key: plan for key, plan in plans.items() if by.user_id in queries.people_in(plan)}
    inactive = queries.inactive_of(*plans.values())
    found = [(key, shift, following) for key, plan in plans.items()
             for shift, following in _spans(plan, by.user_id, now, inactive)]
    names = {key: user.name for key, user in queries.named(
        one for _, _, following in found for one in following).items()}
    beyond = now + SHIFTS_AHEAD
    mine = [MyShift(schedules[key], start, end if end != beyond else None, [names[one] for one in following])
            for key, (start, end), following in found]
    return sorted(mine, key=lambda one: (one.start, one.schedule.name))


def _spans(plan: rules.Schedule, person: int | None, now: datetime,
           inactive: frozenset[int]) -> list[tuple[tuple[datetime, datetime], tuple[int, ...]]]:
    """The person's spans from now on, each with who comes after it."""
    spans: list[tuple[tuple[datetime, datetime], tuple[int, ...]]] = []
    for shift in rules.whole_shifts(plan, now, now + SHIFTS_AHEAD, inactive=inactive):
        assert shift.start is not None and shift.end is not None
        touching = bool(spans) and spans[-1][0][1] == shift.start
        if person in shift.people and touching:
            spans[-1] = ((spans[-1][0][0], shift.end), ())
        elif person in shift.people:
            spans.append(((shift.start, shift.end), ()))
        elif touching:
            spans[-1] = (spans[-1][0], shift.people)
    return spans


def schedules_page(by: Actor, args: Mapping[str, str]) -> SchedulesPage:
    """The schedules that `args` (team, cursor) let through, by name."""
    allow(by, "schedule.read")
    query = queries.visible(queries.in_use(), by).options(selectinload(Schedule.team))
    if args.get("team"):
        query = query.where(Schedule.team_id.in_(select(Team.id).where(Team.key == args["team"])))
    found = paged(query, args, by=(Schedule.name, Schedule.id), show=lambda row: row)
    return SchedulesPage(duties(found["items"], clock.now()), found["next"], team_choices(by), args.get("team", ""),
                         bool(teams_for(by)), _archived(by))


def _archived(by: Actor) -> Sequence[Schedule]:
    query = select(Schedule).where(Schedule.archived_at.is_not(None)).order_by(Schedule.name).limit(MOST_ARCHIVED)
    return session.scalars(queries.visible(query, by)).all()


def team_choices(by: Actor) -> list[tuple[str, str]]:
    """The teams that the reader may see, by name."""
    teams, seen = select(Team).where(Team.archived_at.is_(None)).order_by(Team.name), visible_teams(by)
    return [(team.key, team.name) for team in session.scalars(teams) if seen is None or team.id in seen]


def teams_for(by: Actor) -> list[tuple[str, str]]:
    """The teams for which this person may edit schedules."""
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [(team.key, team.name) for team in teams if may(by, "schedule.edit", team_id=team.id)]
