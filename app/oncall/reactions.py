"""What schedules do because something happened: what was known of duty may be out of date."""

from __future__ import annotations

from app.core.events import Event
from app.core.jobs import wake
from app.oncall import handover

TICKS = ("app.oncall.ticks.settle", "app.oncall.ticks.hand_over", "app.oncall.ticks.watch_gaps")


def look_again(event: Event) -> None:
    """A schedule, a team or a person changed: whoever waits for an answer, hand-offs and gaps are looked at now."""
    noun, _, key = event.subject.partition(":")
    handover.look_soon(int(key) if noun == "schedule" else None)
    for tick in TICKS:
        wake(tick)
