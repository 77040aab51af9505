"""A dry run: conditions for real, every request rendered with masked secrets, delays skipped; nothing sent or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core import templating
from app.core.errors import Failure
from app.incidents.models import Incident
from app.workflows import conditions, context, queries, requests, rules
from app.workflows.declared import VERBS
from app.workflows.documents import graph_of, node_of
from app.workflows.models import Workflow
from app.workflows.requests import Wish


@dataclass
class Rehearsed:
    """One step as it would go: what it would send or do, or why it could not."""

    node: str
    kind: str
    outcome: str
    request: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass
class Rehearsal:
    """What would happen: whether the trigger's condition holds, and the steps in their order."""

    triggered: bool
    steps: list[Rehearsed] = field(default_factory=list)

    @property
    def path(self) -> list[str]:
        """The nodes that would run."""
        return [step.node for step in self.steps if step.outcome != "skipped"]


def rehearse(workflow: Workflow, incident: Incident | None) -> Rehearsal:
    """Go through the graph for an incident, or for a made-up one. Actions count as done; what they would give is empty."""
    whole = queries.version_of(workflow).definition
    event = {"kind": "rehearsal", "actor": "OnCall", "at": None, "from": None, "to": None}
    values = context.values(workflow, incident, event) if incident else context.sample_values(workflow)
    found = Rehearsal(conditions.holds(whole["trigger"].get("when"), values))
    graph, stands = graph_of(whole), {node["id"]: rules.Stand("pending") for node in whole["nodes"]}
    while True:
        moves = rules.progress(graph, stands)
        if not moves.start and not moves.skip:
            return found
        for node in moves.skip:
            stands[node] = rules.Stand("skipped")
            found.steps.append(Rehearsed(node, graph.nodes[node], "skipped"))
        for node in moves.start:
            step, taken = _step(workflow, node_of(whole, node), values)
            found.steps.append(step)
            stands[node] = rules.Stand("failed" if step.error else "succeeded", taken)
            values["steps"][node] = {"status": stands[node].state, "output": {}}


def _step(workflow: Workflow, node: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Rehearsed, frozenset[str]]:
    kind = str(node["kind"])
    if kind == "condition":
        verdict = conditions.holds(node["when"], values)
        return Rehearsed(node["id"], kind, "yes" if verdict else "no"), rules.taken(kind, "succeeded", verdict)
    if kind == "delay":
        return Rehearsed(node["id"], kind, f"waits {node['for']}, skipped here"), rules.taken(kind, "succeeded")
    try:
        step = _rendered(Wish(node, values, workflow.team_id, "oncall-dry-run", rehearsal=True))
    except (ValueError, Failure) as fault:
        step = Rehearsed(node["id"], kind, "can't be rendered", error=str(fault))
    return step, rules.taken(kind, "failed" if step.error else "succeeded")


def _rendered(wish: Wish) -> Rehearsed:
    node = wish.node
    if node["kind"] == "runbook":
        given = templating.render(node.get("parameters") or {}, wish.context)
        return Rehearsed(node["id"], "runbook", "would run", {"runbook": node["runbook"], "parameters": given.value},
                         given.warnings)
    verb = VERBS.get(str(node["action"]))
    if verb is not None and verb.here:
        said, warnings = requests.given(wish, {})
        return Rehearsed(node["id"], node["kind"], f"would do: {verb.name}", {"action": verb.slug, "with": said}, warnings)
    prepared = requests.prepare(wish)
    return Rehearsed(node["id"], node["kind"], "would call", prepared.shown, prepared.warnings)


def document(found: Rehearsal) -> dict[str, Any]:
    """The same for machines."""
    return {"dry_run": True, "triggered": found.triggered, "path": found.path, "steps": [
        {"id": step.node, "kind": step.kind, "outcome": step.outcome, "request": step.request,
         "warnings": list(step.warnings), "error": step.error} for step in found.steps]}
