"""What is wrong with a graph: one entry for each fault, naming the node. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import templating
from app.core.fields import Field
from app.workflows import conditions
from app.workflows.declared import VERBS
from app.workflows.documents import ANY, OWN
from app.workflows.rules import ATTEMPT, DELAY, FAR, OUTPUTS, TIMEOUT, TRIGGER, Edge, Graph
from app.workflows.trigger_checks import ROOTS, STATES, Fault, span_fault, trigger_faults

NODES, EDGES = 100, 200
ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
STRUCTURE = re.compile(r"trigger(\.event|\.when.*)?|nodes(\[\d+\](\.(id|kind|at|when.*))?)?|edges\[\d+\]")
OPEN, CLOSED = ROOTS | {templating.SECRET}, ROOTS


@dataclass(frozen=True)
class Known:
    """What a graph may name: actions with their params, connections (key → action), secrets, and why a runbook of a key
    can't be run ("" when it can)."""

    actions: Mapping[str, Sequence[Field]]
    needs_connection: Collection[str] = ()
    connections: Mapping[str, str] = field(default_factory=dict)
    secrets: Collection[str] = ()
    runbook: Callable[[str], str] = lambda _key: "There are no runbooks"


def faults(definition: Mapping[str, Any], known: Known) -> list[Fault]:
    """Everything that is wrong with a definition in its normal form."""
    found = [*trigger_faults(definition.get("trigger")), *_timeout_faults(definition.get("timeout"))]
    nodes, edges = definition.get("nodes") or [], definition.get("edges") or []
    if len(nodes) > NODES or len(edges) > EDGES:
        found.append(Fault("", "nodes", f"A workflow has at most {NODES} steps and {EDGES} arrows"))
    plain = [node for node in nodes if isinstance(node, Mapping) and isinstance(node.get("id"), str)]
    found += [Fault("", f"nodes[{at}]", "A step is an object with an id")
              for at, node in enumerate(nodes) if node not in plain]
    found += _name_faults(plain)
    graph = Graph({node["id"]: str(node.get("kind")) for node in plain}, list(_edges(edges)))
    found += _place_faults(plain)
    found += _edge_faults(edges, graph)
    if not any(fault.path.startswith("edges") for fault in found):
        found += _shape_faults(graph)
    for at, node in enumerate(plain):
        found += _node_faults(node, f"nodes[{at}]", graph, known)
    return list(dict.fromkeys(found))


def is_structural(fault: Fault) -> bool:
    """Whether there is no graph to be shown and filled in while this is so."""
    return STRUCTURE.fullmatch(fault.path) is not None


def _edges(edges: Sequence[Any]) -> Iterator[Edge]:
    for edge in edges:
        if isinstance(edge, Mapping) and isinstance(edge.get("from"), str) and isinstance(edge.get("to"), str):
            yield Edge(edge["from"], edge["to"], str(edge.get("out", "next")))


def _timeout_faults(timeout: Any) -> Iterator[Fault]:
    if fault := span_fault(timeout, TIMEOUT, "The time limit of a run is 1m to 24h"):
        yield Fault("", "timeout", fault)


