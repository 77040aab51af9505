"""Which services nobody would hear of: what an apply warns about."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog.models import Service
from app.catalog.queries import visible
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.escalation import queries, targets


def unreachable(by: Actor) -> list[str]:
    """A sentence for each active service that `by` may see and whose policy reaches nobody right now."""
    active = select(Service).where(Service.lifecycle != "archived").options(joinedload(Service.team)).order_by(Service.key)
    services = session.scalars(visible(active, by))
    silent = {policy: not _anybody(levels) for policy, levels in _policies().items()}
    return [f"service {service.key}: its policy reaches nobody right now" for service in services
            if silent.get(_policy_of(service), False)]


def _policies() -> dict[int | None, list[dict[str, object]]]:
    found: dict[int | None, list[dict[str, object]]] = {None: queries.catch_all().levels}
    for policy in session.scalars(select(queries.Policy)):
        found[policy.id] = policy.levels
    return found


def _policy_of(service: Service) -> int | None:
    policy = queries.policy_for(service, service.team)
    return policy.id if policy else None


def _anybody(levels: list[dict[str, object]]) -> bool:
    now = clock.now()
    return any(targets.resolve(level["targets"], now).people for level in levels)  # type: ignore[arg-type]
