"""The form of a policy: what stands in it, what can be chosen, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.matching import DAYS
from app.escalation import drafts
from app.escalation.documents import policy_document
from app.escalation.models import Policy
from app.identity.models import Team, User
from app.identity.queries import may, visible_teams
from app.incidents.rules import SEVERITIES
from app.notifications.queries import room_keys, rooms_in_use
from app.oncall.models import Schedule
from app.webhooks import queries as webhooks

Choices = list[tuple[str, str]]
ICONS = {"schedule": "calendar", "user": "user", "team": "users", "users": "refresh", "turn-team": "refresh",
         "turn-schedule": "refresh", "next-schedule": "calendar", "room": "chat", "webhook": "webhook"}


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
    zone: str = "UTC"
    severities: tuple[str, ...] = SEVERITIES
    weekdays: tuple[str, ...] = DAYS
    icons: Mapping[str, str] = field(default_factory=lambda: ICONS)

    def of_level(self, at: int) -> list[str]:
        """What is wrong with the targets of a level."""
        return [message for path, message in self.errors.items() if path.startswith(f"levels[{at}].targets")]

    def of_condition(self, at: int) -> list[str]:
        """What is wrong with when a level counts."""
        return [message for path, message in self.errors.items() if path.startswith(f"levels[{at}].when")]


def shown(policy: Policy | None, by: Actor, *, draft: drafts.Draft | None = None, invalid: Invalid | None = None,
          problem: str = "") -> PolicyForm:
    """The form with the present levels, or as it was left."""
    errors: dict[str, str] = {}
    for one in invalid.problems if invalid else ():
        errors.setdefault(one.field, one.message)
    if draft is None:
        draft = drafts.of_document(policy_document(policy)) if policy else drafts.Draft()
    targets = _targets(by)
    person = session.get(User, by.user_id) if by.user_id else None
    return PolicyForm(
        policy=policy, draft=draft, version=policy.version if policy else 0, teams=_teams(by),
        may_be_nobodys=may(by, "policy.edit"), targets=targets,
        names=_names(targets, draft), errors=errors, problem=problem, zone=person.time_zone if person else "UTC")


def _names(targets: dict[str, Choices], draft: drafts.Draft) -> dict[str, str]:
    """What each choice is called, lists of people who take turns among them."""
    names = {key: name for group in targets.values() for key, name in group}
    lists = [target for level in draft.levels for target in level.targets if target.startswith("users:")]
    return names | {one: "In turn: " + ", ".join(names.get(f"user:{email}", email) for email in one[6:].split(","))
                    for one in lists}


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
    rooms = [one for one in rooms_in_use() if seen is None or one.team_id in seen]
    plans = list(session.scalars(schedules.where(Schedule.archived_at.is_(None))))
    groups = list(session.scalars(teams.where(Team.archived_at.is_(None))))
    keys = room_keys([one.id for one in rooms])
    return {"Schedules": [(f"schedule:{one.key}", one.name) for one in plans],
            "People": [(f"user:{one.email}", one.name) for one in people],
            "Teams": [(f"team:{one.key}", f"Team {one.name}") for one in groups],
            "One of them, in turn": [*((f"turn-team:{one.key}", f"One of team {one.name}, in turn") for one in groups),
                                     *((f"turn-schedule:{one.key}", f"One on duty in {one.name}, in turn")
                                       for one in plans)],
            "After the next hand-off": [(f"next-schedule:{one.key}", f"Next on duty in {one.name}") for one in plans],
            "Rooms, which page nobody": [(f"room:{keys[one.id]}", f"Room {one.name or keys[one.id]}") for one in rooms],
            "Webhooks, which page nobody": [(f"webhook:{one.key}", f"Webhook {one.name}")
                                            for one in session.scalars(webhooks.visible(by))]}
