"""New workflows from the library or from a text, and copies: all begin switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.access import Actor
from app.core.errors import Invalid, Problem
from app.identity.queries import team_named
from app.workflows import checks, documents, drafts, queries, service
from app.workflows.models import Workflow

EMPTY: dict[str, Any] = {"trigger": {"event": "manual"}, "timeout": "15m", "nodes": [], "edges": []}


@dataclass(frozen=True)
class Begun:
    """A new workflow, and what is still to be done in words."""

    workflow: Workflow
    said: str


def begin(values: Mapping[str, Any], *, by: Actor) -> Begun:
    """Add a workflow, switched off. Where its graph names what is not there yet, it waits as a draft for being filled in;
    where it is no graph, Invalid says at `text` why."""
    wanted = documents.normal(values) if values.get("trigger") else EMPTY
    team = team_named(values.get("team"), by)
    faults = checks.faults(wanted, queries.known_for(team.id if team else None))
    if broken := [str(fault) for fault in faults if checks.is_structural(fault)]:
        raise Invalid(problems=[Problem("text", "; ".join(broken[:6]))])
    about = {name: values.get(name) for name in ("key", "name", "description", "category", "team")}
    whole = EMPTY if faults else wanted
    made = service.add_workflow({**about, **whole, "enabled": False}, by=by)
    if not faults:
        return Begun(made, f"{made.name} is there, switched off")
    drafts.keep(made, wanted, by=by)
    return Begun(made, f"Still to fill in: {'; '.join(str(fault) for fault in faults[:6])}")


def copied(workflow: Workflow, *, by: Actor) -> Workflow:
    """A copy under the next free key, switched off."""
    base = workflow.key[:55]
    key = next(name for number in range(2, 1000) if queries.workflow_by_key(name := f"{base}-{number}") is None)
    return service.duplicate(workflow, key, f"{workflow.name[:90]} (copy)", by=by)


def single(said: Any) -> dict[str, Any]:
    """The one workflow of an imported text. Raises Invalid."""
    listed = said.get("workflows") if isinstance(said, Mapping) and "workflows" in said else [said]
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], Mapping):
        raise Invalid("The text holds no single workflow")
    return dict(listed[0])
