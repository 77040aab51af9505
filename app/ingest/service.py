"""Commands on integrations and deliveries: pause, resume, renew the token, replay, remove."""

from __future__ import annotations

from sqlalchemy import func, select, update

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.jobs import wake
from app.identity.queries import allow
from app.ingest import events, queries
from app.ingest.door import DRAIN
from app.ingest.models import Delivery, Integration
from app.ingest.saving import also, save_integration, set_token

__all__ = ["pause", "remove_integration", "renew_token", "replay", "resume", "save_integration"]


def renew_token(integration: Integration, *, by: Actor) -> str:
    """A new token; the old one is dead at once. Returns it, to be shown."""
    allow(by, "integration.edit", team_id=integration.team_id)
    token = secrets.new_token()
    set_token(integration, token)
    record(events.TOKEN_RENEWED, integration.ref, by=by, also=also(integration), name=integration.name)
    return token


def pause(integration: Integration, *, by: Actor) -> None:
    """Deliveries are still accepted, but held until somebody resumes."""
    allow(by, "integration.edit", team_id=integration.team_id)
    if integration.paused_at is None:
        integration.paused_at = clock.now()
        record(events.PAUSED, integration.ref, by=by, also=also(integration), name=integration.name)


def resume(integration: Integration, *, by: Actor) -> int:
    """Go on, and process what was held. Returns how many."""
    allow(by, "integration.edit", team_id=integration.team_id)
    integration.paused_at = None
    result = session.execute(update(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state == "held").values(state="received"))
    held = int(result.rowcount)
    record(events.RESUMED, integration.ref, by=by, also=also(integration), name=integration.name, held=held)
    wake(DRAIN)
    return held


def replay(delivery: Delivery, *, by: Actor) -> Delivery:
    """Work on a stored delivery once more. Two at once: the second is a conflict."""
    allow(by, "integration.edit", team_id=delivery.integration.team_id)
    fresh = locked(Delivery, delivery.id)
    if fresh is None or fresh.state in ("received", "duplicate"):
        raise Conflict("This delivery is waiting already" if fresh and fresh.state == "received" else
                       "A repeat can't be replayed; replay its original")
    fresh.state, fresh.next_at, fresh.attempts, fresh.replayed_by = "received", clock.now(), 0, by.ref
    record(events.REPLAYED, fresh.integration.ref, by=by, also=also(fresh.integration),
           name=fresh.integration.name, delivery=str(fresh.id))
    wake(DRAIN)
    return fresh


def remove_integration(integration: Integration, *, by: Actor) -> None:
    """Delete it; one with history is kept paused instead, since its deliveries stay readable."""
    allow(by, "integration.edit", team_id=integration.team_id)
    history = session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == integration.id))
    if history:
        raise Conflict(f"{integration.name} has {history} deliveries. Pause it, or renew its token, instead")
    before = queries.integration_document(integration)
    session.delete(integration)
    session.flush()
    record(events.DELETED, integration.ref, by=by, also=also(integration), name=integration.name, before=before)
