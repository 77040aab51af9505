"""What schedules add to the pages of teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team
from app.oncall.models import Schedule
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


AHEAD = timedelta(days=30)


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
