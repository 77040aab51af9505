"""Commands on alerts: one problem of one sender, counted while it fires. Called by ingest inside its transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal_column, select
from sqlalchemy.orm.attributes import set_committed_value

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.incidents import events, room, rules, service
from app.incidents.models import Alert, Incident

BODY, LABELS = 65_536, 64


@dataclass(frozen=True)
class Report:
    """One firing signal in our words: severity is known, lengths are within the limits."""

    integration_id: int
    dedup_key: str
    severity: str
    title: str
    body: str = ""
    url: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seen: datetime = field(default_factory=clock.now)
    happened_at: datetime | None = None


def open_alerts(integration_id: int, keys: list[str]) -> dict[str, Alert]:
    """The firing alerts of these dedup keys, by key, locked for the rest of the transaction.

    Their incidents are locked first and in order, as every command does: so nobody waits for each other in a circle.
    """
    firing = (Alert.integration_id == integration_id, Alert.status == literal_column("'firing'"), Alert.dedup_key.in_(keys))
    theirs = select(Incident).where(Incident.id.in_(select(Alert.incident_id).where(*firing))).order_by(Incident.id)
    query = select(Alert).where(*firing).order_by(Alert.id)
    incidents = {one.id: one for one in session.scalars(_fresh(theirs))}
    found = session.scalars(_fresh(query)).all()
    for alert in found:
        if alert.incident_id in incidents:
            set_committed_value(alert, "incident", incidents[alert.incident_id])
    return {alert.dedup_key: alert for alert in found}


def _fresh(query: Select[Any]) -> Select[Any]:
    return query.with_for_update().execution_options(populate_existing=True)


def former_of(report: Report) -> int | None:
    """The incident that this problem last belonged to, when it comes back."""
    return session.scalar(select(Alert.incident_id).where(
        Alert.integration_id == report.integration_id, Alert.dedup_key == report.dedup_key,
        Alert.status == "resolved", Alert.incident_id.is_not(None)).order_by(Alert.id.desc()).limit(1))


def open_alert(report: Report, incident: Incident, *, by: Actor) -> Alert:
    """A new firing alert of `incident`."""
    alert = keep_alert(report, incident.service_id)
    attach(alert, incident, by=by)
    return alert


def keep_alert(report: Report, service_id: int | None) -> Alert:
    """A new firing alert that belongs to no incident (yet): it is stored, counted and found, and pages nobody."""
    alert = Alert(integration_id=report.integration_id, dedup_key=report.dedup_key, severity=report.severity,
                  title=report.title, body=report.body, url=report.url, labels=report.labels,
                  notes=list(report.notes), first_seen=report.seen, last_seen=report.seen, event_at=report.happened_at,
                  service_id=service_id)
    session.add(alert)
    session.flush()
    return alert


def attach(alert: Alert, incident: Incident, *, by: Actor) -> None:
    """The alert belongs to this incident from now on; the second and later ones are told."""
    alert.incident, alert.service_id = incident, incident.service_id
    incident.alert_count += 1
    session.flush()
    if incident.alert_count > 1:
        record(events.ALERT_JOINED, incident.ref, by=by, also=["incidents"], title=alert.title, alert=alert.id,
               severity=alert.severity)
        raise_severity(incident, alert.severity, by=by)


def count_again(alert: Alert, report: Report, *, by: Actor) -> None:
    """The same problem again: newest body, labels and link, one more in the count; a worse severity is told."""
    alert.count += 1
    alert.last_seen = max(alert.last_seen, report.seen)
    alert.title, alert.body, alert.url = report.title, report.body, report.url
    alert.labels, alert.severity = report.labels, report.severity
    alert.event_at = report.happened_at or alert.event_at
    if alert.incident is not None:
        raise_severity(alert.incident, report.severity, by=by)


def raise_severity(incident: Incident, severity: str, *, by: Actor) -> None:
    """A worse severity raises the incident; a milder one changes nothing."""
    if not rules.is_raise(incident.severity, severity):
        return
    room.raise_to(service.lock(incident.id), severity, by=by)


def close_alert(alert: Alert, *, by: Actor, seen: datetime) -> str:
    """The sender says it is over; the incident ends with its last alert. Returns a note for the delivery log."""
    alert.status, alert.resolved_at, alert.last_seen = "resolved", clock.now(), max(alert.last_seen, seen)
    session.flush()
    incident = service.lock(alert.incident_id) if alert.incident_id else None
    if incident is None or incident.status == rules.RESOLVED:
        return "alert resolved"
    still = session.scalar(select(Alert.id).where(Alert.incident_id == incident.id, Alert.status == "firing").limit(1))
    if still is not None:
        return "alert resolved; others of the incident still fire"
    service.resolve(incident, by=by)
    return "incident resolved"

