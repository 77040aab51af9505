"""Whom nobody would hear of: services that an apply warns about, and what no apply may bring about."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog.models import Service
from app.catalog.queries import visible
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.escalation import queries, targets
from app.escalation.rules import CATCH_ALL
from app.identity.models import Membership, Team, User


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


def forsaken() -> dict[tuple[str, str], str]:
    """What no apply may bring about, by kind and key of whom to blame: a private team without anybody who sees its
    incidents, and a last resort that reaches nobody."""
    there = select(Membership.team_id).join(User, User.id == Membership.user_id).where(User.state != "deactivated")
    lonely = session.scalars(select(Team).where(Team.private, Team.archived_at.is_(None), Team.id.not_in(there)))
    found = {("teams", team.key): f"The private team {team.key} would have no members: nobody could see its incidents"
             for team in lonely}
    if not _anybody(queries.catch_all().levels):
        found["escalation_policies", CATCH_ALL] = f"The policy {CATCH_ALL}, the last resort, would reach nobody right now"
    return found
