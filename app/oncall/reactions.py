"""What schedules do because something happened: what was asked for may not be possible any more."""

from __future__ import annotations

from app.core.events import Event
from app.core.jobs import wake


def look_again(event: Event) -> None:
    """A schedule, a team or a person changed: whatever waits for an answer is looked at now instead of in a minute."""
    wake("app.oncall.ticks.settle")
