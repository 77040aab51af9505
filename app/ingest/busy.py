"""A genuine sender of very many signals is never refused: it is marked as busy, and its team is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import record
from app.ingest import events
from app.ingest.models import BUSY_AT, Delivery, Integration
from app.ingest.saving import also

MINUTE, TOLD_EVERY = timedelta(seconds=60), timedelta(hours=1)


def weigh(integration: Integration) -> None:
    """Mark it for a minute when more than 1,000 of its deliveries were taken within one; once an hour this is a fact.
    The integration must be locked."""
    now = clock.now()
    if integration.busy_until is not None and integration.busy_until > now + MINUTE / 2:
        return
    last = select(Delivery.received_at, Delivery.state).where(Delivery.integration_id == integration.id).order_by(
        Delivery.id.desc()).limit(BUSY_AT * 2).subquery()
    edge = session.scalar(select(last.c.received_at).where(last.c.state != "rejected").offset(BUSY_AT).limit(1))
    if edge is None or edge <= now - MINUTE:
        return
    integration.busy_until = now + MINUTE
    if integration.busy_told_at is None or integration.busy_told_at <= now - TOLD_EVERY:
        integration.busy_told_at = now
        record(events.BUSY, integration.ref, by=SYSTEM, also=also(integration), name=integration.name, limit=BUSY_AT)
