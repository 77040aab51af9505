"""The end of alerts that were made the way before their integration was set to make them another way."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.isolation import each
from app.incidents import alerts
from app.incidents.models import Alert
from app.ingest import regrouping
from app.ingest.models import Integration

SILENT, BATCH = timedelta(hours=24), 200


def end() -> int:
    """Tick: what is to be resolved is, and what was left once nothing was heard of it for a day; when none is there any
    more, the way before is forgotten."""
    return each(_regrouped(), _looked_at)


def _looked_at(number: int) -> int:
    integration = locked(Integration, number)  # so that no delivery counts on an alert that ends
    return _end(integration) if integration is not None and integration.regrouped_at is not None else 0


def _regrouped() -> list[int]:
    try:
        return list(session.scalars(select(Integration.id).where(Integration.regrouped_at.is_not(None))))
    finally:
        session.rollback()


def _end(integration: Integration) -> int:
    over = [regrouping.before(integration)]
    if integration.former_config:
        over.append(Alert.last_seen < clock.now() - SILENT)
    found = session.scalars(select(Alert).where(*over).order_by(Alert.incident_id, Alert.id).limit(BATCH)
                            .execution_options(populate_existing=True)).all()
    actor = Actor(integration.ref, f"integration {integration.name}", via="integration")
    for alert in found:
        alerts.close_alert(alert, by=actor, seen=alert.last_seen)
    session.flush()
    if session.scalar(select(Alert.id).where(regrouping.before(integration)).limit(1)) is None:
        integration.former_config, integration.regrouped_at = {}, None
    return len(found)
