"""What is told when an integration begins to fail, falls quiet, or is well again: once for each change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import locked, session
from app.core.events import record
from app.core.isolation import each
from app.incidents import service as incidents
from app.ingest import events, health, trouble, wellbeing
from app.ingest.models import BAD_STATES, Delivery, Integration, RefusedRequest
from app.ingest.saving import also
from app.ingest.wellbeing import Counts

TOLD = {"failing": "failing", "quiet": "quiet", "ok": "", "busy": ""}  # what is told of, and as what it is remembered


def look() -> int:
    """Tick: tell what changed since it was last told."""
    return each(_changed(), _looked_at)


def _looked_at(number: int) -> int:
    integration = locked(Integration, number)
    return _weigh(integration) if integration is not None and integration.removed_at is None else 0


def _changed() -> list[int]:
    """Integrations that are otherwise than was last told."""
    try:
        bad = _bad()
        watched = or_(Integration.told_health != "", Integration.expected_every.is_not(None), Integration.id.in_(bad))
        found = session.scalars(select(Integration).where(Integration.removed_at.is_(None), watched))
        return [one.id for one in found if _differs(one, bad.get(one.id, Bad()))]
    finally:
        session.rollback()


@dataclass(frozen=True)
class Bad:
    """What was not taken in 24 h: stored, refused, and both of the last 10 minutes."""

    stored: int = 0
    refused: int = 0
    lately: int = 0


def _bad() -> dict[int, Bad]:
    """By integration, where it may be too much."""
    stored = _counted(select(Delivery.integration_id, func.count(), _late(Delivery.received_at)).where(
        Delivery.state.in_(BAD_STATES), Delivery.received_at >= clock.now() - health.DAY).group_by(Delivery.integration_id))
    refused = _counted(select(RefusedRequest.integration_id, func.count(), _late(RefusedRequest.at)).where(
        RefusedRequest.at >= clock.now() - health.DAY).group_by(RefusedRequest.integration_id))
    found = {}
    for key in {*stored, *refused}:
        (number, lately), (turned, late) = stored.get(key, (0, 0)), refused.get(key, (0, 0))
        if number + turned >= wellbeing.BAD:
            found[key] = Bad(number, turned, lately + late)
    return found


def _late(at: Any) -> Any:
    return func.count().filter(at >= clock.now() - health.SOON)


def _counted(query: Select[Any]) -> dict[int, tuple[int, int]]:
    return {key: (number, lately) for key, number, lately in session.execute(query)}


def _differs(integration: Integration, bad: Bad) -> bool:
    last = integration.last_seen_at
    if wellbeing.is_quiet(last, integration.expected_every, clock.now()) or last is None:
        last = health.last_of(integration)  # what is held, or could not be read, came too
    counts = Counts(_enough(integration, bad), bad.stored, bad.refused, bad.lately)
    told = TOLD.get(health.word_of(integration, counts, last))
    return told is not None and told != integration.told_health


def _enough(integration: Integration, bad: Bad) -> int:
    """As many deliveries of 24 h as decide whether so many bad ones are more than one in twenty: never a count of all."""
    needed = (bad.stored + bad.refused) * wellbeing.SHARE - bad.refused
    if needed <= 0:
        return 0
    edge = session.scalar(select(Delivery.received_at).where(Delivery.integration_id == integration.id)
                          .order_by(Delivery.id.desc()).offset(needed - 1).limit(1))
    return needed if edge is not None and edge >= clock.now() - health.DAY else bad.stored


def _weigh(integration: Integration) -> int:
    now, former = health.health_of(integration), integration.told_health
    told = TOLD.get(now.word)
    if told is None or told == former:
        return 0
    integration.told_health, integration.told_at = told, clock.now()
    reason = now.reason or ("what came is taken again" if former == "failing" else "a delivery came")
    record(events.HEALTH_CHANGED, integration.ref, by=SYSTEM, also=also(integration), name=integration.name,
           before=former or "ok", after=told or "ok", reason=reason)
    _care(integration, told, reason)
    return 1


def _care(integration: Integration, told: str, reason: str) -> None:
    """The incident of silence, where one is wanted; it ends with the next delivery."""
    if told == "quiet" and integration.quiet_incident and integration.quiet_id is None:
        integration.quiet_id = trouble.open_for(
            integration, step="quiet", title=f"Nothing comes from {integration.name}",
            description=f"{reason[:1].upper()}{reason[1:]}. Look whether it still runs, and whether it reaches us.").id
    elif told != "quiet" and integration.quiet_id is not None:
        incident = incidents.lock(integration.quiet_id)
        integration.quiet_id = None
        if incident.status != "resolved":
            incidents.resolve(incident, by=SYSTEM, note=f"{integration.name} sends again")
