"""What ingest does because deliveries wait, or because time passed."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import undefer

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session, transaction
from app.core.events import record
from app.core.isolation import each
from app.core.limited import REST, Hangs, LeftAlone
from app.core.metrics import FAULTS, worked_on
from app.incidents import alerts
from app.incidents import service as incidents
from app.incidents.models import Alert, Incident
from app.ingest import busy, credentials, events, noise, pipeline, queries, route_store, rules, selftest
from app.ingest.models import UNPROCESSED, Delivery, Integration, RefusedRequest
from app.ingest.saving import also

log = structlog.get_logger()
BATCH, HANDFUL = 200, 20
LOOKS = 60  # seconds after which a look at the inbox ends
LASTS = 0.05  # seconds after which a batch is closed: SQLite has one writer, and other senders wait for their turn
TEST_LASTS = timedelta(minutes=5)
RESOLVE_AFTER = "resolve_after"  # the field by which a plugin asks for it, in hours; 0: never


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
            if batch is None:
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


def _postpone(key: int, fault: Exception) -> int:
    """A fault of ours or of a plugin: tried five times, then `failed` and visible; it is never lost. What was not tried at
    all, since its plugin hung with others, waits."""
    waits = isinstance(fault, LeftAlone)
    with transaction():
        delivery = session.get_one(Delivery, key)
        delivery.attempts += 0 if waits else 1
        gone = delivery.attempts >= rules.ATTEMPTS
        delivery.state = "failed" if gone else "received"
        delivery.next_at = clock.now() + timedelta(seconds=REST if waits else rules.wait_after(delivery.attempts))
        FAULTS.labels(delivery.integration.plugin).inc(0 if waits else 1)
        ours = "" if isinstance(fault, Hangs) else f"A fault of ours: {type(fault).__name__}: "
        delivery.note = ours + str(fault)[:300]
    return 1


def end_tests() -> int:
    """A test incident resolves by itself after 5 minutes."""
    query = select(Incident).where(Incident.test, Incident.status != "resolved",
                                   Incident.opened_at < clock.now() - TEST_LASTS).limit(50)
    with transaction():
        over = list(session.scalars(query))
        for incident in over:
            incidents.resolve(incident, by=SYSTEM, note="The test is over")
    return len(over)


def end_silent() -> int:
    """Alerts of senders that never say it is over resolve a set time after they were last heard of (SRC-08)."""
    done = 0
    plugins = current_app.extensions["plugins"].integrations
    for slug in [slug for slug, plugin in plugins.items() if any(one.name == RESOLVE_AFTER for one in plugin.fields)]:
        with transaction():
            for found in session.scalars(select(Integration).where(Integration.plugin == slug)).all():
                done += _end_silent(found, credentials.config_of(found, plugins[slug]).get(RESOLVE_AFTER) or 0)
    return done


def _end_silent(integration: Integration, hours: float) -> int:
    """Under the integration's lock, so that no delivery counts on an alert that ends."""
    since = clock.now() - timedelta(hours=hours)
    silent = select(Alert).where(Alert.integration_id == integration.id, Alert.status == "firing", Alert.last_seen < since)
    if not hours or session.scalar(silent.limit(1)) is None:
        return 0
    locked(Integration, integration.id)
    over = session.scalars(silent.limit(BATCH).execution_options(populate_existing=True)).all()
    actor = Actor(integration.ref, f"integration {integration.name}", via="integration")
    for alert in over:
        alerts.close_alert(alert, by=actor, seen=alert.last_seen)
    return len(over)


def end_recovered() -> int:
    """What recovered ends when its service's delay is over, unless it fired again."""
    return each(_recovered(), _end_recovered)


def _end_recovered(number: int) -> int:
    sender = session.scalar(select(Alert.integration_id).where(Alert.id == number))
    found = locked(Integration, sender) if sender is not None else None  # so that no delivery counts on an alert that ends
    alert = session.get(Alert, number, populate_existing=True)
    if found is None or alert is None or alert.status != "firing" or not noise.is_over(alert):
        return 0
    alerts.close_alert(alert, by=Actor(found.ref, f"integration {found.name}", via="integration"), seen=alert.last_seen)
    return 1


def _recovered() -> list[int]:
    waiting = select(Alert).join(Incident).where(
        Alert.status == "firing", Alert.recovered_at.is_not(None), Incident.flapping_until.is_(None))
    try:
        return [one.id for one in session.scalars(waiting) if noise.is_over(one)]
    finally:
        session.rollback()


def calm_down() -> int:
    """What flapped and is quiet, and storms: looked at when their time has come."""
    flapping = Incident.flapping_until <= clock.now()
    raging = Incident.storm_until.is_not(None)
    return each(_open_numbers(flapping | raging), _calm_down)


def _calm_down(number: int) -> int:
    incident = incidents.lock(number)
    if incident.flapping_until is not None and incident.flapping_until <= clock.now():
        noise.calm_down(incident)
    if incident.storm_until is not None and incident.status != "resolved":
        noise.weigh_storm(incident)
    return 1


def _open_numbers(which: ColumnElement[bool]) -> list[int]:
    try:
        return list(session.scalars(select(Incident.id).where(which, Incident.status != "resolved").limit(50)))
    finally:
        session.rollback()


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
