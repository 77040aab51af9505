"""What senders ask about their own deliveries and alerts. Reads only, and only what came by the same integration."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.db import session
from app.incidents.models import Alert
from app.ingest.models import Delivery, Integration
from app.plugin_api import AlertView, Told, Wanted


def told(wanted: Wanted, integration: Integration) -> Told | None:
    """The answer to what a sender asks; None when there is no such delivery or alert of this integration."""
    if wanted.delivery:
        return _of_delivery(_number(wanted.delivery), integration)
    mine = select(Alert).where(Alert.integration_id == integration.id).order_by(Alert.id.desc()).limit(1)
    alert = session.scalar(mine.where(Alert.id == _number(wanted.alert)) if wanted.alert else
                           mine.where(Alert.dedup_key == wanted.key))
    return Told(alert=_view(alert)) if alert is not None else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _of_delivery(number: int, integration: Integration) -> Told | None:
    delivery = session.get(Delivery, number)
    if delivery is None or delivery.integration_id != integration.id:
        return None
    key: Any = next((row["alert"] for row in delivery.results if row["alert"]), None)
    alert = session.get(Alert, key) if key else None
    return Told(delivery.state, delivery.note, delivery.processed_at, _view(alert) if alert else None)


def _view(alert: Alert) -> AlertView:
    incident = alert.incident
    return AlertView(
        id=str(alert.id), key=alert.dedup_key, title=alert.title, body=alert.body, status=alert.status,
        severity=alert.severity, count=alert.count, first_seen=alert.first_seen, last_seen=alert.last_seen,
        labels=dict(alert.labels), incident=str(alert.incident_id or ""),
        acknowledged=incident is not None and incident.acknowledged_at is not None,
        snoozed_until=incident.snoozed_until if incident is not None else None)
