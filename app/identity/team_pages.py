"""What the pages about teams show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound, Problem
from app.core.panels import panels
from app.identity import rules
from app.identity.models import Membership, Team, User
from app.identity.pages import Errors, Form, errors_of
from app.identity.queries import allow, may, team_by_key, team_document, visible_teams


@dataclass(frozen=True)
class TeamsPage:
    """The teams that the reader may know of."""

    teams: list[Team]
    archived: bool
    may_create: bool


def teams_page(by: Actor, *, archived: bool = False) -> TeamsPage:
    """The list in the order of names."""
    allow(by, "team.read")
    wanted = (select(Team).where(Team.archived_at.is_not(None) if archived else Team.archived_at.is_(None))
              .order_by(Team.name).options(selectinload(Team.memberships).joinedload(Membership.user)))
    seen = visible_teams(by)
    if seen is not None:
        wanted = wanted.where(Team.id.in_(seen))
    return TeamsPage(list(session.scalars(wanted)), archived, may(by, "team.create"))


@dataclass(frozen=True)
class Question:
    """A change that is asked back: what it means, and the role that confirms it."""

    text: str
    user_id: int
    role: str


@dataclass(frozen=True)
class TeamPage:
    """One team: its members, and what other domains add."""

    team: Team
    members: list[Membership]
    others: list[tuple[int, str]]
    roles: list[tuple[str, str]]
    health: list[tuple[str, str]]
    may_edit: bool
    may_archive: bool
    reader: int | None
    problem: str = ""
    question: Question | None = None
    panels: Mapping[str, Any] = field(default_factory=dict)


def team_of(key: str, by: Actor) -> Team:
    """The team with this key, if the actor may know of it. Raises NotFound."""
    team = team_by_key(key)
    if team is None:
        raise NotFound
    allow(by, "team.read", team_id=team.id)
    return team


def team_page(team: Team, by: Actor, *, problem: str = "", question: Question | None = None) -> TeamPage:
    """The page of one team."""
    members = sorted(team.memberships, key=lambda member: (rules.TEAM_ROLES.index(member.role), member.user.name))
    may_edit = may(by, "team.edit", team_id=team.id)
    mine = {member.user_id for member in members}
    others = session.execute(select(User.id, User.name, User.email).where(User.state == "active", User.id.not_in(mine))
                             .order_by(User.name)) if may_edit else ()
    return TeamPage(
        team, members, [(key, f"{name}, {email}") for key, name, email in others],
        [(role, role.capitalize()) for role in rules.TEAM_ROLES], health_of(team), may_edit,
        may(by, "team.create"), by.user_id, problem, question, panels("team", team))


def health_of(team: Team) -> list[tuple[str, str]]:
    """What is wrong with the team, each with what it means; nothing of one that is archived."""
    if team.archived_at is not None:
        return []
    roles = [member.role for member in team.memberships if member.user.is_active]
    own = rules.team_faults(managers=roles.count("manager"), responders=len(roles) - roles.count("observer"))
    return own + [fault for part in panels("team_health", team).values() for fault in part]


@dataclass(frozen=True)
class TeamForm:
    """The form of a new team (`team` None) or of one that is changed."""

    team: Team | None
    form: Form
    seen: str
    errors: Errors
    problem: str = ""


def team_form(team: Team | None, *, form: Form | None = None, problems: Iterable[Problem] = (),
              problem: str = "") -> TeamForm:
    """The form with the team's present values, or with what was typed."""
    document = team_document(team) if team else {}
    shown = form or {**document, "tags": ", ".join(document.get("tags", ()))}
    return TeamForm(team, shown, rules.version_of(document) if team else "", errors_of(problems), problem)
