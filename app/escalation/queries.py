"""Reads on policies and runs: which policy counts, and which run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.panels import Use
from app.escalation import rules
from app.escalation.models import Policy, Run, TeamPolicy
from app.identity.models import Team
from app.identity.queries import known_of


@dataclass(frozen=True)
class Frozen:
    """A policy as a run keeps it."""

    name: str
    levels: list[dict[str, Any]]
    repeat: int
    policy_id: int | None = None
    version: int = 1
    catch_all: bool = False
    repeat_from: int = 0


def policy_by_key(key: str) -> Policy | None:
    """The policy of this key."""
    return session.scalar(select(Policy).where(Policy.key == key))


def policy_of_team(team: Team | None) -> Policy | None:
    """The team's default policy."""
    if team is None:
        return None
    return session.scalar(select(Policy).join(TeamPolicy, TeamPolicy.policy_id == Policy.id)
                          .where(TeamPolicy.team_id == team.id))


def default_policies(team_ids: Iterable[int]) -> dict[int, str]:
    """The keys of these teams' default policies, by the team's id."""
    return {team: key for team, key in session.execute(select(TeamPolicy.team_id, Policy.key).join(
        Policy, TeamPolicy.policy_id == Policy.id).where(TeamPolicy.team_id.in_(list(team_ids))))}


def policy_for(service: Service | None, team: Team | None) -> Policy | None:
    """The service's policy if it has a level, else the team's default if it has one (ESC-16)."""
    own = session.get(Policy, service.policy_id) if service and service.policy_id else None
    return _with_levels(own) or _with_levels(policy_of_team(team))


def policies_of(services: Sequence[Service]) -> dict[int, Policy | None]:
    """The same for each of these services, by its id; two queries, however many there are."""
    named = {one.policy_id for one in services if one.policy_id}
    own = {one.id: one for one in session.scalars(select(Policy).where(Policy.id.in_(named)))}
    default = dict(session.execute(select(TeamPolicy.team_id, Policy).join(Policy, TeamPolicy.policy_id == Policy.id).where(
        TeamPolicy.team_id.in_({one.team_id for one in services}))).all())
    return {one.id: _with_levels(own.get(one.policy_id or 0)) or _with_levels(default.get(one.team_id)) for one in services}


def _with_levels(policy: Policy | None) -> Policy | None:
    return policy if policy is not None and policy.levels else None


def frozen(policy: Policy) -> Frozen:
    """The policy as it is now."""
    return Frozen(policy.name, [dict(level) for level in policy.levels], policy.repeat, policy.id, policy.version,
                  policy.key == rules.CATCH_ALL, policy.repeat_from)


def catch_all() -> Frozen:
    """The policy called `catch-all` if it has a level, else all platform admins, every 5 minutes, once more."""
    policy = policy_by_key(rules.CATCH_ALL)
    if policy is not None and policy.levels:
        return frozen(policy)
    return admins()


def admins() -> Frozen:
    """The last resort: every platform admin."""
    return Frozen("all platform admins", [{"timeout": 300, "targets": [{"admins": True}]}], 1, catch_all=True)


def running(incident_id: int) -> Run | None:
    """The running escalation of an incident."""
    return session.scalar(select(Run).where(Run.incident_id == incident_id, Run.state == "running"))


def latest(incident_id: int) -> Run | None:
    """The escalation that ran last."""
    return session.scalar(select(Run).where(Run.incident_id == incident_id).order_by(Run.id.desc()).limit(1))


def services_of(policy: Policy) -> list[Service]:
    """The services that name the policy themselves, by name."""
    return list(session.scalars(select(Service).where(Service.policy_id == policy.id).order_by(Service.name)))


def users_of(policy: Policy, by: Actor) -> list[str]:
    """Who uses the policy, so that nobody deletes it by mistake: services and teams by name, and how many others there are
    of which the actor may not know."""
    return users_of_all([policy], by)[policy.id]


def users_of_all(policies: Sequence[Policy], by: Actor) -> dict[int, list[str]]:
    """The same of many, by the policy's id."""
    found: dict[int, list[Use]] = {one.id: [] for one in policies}
    services = select(Service.policy_id, Service.name, Service.team_id).where(Service.policy_id.in_(found)).order_by(
        Service.id)
    teams = select(TeamPolicy.policy_id, Team.name, Team.id).join(Team, TeamPolicy.team_id == Team.id).where(
        TeamPolicy.policy_id.in_(found)).order_by(Team.id)
    for what, query in (("service", services), ("team", teams)):
        for key, name, team_id in session.execute(query):
            found[key].append(Use(f"{what} {name}", team_id=team_id))
    return {key: [use.name for use in some] for key, some in known_of(found, by).items()}


def health(_subject: None = None) -> dict[str, float]:
    """How many escalations run."""
    return {"running_escalations": session.scalar(select(func.count()).select_from(Run).where(
        Run.state == "running")) or 0}
