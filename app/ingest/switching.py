"""Plugins on and off without a restart: what comes for one that is off is held, and worked on once it is back."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select, update

from app.core import plugin_switches
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import NotFound
from app.core.events import record
from app.core.jobs import wake
from app.identity.queries import allow
from app.ingest import events, readers
from app.ingest.door import DRAIN
from app.ingest.models import Delivery, Integration


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
    released = _release(list(session.scalars(select(Integration.id).where(Integration.plugin.in_(served)))))
    record(events.PLUGIN_ON, f"plugin:{slug}", by=by, also=["plugins", "integrations"], name=found.name, released=released)


def release_held() -> int:
    """Tick: what was held for a plugin that is back is worked on; what a pause holds stays."""
    try:
        held = session.scalars(select(Integration).where(
            Integration.paused_at.is_(None), Integration.removed_at.is_(None),
            select(Delivery.id).where(Delivery.state == "held", Delivery.integration_id == Integration.id).exists())).all()
        back = [one.id for one in held if not readers.away(one, {})]
    finally:
        session.rollback()
    if not back:
        return 0
    with transaction():
        return _release(back)


def _release(integrations: list[int]) -> int:
    """Their held deliveries wait again, unless a pause holds them."""
    paused = select(Integration.id).where(Integration.paused_at.is_not(None))
    result = session.execute(update(Delivery).where(
        Delivery.state == "held", Delivery.integration_id.in_(integrations), Delivery.integration_id.not_in(paused))
        .values(state="received", note=""))
    if result.rowcount:
        wake(DRAIN)
    return int(result.rowcount)
