"""How long deliveries are kept: raw bodies and headers for a month, their rows for a quarter. Alerts lose nothing by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from app.core.db import session
from app.core.retention import Kept
from app.ingest.models import Delivery

WAITING = ("received", "held")  # what nobody has worked on is kept whatever its age
FULL = func.length(Delivery.body) > 0


def _full(before: datetime) -> Select[Any]:
    return _worked_on(before).where(FULL)


def _worked_on(before: datetime) -> Select[Any]:
    return select(Delivery.id).where(Delivery.received_at < before, Delivery.state.not_in(WAITING)).order_by(Delivery.id)


def _empty(ids: Sequence[int]) -> None:
    session.execute(update(Delivery).where(Delivery.id.in_(ids), Delivery.state.not_in(WAITING)).values(
        body=b"", headers={}))


def _remove(ids: Sequence[int]) -> None:
    session.execute(update(Delivery).where(Delivery.duplicate_of.in_(ids)).values(duplicate_of=None))
    session.execute(delete(Delivery).where(Delivery.id.in_(ids), Delivery.state.not_in(WAITING)))


BODIES = Kept("delivery_bodies", "Raw bodies and headers of deliveries", "What was read of them stays with their alerts.",
              "DELIVERY_BODY_DAYS", select(Delivery.id).where(FULL), _full, _empty)
ROWS = Kept("deliveries", "Deliveries", "Alerts stay as long as their incidents, and what nobody has worked on stays.",
            "DELIVERY_DAYS", select(Delivery.id), _worked_on, _remove)
