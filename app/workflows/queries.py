"""Reads on workflows: one by key, those that somebody may see, their documents, versions and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from app.connections import queries as connections
from app.connections.models import Connection
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team
from app.identity.queries import allow, may, may_anywhere, may_see, team_by_key, visible_teams
from app.incidents.models import Incident
from app.runbooks.models import Secret
from app.runbooks.queries import in_scope, runbook_by_key
from app.workflows.checks import Known
from app.workflows.declared import VERBS
from app.workflows.models import Workflow, WorkflowRun, WorkflowStep, WorkflowVersion


def workflow_by_key(key: str) -> Workflow | None:
    """The workflow of this key, archived ones too."""
    return session.scalar(select(Workflow).where(Workflow.key == key.lower()))


def workflow_for(key: str, by: Actor, action: str = "workflow.read") -> Workflow:
    """One by key, if the person may do `action` with it. Raises NotFound or Forbidden."""
    found = workflow_by_key(key)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def may_run(workflow: Workflow, by: Actor, incident: Incident | None = None) -> bool:
    """Whether `by` may run or cancel it: a team's for its responders, a global one for those of the incident's team."""
    team_id = workflow.team_id or (incident.team_id if incident is not None else None)
    return may(by, "workflow.run", team_id=team_id) or (team_id is None and may_anywhere(by, "workflow.run"))


def visible(by: Actor) -> Select[Any]:
    """The workflows in use that this person may know of, by name."""
    teams, query = visible_teams(by), select(Workflow).options(joinedload(Workflow.team)).where(
        Workflow.archived_at.is_(None)).order_by(func.lower(Workflow.name), Workflow.id)
    return query if teams is None else query.where(Workflow.team_id.in_(teams) | Workflow.team_id.is_(None))


def filtered(by: Actor, filters: Mapping[str, str]) -> Select[Any]:
    """The visible ones by scope (a team's key or `global`), state (on, off, archived) and category."""
    teams, query = visible_teams(by), select(Workflow).options(joinedload(Workflow.team)).order_by(
        func.lower(Workflow.name), Workflow.id)
    if teams is not None:
        query = query.where(Workflow.team_id.in_(teams) | Workflow.team_id.is_(None))
    archived = filters.get("state") == "archived"
    query = query.where(Workflow.archived_at.is_not(None) if archived else Workflow.archived_at.is_(None))
    if filters.get("state") in ("on", "off"):
        query = query.where(Workflow.enabled == (filters["state"] == "on"))
    if filters.get("category"):
        query = query.where(Workflow.category == filters["category"])
    if filters.get("scope") == "global":
        return query.where(Workflow.team_id.is_(None))
    if filters.get("scope"):
        query = query.where(Workflow.team_id.in_(select(Team.id).where(Team.key == filters["scope"])))
    return query


def team_for(key: str, by: Actor) -> Team:
    """The team, if the person may change it. Raises NotFound or Forbidden."""
    found = team_by_key(key)
    if found is None:
        raise NotFound
    allow(by, "team.edit", team_id=found.id)
    return found


def version_of(workflow: Workflow, number: int | None = None) -> WorkflowVersion:
    """A version by number, or the present one. Raises NotFound."""
    found = session.scalar(select(WorkflowVersion).where(
        WorkflowVersion.workflow_id == workflow.id, WorkflowVersion.number == (number or workflow.number)))
    if found is None:
        raise NotFound(f"{workflow.name} has no version {number}")
    return found


def workflow_document(workflow: Workflow) -> dict[str, Any]:
    """The workflow as the configuration document writes it."""
    return workflow_documents([workflow])[0]


def workflow_documents(workflows: Sequence[Workflow]) -> list[dict[str, Any]]:
    """The same of many, whose present graphs are read at once."""
    graphs = {key: definition for key, definition in session.execute(
        select(Workflow.id, WorkflowVersion.definition).join(WorkflowVersion, (WorkflowVersion.workflow_id == Workflow.id)
                                                             & (WorkflowVersion.number == Workflow.number))
        .where(Workflow.id.in_([one.id for one in workflows])))}
    return [_document(one, graphs.get(one.id, {"trigger": {}, "nodes": [], "edges": []})) for one in workflows]


def _document(workflow: Workflow, definition: dict[str, Any]) -> dict[str, Any]:
    return {"key": workflow.key, "name": workflow.name, "description": workflow.description, "category": workflow.category,
            "team": workflow.team.key if workflow.team else None, "enabled": workflow.enabled,
            "timeout": definition.get("timeout", "15m"), "trigger": definition["trigger"], "nodes": definition["nodes"],
            "edges": definition["edges"]}


def known_for(team_id: int | None) -> Known:
    """What a graph of this team (None: a global one) may name."""
    plugins = connections.actions()
    rows = session.scalars(select(Connection).where(Connection.team_id.is_(None) | (Connection.team_id == team_id)))
    secrets = session.scalars(select(Secret.name).where(Secret.team_id.is_(None) | (Secret.team_id == team_id)))
    verbs = {slug: verb.params for slug, verb in VERBS.items()}
    return Known({**verbs, **{slug: one.params for slug, one in plugins.items()}}, frozenset(plugins),
                 {row.key: row.action for row in rows}, frozenset(secrets), lambda key: _runbook_fault(key, team_id))


def _runbook_fault(key: str, team_id: int | None) -> str:
    """Why a workflow of this team can't run the runbook; "" when it can."""
    found = runbook_by_key(key)
    if found is None or not in_scope(found, team_id):
        return f"There is no runbook {key} that this workflow may run"
    return "" if found.state == "approved" else f"The runbook {key} is not approved"


def run_for(key: int | str, by: Actor, action: str = "workflow.read") -> WorkflowRun:
    """A run, if the person may do `action` with its workflow and see its incident. Raises NotFound or Forbidden."""
    digits = str(key)
    found = session.get(WorkflowRun, int(digits)) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else None
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.workflow.team_id)
    team = found.incident.team_id if found.incident else None
    if team is not None and not may_see(by, team):
        raise NotFound
    return found


