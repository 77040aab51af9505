"""What webhooks do because time passed: send what is due, free what a dead process held, forget what is old."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Select, delete, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.lanes import Lane, drained, looked
from app.core.retention import Kept
from app.webhooks import queries, sending
from app.webhooks.models import WebhookDelivery

AT_ONCE = 8


def send() -> int:
    """Make the calls that are due, several at a time; pages have workers and threads of their own."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not looked(queries.due, 1):
        return 0
    with ThreadPoolExecutor(AT_ONCE, "webhook") as pool:
        return drained(Lane(app, pool, AT_ONCE * 2, queries.due, work=sending.hand_over, failed=sending.postpone))


def release() -> int:
    """Deliveries whose process died during the call are made again: the receiver knows them by their id."""
    with transaction():
        result = session.execute(update(WebhookDelivery).where(
            WebhookDelivery.state == "sending", WebhookDelivery.lease_until < clock.now()).values(
            state="queued", lease_until=None, next_at=clock.now()))
    return int(result.rowcount)


def _ended(before: datetime) -> Select[Any]:
    return select(WebhookDelivery.id).where(WebhookDelivery.created_at < before,
                                            WebhookDelivery.state.in_(("sent", "failed", "cancelled")))


def _remove(ids: Sequence[int]) -> None:
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(ids)))


DELIVERIES = Kept("webhook_calls", "Calls of webhooks", "What still has to be sent stays.", 30, select(WebhookDelivery.id),
                  _ended, _remove)
