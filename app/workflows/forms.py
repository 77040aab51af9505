"""The forms of a new workflow and of a dry run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Failure, Invalid, Problem
from app.identity.models import Team
from app.identity.queries import may
from app.incidents.models import Incident
from app.incidents.queries import incident_for, visible
from app.workflows import exchange, rehearsal
from app.workflows.library import TEMPLATES, Template
from app.workflows.models import Workflow
from app.workflows.rehearsal import Rehearsal

MOST_TEXT = 512 * 1024


@dataclass(frozen=True)
class NewForm:
    """A new workflow: `template` from the library, `importing` from a text."""

    template: Template | None
    importing: bool
    values: Mapping[str, Any]
    teams: list[tuple[str, str]]
    may_be_everybodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)


def shown(by: Actor, typed: Mapping[str, str], invalid: Invalid | None = None) -> NewForm:
    """The form with what was typed."""
    every = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    teams = [(team.key, team.name) for team in every if may(by, "workflow.edit", team_id=team.id)]
    template = TEMPLATES.get(typed.get("template", ""))
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field, problem.message)
    if invalid is not None and not errors:
        errors["text"] = invalid.detail
    values = {"name": template.name, "key": template.slug, **typed} if template else typed
    return NewForm(template, "import" in typed, values, teams, may(by, "workflow.edit"), errors)


def read(form: Mapping[str, str]) -> dict[str, Any]:
    """The values of a new workflow. Raises Invalid for a text that can't be read."""
    template = TEMPLATES.get(form.get("template", ""))
    values: dict[str, Any] = dict(template.definition) if template else {}
    if template:
        values |= {"description": template.description, "category": template.category}
    if form.get("text", "").strip():
        values = exchange.single(_parsed(form["text"]))
    for name in ("name", "key", "team"):
        if form.get(name, "").strip() or name == "team":
            values[name] = form.get(name, "").strip()
    return values


def _parsed(text: str) -> Any:
    if len(text) > MOST_TEXT:
        raise Invalid(problems=[Problem("text", "The text is longer than 512 KiB")])
    try:
        return json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        raise Invalid(problems=[Problem("text", "This is neither JSON nor YAML")]) from None


@dataclass(frozen=True)
class RehearsalPage:
    """A dry run, and the incidents for which it can be made."""

    workflow: Workflow
    incident: Incident | None
    incidents: list[Incident]
    found: Rehearsal
    error: str = ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The incidents as a form offers them."""
        return [(str(one.id), f"#{one.id} {one.title[:60]}") for one in self.incidents]


def rehearsed(workflow: Workflow, by: Actor, args: Mapping[str, str]) -> RehearsalPage:
    """The dry run for `incident`, or for a made-up one."""
    incident, error = None, ""
    if number := args.get("incident", "").strip().removeprefix("#"):
        try:
            incident = incident_for(number, by)
        except Failure:
            error = f"There is no incident {number}"
    query = visible(select(Incident), by).order_by(Incident.id.desc()).limit(20)
    if workflow.team_id is not None:
        query = query.where(Incident.team_id == workflow.team_id)
    return RehearsalPage(workflow, incident, list(session.scalars(query)), rehearsal.rehearse(workflow, incident), error)
