"""What schedules add to the pages of teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Text, cast, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team
from app.oncall.models import Duty, Schedule
from app.oncall.pages import MyShift, my_shifts
from app.oncall.queries import in_use, inactive_of, plans_of
from app.oncall.rules import shifts


@dataclass(frozen=True)
class MyShifts:
    """The reader's present duties and their next shift."""

    now: list[MyShift]
    next: MyShift | None
    template: str = "panels/incidents-my-shifts.html"


def my_duty(by: Actor) -> MyShifts | None:
    """What the home page says of the reader's own shifts; None for machines and for who has none in sight."""
    mine = my_shifts(by, clock.now()) if by.user_id is not None else []
    running = [one for one in mine if one.start <= clock.now()]
    return MyShifts(running, next((one for one in mine if one not in running), None)) if mine else None


@dataclass(frozen=True)
class DutyLine:
    """Whether the reader is on duty, and until the first hand-off to come in what they hold, if one is in sight."""

    on: bool
    until: datetime | None = None


def duty_line(by: Actor) -> DutyLine | None:
    """What stands under the reader's name on every page, by what the clock saw last: one query. None for machines."""
    if by.user_id is None:
        return None
    held = session.execute(select(Duty.people, Duty.look_at).join(Schedule, Schedule.id == Duty.schedule_id).where(
        Schedule.archived_at.is_(None), cast(Duty.people, Text).contains(str(by.user_id))))
    ends = [row.look_at for row in held if by.user_id in row.people]
    known = [end for end in ends if end < clock.now() + SEEN]
    return DutyLine(bool(ends), min(known, default=None))


AHEAD, SEEN = timedelta(days=30), timedelta(days=29)


def team_health(team: Team) -> list[tuple[str, str]]:
    """The schedules of the team on which nobody is on duty at some time in the next 30 days."""
    now = clock.now()
    schedules = session.scalars(in_use().where(Schedule.team_id == team.id)).all()
    named, plans = {one.id: one.name for one in schedules}, plans_of(schedules, since=now)
    inactive, found = inactive_of(*plans.values()), []
    for key, plan in sorted(plans.items()):
        gaps = [shift for shift in shifts(plan, now, now + AHEAD, inactive=inactive) if not shift.people]
        if gaps:
            since = max(gaps[0].start or now, now)
            found.append((f"Nobody on duty in {named[key]}", f"From {since:%Y-%m-%d %H:%M} UTC"
                          + (f", and {len(gaps) - 1} more times in 30 days" if len(gaps) > 1 else "")))
    return found