def runs_of(workflow: Workflow) -> Select[Any]:
    """Its runs, newest first."""
    return select(WorkflowRun).where(WorkflowRun.workflow_id == workflow.id).order_by(WorkflowRun.id.desc())


def seen_runs(query: Select[Any], by: Actor) -> Select[Any]:
    """Without the runs for incidents of teams that are private to others."""
    teams = visible_teams(by)
    if teams is None:
        return query
    hidden = select(Incident.id).where(Incident.team_id.not_in(teams))
    return query.where(WorkflowRun.incident_id.is_(None) | WorkflowRun.incident_id.not_in(hidden))


def run_document(run: WorkflowRun) -> dict[str, Any]:
    """A run as machines get it."""
    return {"id": str(run.id), "workflow": run.workflow.key, "version": run.version.number,
            "incident": str(run.incident_id) if run.incident_id else None, "state": run.state, "reason": run.reason,
            "error": run.error, "failed_step": run.failed_step or None, "started_at": clock.rfc3339(run.started_at),
            "ended_at": clock.rfc3339(run.ended_at), "chain": [str(one["run"]) for one in run.chain],
            "steps": [step_document(step) for step in run.steps]}


def step_document(step: WorkflowStep) -> dict[str, Any]:
    """A step as machines get it."""
    took = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else None
    return {"id": step.node, "kind": step.kind, "state": step.state, "attempts": step.attempts, "taken": list(step.taken),
            "started_at": clock.rfc3339(step.started_at), "ended_at": clock.rfc3339(step.ended_at), "seconds": took,
            "next_at": clock.rfc3339(step.next_at) if step.state == "waiting" else None, "output": dict(step.output),
            "request": dict(step.request), "response": dict(step.response), "warnings": list(step.warnings),
            "error": step.error}


def present() -> list[tuple[Workflow, dict[str, Any]]]:
    """The workflows in use with their present graphs."""
    rows = session.execute(select(Workflow, WorkflowVersion.definition).join(WorkflowVersion, (
        WorkflowVersion.workflow_id == Workflow.id) & (WorkflowVersion.number == Workflow.number)).where(
        Workflow.archived_at.is_(None)).order_by(Workflow.key))
    return [(workflow, definition) for workflow, definition in rows]
