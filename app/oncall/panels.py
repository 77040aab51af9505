"""What schedules add to the pages of teams."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.identity.models import Team
from app.oncall.models import Schedule
from app.oncall.queries import inactive_of, plans_of
from app.oncall.rules import shifts

AHEAD = timedelta(days=30)


def team_health(team: Team) -> list[tuple[str, str]]:
    """The schedules of the team on which nobody is on duty at some time in the next 30 days."""
    now = clock.now()
    named = dict(session.execute(select(Schedule.id, Schedule.name).where(Schedule.team_id == team.id)).tuples().all())
    plans = plans_of(session.scalars(select(Schedule).where(Schedule.team_id == team.id)).all(), since=now)
    inactive, found = inactive_of(*plans.values()), []
    for key, plan in sorted(plans.items()):
        gaps = [shift for shift in shifts(plan, now, now + AHEAD, inactive=inactive) if not shift.people]
        if gaps:
            since = max(gaps[0].start or now, now)
            found.append((f"Nobody on duty in {named[key]}", f"From {since:%Y-%m-%d %H:%M} UTC"
                          + (f", and {len(gaps) - 1} more times in 30 days" if len(gaps) > 1 else "")))
    return found
