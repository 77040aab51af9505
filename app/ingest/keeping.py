"""How long deliveries are kept: raw bodies and headers for a month, their rows for a quarter. Alerts lose nothing by it."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, func, select, update

from app.core import clock
from app.core.db import session, transaction
from app.ingest.models import Delivery

CHUNK, MOST = 500, 20
WAITING = ("received", "held")  # what nobody has worked on is kept whatever its age


def forget() -> int:
    """Tick: empty bodies and remove rows that are old enough, some at a time, so that nobody waits for it."""
    done = 0
    for days, act in (("DELIVERY_BODY_DAYS", _empty), ("DELIVERY_DAYS", _remove)):
        since = clock.now() - timedelta(days=int(current_app.config[days]))
        for _ in range(MOST):
            with transaction():
                number = act(since)
            done += number
            if number < CHUNK:
                break
    return done


def _empty(since: object) -> int:
    old = select(Delivery.id).where(Delivery.received_at < since, Delivery.state.not_in(WAITING),
                                    func.length(Delivery.body) > 0).order_by(Delivery.id).limit(CHUNK)
    keys = list(session.scalars(old))
    session.execute(update(Delivery).where(Delivery.id.in_(keys), Delivery.state.not_in(WAITING))
                    .values(body=b"", headers={}))
    return len(keys)


def _remove(since: object) -> int:
    old = select(Delivery.id).where(Delivery.received_at < since, Delivery.state.not_in(WAITING)).order_by(
        Delivery.id).limit(CHUNK)
    keys = list(session.scalars(old))
    session.execute(update(Delivery).where(Delivery.duplicate_of.in_(keys)).values(duplicate_of=None))
    session.execute(delete(Delivery).where(Delivery.id.in_(keys), Delivery.state.not_in(WAITING)))
    return len(keys)
