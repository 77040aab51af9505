"""The page on which a workflow is built: picture and outline of the draft, and the form of one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.connections.models import Connection
from app.connections.queries import actions
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.fields import Field
from app.runbooks.queries import approved_for
from app.workflows import checks, drafts, queries, words
from app.workflows.checks import Fault
from app.workflows.conditions import OPERATORS
from app.workflows.context import FIELDS
from app.workflows.declared import VERBS
from app.workflows.documents import graph_of
from app.workflows.models import Workflow
from app.workflows.node_forms import ConditionForm, condition_form, shown
from app.workflows.pages import names
from app.workflows.picture import Picture, draw
from app.workflows.rules import OUTPUTS, TRIGGER

SPLIT_ABOVE = 20


@dataclass(frozen=True)
class OutlineRow:
    """A step in the outline: its number, and its outputs as (key, label, targets)."""

    number: int
    id: str
    kind: str
    title: str
    detail: str
    drawing: str
    depth: int
    outs: list[tuple[str, str, list[str]]]
    faults: int


@dataclass(frozen=True)
class ParamField:
    """A param of an action as its form shows it."""

    field: Field
    value: str


@dataclass(frozen=True)
class NodeForm:
    """The form of the chosen step."""

    node: Mapping[str, Any]
    title: str
    params: list[ParamField] = field(default_factory=list)
    condition: ConditionForm | None = None
    connections: list[tuple[str, str]] | None = None
    calls: bool = False
    runbooks: list[tuple[str, str]] = field(default_factory=list)
    outs: list[tuple[str, str]] = field(default_factory=list)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)
    targets: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class BuildPage:
    """The draft, or the present version where nothing was edited yet."""

    workflow: Workflow
    definition: Mapping[str, Any]
    picture: Picture
    outline: list[OutlineRow]
    trigger: str
    chosen: NodeForm | None
    adding: str
    kinds: list[tuple[str, str, str]]
    faults: list[Fault]
    changed: bool
    undoable: bool
    too_large: bool
    stale: int | None
    zoom: int = 100
    operators: Mapping[str, str] = field(default_factory=lambda: OPERATORS)
    fields: Sequence[tuple[str, str]] = FIELDS
    errors: Mapping[str, str] = field(default_factory=dict)


def build_page(key: str, by: Actor, args: Mapping[str, str], errors: Mapping[str, str] | None = None) -> BuildPage:
    """The builder; `step` names the chosen step, `add` the output behind which one is to be added. Raises NotFound."""
    workflow = queries.workflow_for(key, by, "workflow.edit")
    draft = drafts.draft_of(workflow, by)
    definition = draft.definition if draft else queries.version_of(workflow).definition
    found, called = checks.faults(definition, queries.known_for(workflow.team_id)), names()
    chosen = args.get("step", "")
    zoom = args.get("zoom", "")
    return BuildPage(
        workflow, definition, draw(definition, called, states={fault.node: "to mend" for fault in found}),
        _outline(definition, called, found),
        words.trigger(definition["trigger"]), _chosen(definition, chosen, called, workflow.team_id) if chosen else None,
        args.get("add", ""), _kinds(called), found, draft is not None, bool(draft and draft.undo),
        len(definition["nodes"]) > SPLIT_ABOVE, workflow.number if draft and draft.number != workflow.number else None,
        int(zoom) if zoom in ("50", "75", "100", "125") else 100, errors=errors or {})


def _outline(definition: Mapping[str, Any], called: Mapping[str, str], faults: Sequence[Fault]) -> list[OutlineRow]:
    graph = graph_of(definition)
    nodes = {node["id"]: node for node in definition["nodes"]}
    rows, depth = [], graph.levels()
    for number, node in enumerate(graph.in_order(), 2):
        outs = [(f"{node}.{out}", words.OUTS[out], [edge.target for edge in graph.out_of[node] if edge.out == out])
                for out in OUTPUTS.get(graph.nodes[node], ())]
        one = nodes[node]
        rows.append(OutlineRow(number, node, str(one["kind"]), words.title(one, called), words.detail(one),
                               words.drawing(one), min(depth[node], 4), outs, sum(fault.node == node for fault in faults)))
    return rows


def _kinds(called: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What can be added: (value, label, drawing)."""
    plain = [("condition", "Condition: go one way or the other", "filter"), ("delay", "Delay: wait for a while", "clock"),
             ("runbook", "Run an approved runbook", "runbook")]
    return plain + [(f"action:{slug}", name, words.DRAWINGS.get(slug, "chat")) for slug, name in called.items()]


def params_of(action: str) -> Sequence[Field]:
    """What an action asks for."""
    return VERBS[action].params if action in VERBS else actions()[action].params if action in actions() else ()


def _chosen(definition: Mapping[str, Any], chosen: str, called: Mapping[str, str], team_id: int | None) -> NodeForm:
    others = [(node["id"], words.title(node, called)) for node in definition["nodes"] if node["id"] != chosen]
    leading = [(f"{edge['from']}.{edge.get('out', 'next')}", words.OUTS.get(edge.get("out", "next"), ""), edge["to"])
               for edge in definition["edges"] if edge["from"] == chosen]
    if chosen == TRIGGER:
        trigger = definition["trigger"]
        shown_trigger = {"id": TRIGGER, "kind": TRIGGER, **trigger}
        return NodeForm(shown_trigger, "Trigger", outs=[(TRIGGER, "here")],
                        condition=condition_form(trigger.get("when")), arrows=leading, targets=others)
    node = next((one for one in definition["nodes"] if one["id"] == chosen), None)
    if node is None:
        raise NotFound(f"There is no step {chosen}")
    said = node.get("with") or {}
    action = str(node.get("action"))
    return NodeForm(
        node, words.title(node, called),
        [ParamField(one, shown(said.get(one.name, one.default), one.kind)) for one in params_of(action)],
        condition_form(node.get("when")) if node["kind"] == "condition" else None, _connections(action, team_id),
        action not in VERBS or not VERBS[action].here, _runbooks(team_id),
        [(f"{chosen}.{out}", words.OUTS[out] or "then") for out in OUTPUTS.get(node["kind"], ())], leading, others)


def _runbooks(team_id: int | None) -> list[tuple[str, str]]:
    """The approved runbooks that a workflow of this team may run."""
    return [(one.key, one.name) for one in session.scalars(approved_for(team_id))]


def _connections(action: str, team_id: int | None) -> list[tuple[str, str]] | None:
    """The connections that this action may use; None for one that needs none."""
    if action not in actions():
        return None
    rows = session.scalars(select(Connection).where(Connection.action == action, Connection.team_id.is_(None) | (
        Connection.team_id == team_id)).order_by(Connection.name))
    return [(row.key, row.name) for row in rows]
