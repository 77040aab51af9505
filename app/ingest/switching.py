"""Plugins on and off without a restart: what comes for one that is off is held, and worked on once it is back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import Select, select, update

from app.core import plugin_switches
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import NotFound
from app.core.events import record
from app.core.jobs import wake
from app.identity.queries import allow
from app.ingest import events, readers
from app.ingest.door import DRAIN
from app.ingest.models import READER, Delivery, Integration

CHUNK = 500


def switch(slug: str, *, off: bool, by: Actor) -> None:
    """Switch a plugin off or on; every process knows within a second. Raises NotFound."""
    allow(by, "admin")
    registry = current_app.extensions["plugins"]
    found = next((one for one in registry.installed if one.slug == slug), None)
    if found is None:
        raise NotFound(f"There is no plugin {slug}")
    if not plugin_switches.switch(slug, off=off, by=by.name):
        return
    if off:
        record(events.PLUGIN_OFF, f"plugin:{slug}", by=by, also=["plugins", "integrations"], name=found.name)
        return
    served = [name for (kind, name), owner in registry.owners.items() if (kind, owner) == ("integration", slug)]
    released = _release(served)
    record(events.PLUGIN_ON, f"plugin:{slug}", by=by, also=["plugins", "integrations"], name=found.name, released=released)


def release_held() -> int:
    """Tick: what was held for a plugin that is back is worked on, some at a time; what a pause holds stays."""
    try:
        back = [name for name in session.scalars(_held(READER).distinct()) if not readers.absent(name)]
    finally:
        session.rollback()
    done = 0
    while back:
        with transaction():
            number = _release(back, CHUNK)
        done += number
        if number < CHUNK:
            break
    return done


def _held(what: Any) -> Select[Any]:
    """This of the deliveries that only their plugin holds up."""
    return select(what).select_from(Delivery).join(Integration).where(
        Delivery.state == "held", Integration.paused_at.is_(None), Integration.removed_at.is_(None))


def _release(names: Sequence[str], most: int | None = None) -> int:
    """The held deliveries that these plugins read wait again, the oldest first."""
    keys = _held(Delivery.id).where(READER.in_(names)).order_by(Delivery.id).limit(most)
    result = session.execute(update(Delivery).where(Delivery.state == "held", Delivery.id.in_(keys))
                             .values(state="received", note="").execution_options(synchronize_session=False))
    if result.rowcount:
        wake(DRAIN)
    return int(result.rowcount)
