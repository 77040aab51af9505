"""What ends because time passed: tests, alerts whose sender never says so, delays of recovery, flapping and storms."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session, transaction
from app.core.isolation import each
from app.incidents import alerts
from app.incidents import service as incidents
from app.incidents.models import Alert, Incident
from app.ingest import credentials, noise
from app.ingest.models import Integration

BATCH = 200
TEST_LASTS = timedelta(minutes=5)
RESOLVE_AFTER = "resolve_after"  # the field by which a plugin asks for it, in hours; 0: never


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
