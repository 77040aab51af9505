"""What status pages do because something happened to an incident or a service."""

from __future__ import annotations

from sqlalchemy import select

from app.core.db import session
from app.core.events import Event
from app.status_pages import auto_notices, states
from app.status_pages.models import Component


def follow(_event: Event) -> None:
    """An incident opened, changed or ended: components show it at once."""
    states.settle()


def write_notice(event: Event) -> None:
    """A component broke: a page that wants it gets its first notice."""
    component = session.scalar(select(Component).where(Component.public_id == event.data["component"]))
    if component is not None:
        auto_notices.write_by_itself(component)


def resolve_notices(event: Event) -> None:
    """An incident is over, and with it perhaps the notice about it."""
    auto_notices.resolve_by_itself(int(event.subject.partition(":")[2]))


def let_go(event: Event) -> None:
    """A service was archived: components that followed it are manual from now on, or follow their others."""
    if (event.data.get("after") or {}).get("lifecycle") == "archived":
        states.let_go(int(event.subject.partition(":")[2]))
