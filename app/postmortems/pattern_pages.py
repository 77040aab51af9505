"""What the pages of templates, of a team's habits and of the figures show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team
from app.identity.queries import allow, may, team_by_key, visible_teams
from app.postmortems import patterns, queries, rules
from app.postmortems.metrics import Metrics, metrics
from app.postmortems.models import Habits, PostmortemTemplate

AUTOMATIC = [("off", "None by itself"), ("critical", "Critical ones"), ("high", "Critical and high ones")]
REVIEW = [("required", "Somebody else approves it first"), ("optional", "A manager may publish without a review")]
SPARE = 1


@dataclass(frozen=True)
class TemplatesPage:
    """All templates that the reader may see, and the teams whose habits they set."""

    templates: list[PostmortemTemplate]
    editable: frozenset[int]
    teams: list[Team]
    may_add: bool


def templates_page(by: Actor) -> TemplatesPage:
    """The list."""
    found, teams = patterns.templates(by), managed(by)
    editable = frozenset(one.id for one in found if may(by, "postmortem.manage", team_id=one.team_id))
    return TemplatesPage(found, editable, teams, bool(teams) or may(by, "postmortem.manage"))


def managed(by: Actor) -> list[Team]:
    """The teams whose postmortems this person manages."""
    found = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [one for one in found if may(by, "postmortem.manage", team_id=one.id)]


@dataclass(frozen=True)
class TemplatePage:
    """The form of a template: its sections, and room for one more."""

    template: PostmortemTemplate | None
    name: str
    sections: list[dict[str, str]]
    teams: list[tuple[str, str]]
    team: str
    may_be_everybodys: bool
    variables: Mapping[str, str] = field(default_factory=lambda: rules.VARIABLES)
    faults: Mapping[str, str] = field(default_factory=dict)


def template_page(template: PostmortemTemplate | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
                  faults: Mapping[str, str] | None = None) -> TemplatePage:
    """As it is, as it was typed, or the built-in sections to begin with."""
    shown = typed or ({"name": template.name, "sections": template.sections} if template else
                      {"name": "", "sections": rules.default_sections()})
    return TemplatePage(
        template, shown["name"], [*shown["sections"], *({"heading": "", "guide": "", "body": ""} for _ in range(SPARE))],
        [(one.key, one.name) for one in managed(by)], shown.get("team", ""), may(by, "postmortem.manage"),
        faults=faults or {})


@dataclass(frozen=True)
class HabitsPage:
    """How a team writes postmortems."""

    team: Team
    habits: Habits
    templates: list[tuple[str, str]]
    automatic: list[tuple[str, str]] = field(default_factory=lambda: AUTOMATIC)
    review: list[tuple[str, str]] = field(default_factory=lambda: REVIEW)
    faults: Mapping[str, str] = field(default_factory=dict)


def team_for(key: str, by: Actor, action: str) -> Team:
    """The team, if this person may do `action` there. Raises NotFound or Forbidden."""
    found = team_by_key(key)
    if found is None or found.archived_at is not None:
        raise NotFound
    allow(by, action, team_id=found.id)
    return found


def habits_page(key: str, by: Actor, *, faults: Mapping[str, str] | None = None) -> HabitsPage:
    """The form."""
    team = team_for(key, by, "postmortem.manage")
    return HabitsPage(team, queries.habits_of(team.id), [
        (one.key, one.name if one.team_id else f"{one.name} (everybody’s)") for one in patterns.templates(by, team.id)],
        faults=faults or {})


@dataclass(frozen=True)
class MetricsPage:
    """The figures, and what they are of."""

    metrics: Metrics
    arguments: dict[str, str]
    teams: list[tuple[str, str]]
    highest: int


def metrics_page(by: Actor, args: Mapping[str, str]) -> MetricsPage:
    """The figures of the period and team that the address names."""
    found = metrics(by, args)
    teams, some = visible_teams(by), select(Team).order_by(Team.name).limit(200)
    if teams is not None:
        some = some.where(Team.id.in_(teams))
    return MetricsPage(found, {"team": args.get("team", ""), "from": found.start.isoformat(), "to": found.end.isoformat()},
                       [(one.key, one.name) for one in session.scalars(some)],
                       max([one["incidents"] for one in found.months], default=1))