def _name_faults(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for at, node in enumerate(nodes):
        name = node["id"]
        if name == TRIGGER or node.get("kind") == TRIGGER:
            yield Fault(name, f"nodes[{at}]", "A workflow has one trigger, which is no step")
        elif not ID.fullmatch(name):
            yield Fault(name, f"nodes[{at}].id", "An id has 1 to 40 of a-z, 0-9 and _, and begins with a letter")
        elif name in seen:
            yield Fault(name, f"nodes[{at}].id", "Another step has this id")
        seen.add(name)


def _place_faults(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for at, node in enumerate(nodes):
        place = node.get("at")
        if place is not None and not (isinstance(place, Mapping) and set(place) == {"x", "y"}
                                      and all(type(one) is int and 0 <= one <= FAR for one in place.values())):
            yield Fault(node["id"], f"nodes[{at}].at", f"A place in the picture is x and y, whole numbers of 0 to {FAR}")


def _edge_faults(edges: Sequence[Any], graph: Graph) -> Iterator[Fault]:
    seen: set[tuple[str, str, str]] = set()
    for at, edge in enumerate(edges):
        path = f"edges[{at}]"
        if not isinstance(edge, Mapping):
            yield Fault("", path, "An arrow is an object with from and to")
            continue
        if unknown := set(edge) - {"from", "to", "out"}:
            yield Fault(str(edge.get("from") or ""), path, f"An arrow knows no {', '.join(sorted(map(str, unknown)))}")
        source, target, out = edge.get("from"), edge.get("to"), edge.get("out", "next")
        for end, name in (("from", source), ("to", target)):
            if not (isinstance(name, str) and (name in graph.nodes or (end == "from" and name == TRIGGER))):
                yield Fault(str(name or ""), path, f"An arrow leads {end} a step that does not exist")
        kind = graph.nodes.get(str(source), "")
        if kind in OUTPUTS and out not in OUTPUTS[kind]:
            yield Fault(str(source), path, f"It has no output {out}; it has {', '.join(OUTPUTS[kind])}")
        arrow = (str(source), str(target), str(out))
        if arrow in seen:
            yield Fault(str(source), path, f"Two arrows lead from the same output to {target}")
        seen.add(arrow)


def _shape_faults(graph: Graph) -> Iterator[Fault]:
    for node in graph.in_cycles():
        yield Fault(node, "edges", "Its arrows lead back to itself: a workflow has no loops")
    reachable = graph.reachable()
    for node in graph.nodes:
        if node not in reachable:
            yield Fault(node, "edges", "No arrow from the trigger leads to it")


def _node_faults(node: Mapping[str, Any], path: str, graph: Graph, known: Known) -> Iterator[Fault]:
    kind, name = node.get("kind"), node["id"]
    if kind == TRIGGER:
        return
    if not isinstance(kind, str) or kind not in OUTPUTS:
        yield Fault(name, f"{path}.kind", f"There is no kind of step {kind}; there are {', '.join(OUTPUTS)}")
        return
    if bare := [part for part in ("with", "parameters") if not isinstance(node.get(part) or {}, Mapping)]:
        yield Fault(name, path, f"Write its {bare[0]} as an object")
        return
    unknown = set(node) - {"id", "kind", *ANY} - set(OWN[kind])
    if unknown:
        yield Fault(name, path, f"A {kind} knows no {', '.join(sorted(unknown))}")
    for place, message in _KINDS[kind](node, known):
        yield Fault(name, f"{path}.{place}", message)
    yield from _reference_faults(node, path, graph, known)


def _condition(node: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    if not node.get("when"):
        yield "when", "A condition asks for something"
    yield from conditions.faults(node.get("when"), ROOTS)


def _delay(node: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    if fault := span_fault(node.get("for"), DELAY, "A delay is 1s to 30d"):
        yield "for", fault
    if any(state not in STATES for state in node.get("stop_when") or ()):
        yield "stop_when", f"Write some of {', '.join(STATES)}"


def _action(node: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    slug, said = node.get("action"), node.get("with") or {}
    if not isinstance(slug, str) or slug not in known.actions:
        yield "action", f"There is no action {slug}; there are {', '.join(sorted(known.actions))}"
        return
    fields = {one.name: one for one in known.actions[slug]}
    yield from ((f"with.{name}", f"The action {slug} takes no {name}") for name in said if name not in fields)
    yield from ((f"with.{name}", f"{one.label} is needed") for name, one in fields.items()
                if one.required and said.get(name) in (None, "", [], {}))
    for name, one in fields.items():
        if one.kind == "choice" and said.get(name) and "{{" not in str(said[name]):
            if said[name] not in [value for value, _ in one.choices]:
                yield f"with.{name}", f"{one.label} is one of {', '.join(value for value, _ in one.choices)}"
    yield from _call_faults(node, slug, known)


def _call_faults(node: Mapping[str, Any], slug: str, known: Known) -> Iterator[tuple[str, str]]:
    connection = node.get("connection")
    if slug in known.needs_connection and known.connections.get(str(connection)) != slug:
        yield "connection", (f"There is no connection {connection} for this action that this workflow may use"
                             if connection else "Choose a connection")
    if node.get("timeout") and (fault := span_fault(node["timeout"], ATTEMPT, "The time limit of a call is 1s to 60s")):
        yield "timeout", fault
    if node.get("retries") is not None and node["retries"] not in (0, 1, 2, 3):
        yield "retries", "A call is repeated 0 to 3 times"


def _runbook(node: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    key = node.get("runbook")
    if not key:
        yield "runbook", "Choose a runbook"
    elif fault := known.runbook(str(key)):
        yield "runbook", fault


_KINDS: dict[str, Callable[[Mapping[str, Any], Known], Iterator[tuple[str, str]]]] = {
    "condition": _condition, "delay": _delay, "action": _action, "runbook": _runbook}


def _reference_faults(node: Mapping[str, Any], path: str, graph: Graph, known: Known) -> Iterator[Fault]:
    """Templates that can't be read, unknown names, steps that have not run before, secrets that do not exist."""
    name, above = node["id"], graph.ancestors(node["id"])
    verb = VERBS.get(str(node.get("action")))
    roots = CLOSED if node.get("kind") == "runbook" or (verb is not None and verb.here) else OPEN
    for part in ("with", "parameters"):
        for place, message in templating.faults(node.get(part) or {}, roots):
            yield Fault(name, f"{path}.{part}.{place}", message)
    used = [("when", conditions.path_of(field)) for field in conditions.fields_of(node.get("when"))]
    used += [(part, found) for part in ("with", "parameters") for found in sorted(_names(node.get(part) or {}))]
    for part, found in used:
        if found[0] == "steps" and (len(found) < 3 or found[2] not in ("status", "output")):
            yield Fault(name, f"{path}.{part}", "Write steps.<id>.status or steps.<id>.output.<name>")
        elif found[0] == "steps" and found[1] not in above:
            yield Fault(name, f"{path}.{part}", f"{found[1]} is no step before this one")
        elif found[0] == templating.SECRET and len(found) == 2 and found[1] not in known.secrets:
            yield Fault(name, f"{path}.{part}", f"There is no secret {found[1]} that this workflow may use")


def _names(value: Any) -> set[tuple[str, ...]]:
    try:
        return templating.names(value)
    except ValueError:
        return set()
