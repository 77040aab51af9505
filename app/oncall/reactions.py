"""What schedules do because something happened: what was known of duty may be out of date."""

from __future__ import annotations

from app.core.db import session
from app.core.events import Event
from app.core.jobs import wake
from app.oncall import handover, links, queries
from app.oncall.models import Schedule

TICKS = ("app.oncall.ticks.settle_swaps", "app.oncall.ticks.settle_covers", "app.oncall.ticks.hand_over",
         "app.oncall.ticks.watch_gaps", "app.oncall.calendar_ticks.sync_links")


def look_again(event: Event) -> None:
    """A schedule, a team or a person changed: whoever waits for an answer, hand-offs and gaps are looked at now."""
    noun, _, key = event.subject.partition(":")
    schedule = session.get(Schedule, int(key)) if noun == "schedule" else None
    handover.look_soon(int(key) if noun == "schedule" else None)
    links.look_soon(None if schedule is None else _people(schedule, event))
    for tick in TICKS:
        wake(tick)


def _people(schedule: Schedule, event: Event) -> set[int]:
    """Whom a change of the schedule concerns: whoever it names, and whoever the fact names."""
    named = {int(ref[5:]) for ref in event.also if ref.startswith("user:")}
    return named | queries.people_in(queries.plan_of(schedule))
