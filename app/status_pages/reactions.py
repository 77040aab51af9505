"""What status pages do because something happened to an incident or a service."""

from __future__ import annotations

from app.core.events import Event
from app.status_pages import states


def follow(_event: Event) -> None:
    """An incident opened, changed or ended: components show it at once."""
    states.settle()
