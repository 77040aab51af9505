"""The form of a policy: what stands in it, what can be chosen, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.escalation import drafts
from app.escalation.models import Policy
from app.escalation.queries import policy_document
from app.identity.models import Team, User
from app.identity.queries import may, visible_teams
from app.oncall.models import Schedule

Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class PolicyForm:
    """The editor. `targets` are grouped by what they are; `names` say what each chosen one is called."""

    policy: Policy | None
    draft: drafts.Draft
    version: int
    teams: Choices
    may_be_nobodys: bool
    targets: dict[str, Choices]
    names: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def of_level(self, at: int) -> list[str]:
        """What is wrong with the targets of a level."""
        return [message for path, message in self.errors.items() if path.startswith(f"levels[{at}].targets")]


def shown(policy: Policy | None, by: Actor, *, draft: drafts.Draft | None = None, invalid: Invalid | None = None,
          problem: str = "") -> PolicyForm:
    """The form with the present levels, or as it was left."""
    errors: dict[str, str] = {}
    for one in invalid.problems if invalid else ():
        errors.setdefault(one.field, one.message)
    if draft is None:
        draft = drafts.of_document(policy_document(policy)) if policy else drafts.Draft()
    targets = _targets(by)
    return PolicyForm(
        policy=policy, draft=draft, version=policy.version if policy else 0, teams=_teams(by),
        may_be_nobodys=may(by, "policy.edit"), targets=targets,
        names={key: name for group in targets.values() for key, name in group}, errors=errors, problem=problem)


def _teams(by: Actor) -> Choices:
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [(team.key, team.name) for team in teams if may(by, "policy.edit", team_id=team.id)]


def _targets(by: Actor) -> dict[str, Choices]:
    """Whom a level may name: a target may lie in another team, but not in one that the person may not know of."""
    schedules, teams = select(Schedule).order_by(Schedule.name), select(Team).order_by(Team.name)
    seen = visible_teams(by)
    if seen is not None:
        schedules, teams = schedules.where(Schedule.team_id.in_(seen)), teams.where(Team.id.in_(seen))
    people = session.scalars(select(User).where(User.state == "active").order_by(User.name, User.id))
    return {"Schedules": [(f"schedule:{one.key}", one.name) for one in session.scalars(schedules)],
            "People": [(f"user:{one.email}", one.name) for one in people],
            "Teams": [(f"team:{one.key}", f"Team {one.name}") for one in session.scalars(
                teams.where(Team.archived_at.is_(None)))]}
