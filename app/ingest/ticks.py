"""What ingest does because deliveries wait, or because time passed."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import undefer

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import AWAY, session, transaction
from app.core.events import record
from app.core.limited import Hangs, LeftAlone, is_left_alone
from app.core.metrics import FAULTS, worked_on
from app.ingest import busy, events, pipeline, queries, route_store, rules, selftest
from app.ingest.models import UNPROCESSED, Delivery, Integration, RefusedRequest
from app.ingest.saving import also

log = structlog.get_logger()
BATCH, HANDFUL = 200, 20
LOOKS = 60  # seconds after which a look at the inbox ends
LASTS = 0.05  # seconds after which a batch is closed: SQLite has one writer, and other senders wait for their turn


def drain() -> int:
    """Work through the inbox, integration by integration in turn, each in order of arrival.

    It ends long before the limit of a job; what is left is taken up by the clock a second later.
    """
    done, until = 0, time.monotonic() + LOOKS
    while time.monotonic() < until and (worked := sum(_batch(one) for one in _waiting())):
        done += worked
    return done


def _waiting() -> list[int]:
    try:
        return queries.with_inbox()
    finally:
        session.rollback()


def _batch(integration_id: int) -> int:
    """One batch in one transaction; when it fails, each delivery in its own, so that a bad one blocks nobody."""
    try:
        with transaction():
            batch = _claimed(integration_id)
            if batch is None or is_left_alone(batch.integration.plugin):
                return 0
            if selftest.is_its(batch.integration):
                return selftest.work(_received(integration_id), batch)
            worked = _work(batch)
            _tell(batch, worked)
            return worked
    except Exception:
        log.exception("drain.batch_failed", integration_id=integration_id)
        session.remove()
        return _one_by_one(integration_id)


def _work(batch: pipeline.Batch) -> int:
    """A handful at a time, so that a sender of new problems or large bodies holds up nobody for long."""
    worked, until = 0, time.perf_counter() + LASTS
    while worked < BATCH and (left := until - time.perf_counter()) > 0:
        waiting = _received(batch.integration.id)
        worked += (done := pipeline.work(waiting, batch, within=left))
        worked_on(one.state for one in waiting[:done])
        if done == len(waiting) < HANDFUL:
            break
    return worked


def _claimed(integration_id: int) -> pipeline.Batch | None:
    """The integration's row is the queue's lock: one drainer each, new deliveries are not held up by it."""
    integration = session.scalar(select(Integration).where(Integration.id == integration_id).with_for_update(
        skip_locked=True, key_share=True, of=Integration))
    return None if integration is None else pipeline.begin(integration)


def inbox(integration_id: int, limit: int) -> Select[tuple[Delivery]]:
    """The oldest deliveries of this integration that are to be worked on now, with their bodies."""
    return select(Delivery).where(
        Delivery.integration_id == integration_id, UNPROCESSED, Delivery.next_at <= clock.now()).order_by(
        Delivery.id).limit(limit).options(undefer(Delivery.body))


def _received(integration_id: int) -> list[Delivery]:
    return list(session.scalars(inbox(integration_id, HANDFUL)))


def _tell(batch: pipeline.Batch, number: int) -> None:
    integration = batch.integration
    if batch.matched:
        route_store.count(batch.matched, batch.suppressed)
    if number:
        integration.last_seen_at = clock.now()
        busy.weigh(integration)
        session.flush()
        record(events.PROCESSED, integration.ref, by=SYSTEM, also=also(integration), name=integration.name, number=number)


def _one_by_one(integration_id: int) -> int:
    worked = 0
    keys = [delivery.id for delivery in _received(integration_id)]
    session.rollback()
    for key in keys:
        try:
            with transaction():
                worked += _alone(integration_id, key)
        except LeftAlone as fault:
            session.remove()
            _note(key, str(fault))
            break  # this and all after it wait as they are, so that none overtakes another
        except Exception as fault:
            log.exception("delivery.failed", delivery_id=key)
            session.remove()
            worked += _postpone(key, fault)
    return worked


def _alone(integration_id: int, key: int) -> int:
    """One delivery, if it still waits."""
    batch = _claimed(integration_id)
    delivery = session.get(Delivery, key, populate_existing=True)
    if batch is None or delivery is None or delivery.state != "received":
        return 0
    if selftest.is_its(batch.integration):
        return selftest.work([delivery], batch)
    pipeline.process(delivery, batch)
    worked_on([delivery.state])
    _tell(batch, 1)
    return 1


def _note(key: int, reason: str) -> None:
    with transaction():
        session.get_one(Delivery, key).note = reason[:300]


def _postpone(key: int, fault: Exception) -> int:
    """A fault of ours or of a plugin: tried five times, then `failed` and visible. A database that is full or just away is
    no fault of the delivery, which is tried for a day."""
    away = isinstance(fault, AWAY)
    with transaction():
        delivery = session.get_one(Delivery, key)
        delivery.attempts += 1
        gone = delivery.attempts >= (rules.ATTEMPTS_OF_A_DAY if away else rules.ATTEMPTS)
        delivery.state = "failed" if gone else "received"
        delivery.next_at = clock.now() + timedelta(seconds=rules.wait_after(delivery.attempts))
        if not away:
            FAULTS.labels(delivery.integration.plugin).inc()
        said = "The database could not take it: " if away else f"A fault of ours: {type(fault).__name__}: "
        delivery.note = ("" if isinstance(fault, Hangs) else said) + str(fault)[:300]
    return 1


def trim_refused() -> int:
    """The last 100 refused requests of an integration are kept."""
    removed = 0
    with transaction():
        for integration_id in session.scalars(select(RefusedRequest.integration_id).distinct()).all():
            keep = select(RefusedRequest.id).where(RefusedRequest.integration_id == integration_id).order_by(
                RefusedRequest.id.desc()).limit(100)
            result = session.execute(delete(RefusedRequest).where(
                RefusedRequest.integration_id == integration_id, RefusedRequest.id.not_in(keep)))
            removed += int(result.rowcount)
    return removed
