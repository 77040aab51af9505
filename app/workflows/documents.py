"""A workflow as documents write it, in the one form that is stored: both ways of writing are read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.core import templating
from app.workflows.rules import OUTPUTS, TRIGGER, Edge, Graph

Item = dict[str, Any]
KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PARTS = ("trigger", "timeout", "nodes", "edges")
# How the short form calls a trigger by the fact that it waits for.
FACTS = {"incident.opened": "incident_opened", "incident.state_changed": "state_changed",
         "incident.severity_changed": "severity_changed", "incident.escalated": "escalated", "incident.age": "age"}
FIELDS = {"severity", "status", "urgency", "priority", "title", "description", "alert_count"}
OF_OTHERS = {"service": "service.key", "team": "team.key", "tags": "service.tags", "tag": "service.tags"}
HOURS = ("days", "from", "to", "time_zone")
OWN = {"condition": ("when",), "action": ("action", "connection", "with", "timeout", "retries"),
       "runbook": ("runbook", "parameters", "wait"), "delay": ("for", "stop_when")}
ANY = ("name", "at")  # `at` is where somebody put its box in the picture


def normal(document: Mapping[str, Any]) -> Item:
    """Trigger, timeout, nodes and edges in the form that is stored. What can't be read stays as it is, for the check."""
    nodes = [_node(node) if isinstance(node, Mapping) else node for node in _listed(document.get("nodes"))]
    edges = [_edge(edge) if isinstance(edge, Mapping) else edge for edge in _listed(document.get("edges"))]
    if not any(isinstance(edge, Mapping) and edge.get("from") == TRIGGER for edge in edges):
        edges = [*_first(nodes, edges), *edges]
    return {"trigger": _trigger(document.get("trigger")), "timeout": document.get("timeout") or "15m", "nodes": nodes,
            "edges": edges}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _first(nodes: list[Any], edges: list[Any]) -> list[Item]:
    """Where nothing leads from the trigger, it leads to every node that no arrow leads to."""
    led_to = {str(edge.get("to")) for edge in edges if isinstance(edge, Mapping)}
    return [{"from": TRIGGER, "to": node["id"]} for node in nodes
            if isinstance(node, Mapping) and isinstance(node.get("id"), str) and node["id"] not in led_to]


def _trigger(said: Any) -> Any:
    if isinstance(said, str):
        said = {"event": said}
    if not isinstance(said, Mapping):
        return said
    trigger = {name: value for name, value in said.items()
               if name not in ("on", "event") and value not in (None, [], {}, "")}
    event = said.get("event") or said.get("on")
    trigger["event"] = FACTS.get(str(event), event)
    for name in ("from", "to", "states"):
        if name in trigger and not isinstance(trigger[name], list):
            trigger[name] = [trigger[name]]
    if "when" in trigger:
        trigger["when"] = condition(trigger["when"])
    return trigger


def _node(said: Mapping[str, Any]) -> Item:
    kind = said.get("kind") or said.get("type")
    node: Item = {"id": said.get("id"), "kind": kind}
    rest = {name: value for name, value in said.items() if name not in ("id", "kind", "type")}
    if isinstance(kind, str) and kind not in OUTPUTS and kind != TRIGGER and "action" not in rest:
        # `type: add_note` names the action itself
        inside = {name: rest.pop(name) for name in list(rest) if name not in (*OWN["action"], *ANY)}
        given = rest.get("with") or {}
        rest = {**rest, "action": kind, "with": {**inside, **given} if isinstance(given, Mapping) else given}
        node["kind"] = "action"
    node |= {name: value for name, value in rest.items() if value is not None and value != ""}
    if node["kind"] == "condition":
        node["when"] = condition(node.get("when"))
    if "stop_when" in node and not isinstance(node["stop_when"], list):
        node["stop_when"] = [node["stop_when"]]
    return node


def _edge(said: Mapping[str, Any]) -> Item:
    out = said.get("out") or said.get("via") or "next"
    rest = {name: value for name, value in said.items() if name not in ("from", "to", "out", "via")}
    edge: Item = {"from": said.get("from"), "to": said.get("to"), **rest}
    return edge if out == "next" else {**edge, "out": out}


def condition(said: Any) -> Any:
    """A condition as a tree; the short form `{severity: [critical], title: "*disk*"}` is read as routes read it."""
    if not isinstance(said, Mapping) or not said:
        return said
    if set(said) & {"field", "op"} or (len(said) > 1 and set(said) & {"all", "any", "not"}):
        return dict(said)
    for group in ("all", "any"):
        if set(said) == {group}:
            return {group: [condition(part) for part in _listed(said[group])]}
    if set(said) == {"not"}:
        return {"not": condition(said["not"])}
    parts = [_short(name, value) for name, value in said.items() if name not in HOURS]
    hours = {name: said[name] for name in HOURS if name in said}
    if hours:
        parts.append({"field": "now", "op": "within", "value": hours})
    return parts[0] if len(parts) == 1 else {"all": parts}


def _short(name: str, value: Any) -> Item:
    field = _field(name)
    values = _listed(value) if value is not None else [None]
    plain = [one for one in values if one is not None and not _is_pattern(one)]
    parts: list[Item] = [_pattern(field, one) for one in values if _is_pattern(one)]
    if plain:
        parts.append({"field": field, "op": "in", "value": plain})
    if None in values:
        parts.append({"field": field, "op": "not_exists"})
    return parts[0] if len(parts) == 1 else {"any": parts}


def _field(name: str) -> str:
    """What the short form calls `severity`, `service` or `pod`: the last is a label."""
    if "." in name and not name.startswith("labels."):
        return name
    known = name in FIELDS or name.startswith("labels.")
    return f"incident.{OF_OTHERS.get(name) or (name if known else f'labels.{name}')}"


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and (value.startswith("re:") or "*" in value)


def _pattern(field: str, value: str) -> Item:
    if value.startswith("re:"):
        return {"field": field, "op": "matches", "value": value[3:]}
    quoted = "".join(f"\\{sign}" if sign in r"\.+?()[]{}^$|" else ".*" if sign == "*" else sign for sign in value)
    return {"field": field, "op": "matches", "value": f"(?is)^{quoted}$"}


def graph_of(definition: Mapping[str, Any]) -> Graph:
    """The graph of a stored definition."""
    return Graph({node["id"]: node["kind"] for node in definition["nodes"]}, [
        Edge(edge["from"], edge["to"], edge.get("out", "next")) for edge in definition["edges"]])


def node_of(definition: Mapping[str, Any], node: str) -> Item:
    """One node of a stored definition. Raises KeyError."""
    for one in definition["nodes"]:
        if one["id"] == node:
            return dict(one)
    raise KeyError(node)


def secrets_of(definition: Mapping[str, Any]) -> set[str]:
    """The names of the secrets that its steps use."""
    found: set[str] = set()
    for node in definition["nodes"]:
        for part in ("with", "parameters"):
            found |= {path[1] for path in templating.names(node.get(part) or {})
                      if path[0] == templating.SECRET and len(path) > 1}
    return found


def connections_of(definition: Mapping[str, Any]) -> set[str]:
    """The keys of the connections that its steps use."""
    return {str(node["connection"]) for node in definition["nodes"] if node.get("connection")}
