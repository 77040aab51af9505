"""A schedule is put away and taken back into use: what has been stays readable, and nobody is on duty by it."""

from __future__ import annotations

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.events import record
from app.identity.queries import allow
from app.oncall import covers, events, swaps
from app.oncall.exchange_rules import WAITING
from app.oncall.models import Schedule
from app.oncall.service import refuse_used


def archive_schedule(schedule: Schedule, *, by: Actor) -> Schedule:
    """Put away a schedule that nothing pages by any more; what waits for an answer in it is withdrawn. Raises Conflict
    naming what uses it: that needs another target first, so that no level is left with nobody."""
    allow(by, "schedule.edit", team_id=schedule.team_id)
    schedule = locked(Schedule, schedule.id) or schedule
    if schedule.archived_at is not None:
        return schedule
    refuse_used(schedule, by)
    for swap in [one for one in schedule.swaps if one.state == "proposed"]:
        swaps.withdraw(swap, by=by)
    for request in [one for one in schedule.cover_requests if one.state in WAITING]:
        covers.withdraw(request, by=by)
    schedule.archived_at, schedule.duty = clock.now(), None
    session.flush()
    record(events.ARCHIVED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name)
    return schedule


def restore_schedule(schedule: Schedule, *, by: Actor) -> Schedule:
    """Take an archived schedule back into use, as it stands."""
    allow(by, "schedule.edit", team_id=schedule.team_id)
    schedule = locked(Schedule, schedule.id) or schedule
    if schedule.archived_at is not None:
        schedule.archived_at = None
        record(events.RESTORED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name)
    return schedule
