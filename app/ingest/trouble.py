"""Deliveries that can't be read: five in ten minutes are an incident of the owning team, twenty good ones its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.isolation import each
from app.escalation import service as escalation
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.ingest.models import BAD_STATES, Delivery, Integration

MANY, SPAN, ENOUGH = 5, timedelta(minutes=10), 20


def weigh() -> int:
    """Tick: open what has to be looked at, and resolve what is well again."""
    return each([*_failing(), *_watched()], _looked_at)


def _looked_at(number: int) -> int:
    integration = locked(Integration, number)
    return _weigh(integration) if integration is not None and integration.removed_at is None else 0


def _failing() -> list[int]:
    """Integrations with many bad deliveries of late that nobody looks at yet."""
    try:
        bad = select(Delivery.integration_id).where(
            Delivery.state.in_(BAD_STATES), Delivery.received_at >= clock.now() - SPAN).group_by(
            Delivery.integration_id).having(func.count() >= MANY)
        return list(session.scalars(select(Integration.id).where(
            Integration.trouble_id.is_(None), Integration.removed_at.is_(None), Integration.id.in_(bad))))
    finally:
        session.rollback()


def _watched() -> list[int]:
    try:
        return list(session.scalars(select(Integration.id).where(Integration.trouble_id.is_not(None))))
    finally:
        session.rollback()


def _weigh(integration: Integration) -> int:
    if integration.trouble_id is None:
        since = max(clock.now() - SPAN, integration.trouble_over_at or clock.now() - SPAN)
        return _open(integration) if _bad(integration, since) >= MANY else 0
    incident = incidents.lock(integration.trouble_id)
    if incident.status != "resolved" and _good(integration, incident.opened_at) >= ENOUGH:
        incidents.resolve(incident, by=SYSTEM, note=f"The next {ENOUGH} deliveries could be read")
    if incident.status == "resolved":
        integration.trouble_id, integration.trouble_over_at = None, clock.now()
        return 1
    return 0


def _bad(integration: Integration, since: datetime) -> int:
    return session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state.in_(BAD_STATES), Delivery.received_at > since)) or 0


def _good(integration: Integration, since: datetime) -> int:
    good = select(Delivery.id).where(Delivery.integration_id == integration.id, Delivery.state == "processed",
                                     Delivery.received_at > since).limit(ENOUGH).subquery()
    return session.scalar(select(func.count()).select_from(good)) or 0


def _open(integration: Integration) -> int:
    last = session.scalar(select(Delivery.note).where(
        Delivery.integration_id == integration.id, Delivery.state.in_(BAD_STATES)).order_by(Delivery.id.desc()).limit(1))
    integration.trouble_id = open_for(
        integration, step="trouble", title=f"Deliveries of {integration.name} can't be read",
        description=f"{MANY} or more within {SPAN.seconds // 60} minutes. The last one: {last or 'no reason was noted'}").id
    return 1


def open_for(integration: Integration, *, step: str, title: str, description: str) -> Incident:
    """An incident of the team about the integration itself, which is paged."""
    incident: Incident = incidents.open_incident(incidents.Opening(
        title=title, severity="high", team=integration.team, description=description,
        route={"step": step, "reason": f"{integration.name} belongs to this team", "integration": integration.key},
    ), by=Actor(integration.ref, f"integration {integration.name}", via="integration"))
    escalation.start(incident)
    return incident
