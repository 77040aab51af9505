"""A graph while it is edited: steps and arrows come, go and move by one press each. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.workflows.rules import FAR, OUTPUTS, TRIGGER

Item = dict[str, Any]
NEW: dict[str, Item] = {"condition": {"when": {"all": [{"field": "incident.severity", "op": "gte", "value": "high"}]}},
                        "delay": {"for": "5m"}, "runbook": {"wait": True}, "action": {"with": {}}}


def add(definition: Mapping[str, Any], after: str, kind: str, action: str = "") -> tuple[Item, str]:
    """A new step behind an output (`post.error`; `post` is its first one): what followed there follows the new one."""
    whole = copy.deepcopy(dict(definition))
    source, out = _output(whole, after)
    node: Item = {"id": _free(whole, action or kind), "kind": kind, **copy.deepcopy(NEW[kind])}
    if kind == "action":
        node["action"] = action
    for edge in whole["edges"]:
        if edge["from"] == source and edge.get("out", "next") == out:
            edge["from"] = node["id"]
            edge.pop("out", None)
            if OUTPUTS[kind][0] != "next":
                edge["out"] = OUTPUTS[kind][0]
    place = next((at + 1 for at, one in enumerate(whole["nodes"]) if one["id"] == source), 0)
    whole["nodes"].insert(place, node)
    whole["edges"].append(_edge(source, node["id"], out))
    return whole, node["id"]


def _output(definition: Mapping[str, Any], after: str) -> tuple[str, str]:
    source, _, out = after.partition(".")
    kind = kind_of(definition, source)
    return source, out or (OUTPUTS[kind][0] if kind else "next")


def kind_of(definition: Mapping[str, Any], node: str) -> str:
    """The kind of a step; "" of the trigger and of what does not exist."""
    return next((str(one["kind"]) for one in definition["nodes"] if one["id"] == node), "")


def _free(definition: Mapping[str, Any], word: str) -> str:
    """An id made of the word that no step has."""
    base = re.sub(r"[^a-z0-9_]", "_", word.lower()).strip("_")[:36] or "step"
    base = base if base[0].isalpha() and base != TRIGGER else f"s_{base}"
    known = {one["id"] for one in definition["nodes"]}
    return next(name for number in range(1, 200) if (name := base if number == 1 else f"{base}_{number}") not in known)


def _edge(source: str, target: str, out: str) -> Item:
    return {"from": source, "to": target, **({} if out == "next" else {"out": out})}


def remove(definition: Mapping[str, Any], node: str) -> Item:
    """Without the step: what led to it leads to what followed its first output."""
    whole = copy.deepcopy(dict(definition))
    kind = kind_of(whole, node)
    if not kind:
        return whole
    follow = [edge["to"] for edge in whole["edges"] if edge["from"] == node and edge.get("out", "next") == OUTPUTS[kind][0]]
    into = [edge for edge in whole["edges"] if edge["to"] == node]
    whole["nodes"] = [one for one in whole["nodes"] if one["id"] != node]
    whole["edges"] = [edge for edge in whole["edges"] if node not in (edge["from"], edge["to"])]
    whole["edges"] += [_edge(edge["from"], target, edge.get("out", "next")) for edge in into for target in follow]
    whole["edges"] = _once(whole["edges"])
    return whole


def _once(edges: Sequence[Item]) -> list[Item]:
    found: dict[tuple[str, str, str], Item] = {}
    for edge in edges:
        found.setdefault((edge["from"], edge["to"], edge.get("out", "next")), dict(edge))
    return list(found.values())


def move_up(definition: Mapping[str, Any], node: str) -> Item:
    """The step changes places with the one before it. Raises ValueError where that is not one step of one way."""
    whole = copy.deepcopy(dict(definition))
    into = [edge for edge in whole["edges"] if edge["to"] == node]
    if len(into) != 1 or into[0]["from"] == TRIGGER:
        raise ValueError("It stands first, or where several arrows meet")
    before, out = into[0]["from"], into[0].get("out", "next")
    first, own = OUTPUTS[kind_of(whole, before)][0], OUTPUTS[kind_of(whole, node)][0]
    siblings = [edge for edge in whole["edges"] if edge["from"] == before and edge is not into[0]]
    if out != first or any(edge.get("out", "next") == out for edge in siblings):
        raise ValueError("The step before it branches there; connect it by hand")
    after = [edge for edge in whole["edges"] if edge["from"] == node and edge.get("out", "next") == own]
    for edge in whole["edges"]:
        if edge["to"] == before:
            edge["to"] = node
    whole["edges"] = [edge for edge in whole["edges"] if edge is not into[0] and edge not in after]
    whole["edges"] += [_edge(node, before, own), *(_edge(before, edge["to"], first) for edge in after)]
    places = {one["id"]: at for at, one in enumerate(whole["nodes"])}
    nodes = whole["nodes"]
    nodes[places[node]], nodes[places[before]] = nodes[places[before]], nodes[places[node]]
    return whole


def connect(definition: Mapping[str, Any], after: str, target: str) -> Item:
    """One more arrow."""
    whole = copy.deepcopy(dict(definition))
    source, out = _output(whole, after)
    whole["edges"] = _once([*whole["edges"], _edge(source, target, out)])
    return whole


def disconnect(definition: Mapping[str, Any], after: str, target: str) -> Item:
    """One arrow less."""
    whole = copy.deepcopy(dict(definition))
    source, out = _output(whole, after)
    whole["edges"] = [edge for edge in whole["edges"] if (edge["from"], edge.get("out", "next"), edge["to"]) != (
        source, out, target)]
    return whole


def configure(definition: Mapping[str, Any], node: str, values: Mapping[str, Any]) -> Item:
    """The step with these values; those that are None go."""
    whole = copy.deepcopy(dict(definition))
    for at, one in enumerate(whole["nodes"]):
        if one["id"] == node:
            whole["nodes"][at] = {name: value for name, value in {**one, **values}.items() if value is not None}
    return whole


def place(definition: Mapping[str, Any], node: str, x: str, y: str) -> Item:
    """The step's box stands there in the picture; without a place where the picture puts it. Raises ValueError."""
    if not x and not y:
        return configure(definition, node, {"at": None})
    if not all(one.isdecimal() and len(one) < 6 and int(one) <= FAR for one in (x, y)):
        raise ValueError(f"A place in the picture is x and y, whole numbers of 0 to {FAR}")
    return configure(definition, node, {"at": {"x": int(x), "y": int(y)}})


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """What differs between two versions: (what, where, before, after); None where there is nothing."""
    found: list[tuple[str, str, Any, Any]] = []
    for part in ("trigger", "timeout"):
        if before.get(part) != after.get(part):
            found.append((part.capitalize(), "", before.get(part), after.get(part)))
    old, new = ({node["id"]: node for node in one.get("nodes", ())} for one in (before, after))
    found += [("Step", name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])
              if old.get(name) != new.get(name)]
    was, now = ({_arrow_words(edge) for edge in one.get("edges", ())} for one in (before, after))
    found += [("Arrow", arrow, arrow if arrow in was else None, arrow if arrow in now else None)
              for arrow in sorted(was ^ now)]
    return found


def _arrow_words(edge: Mapping[str, Any]) -> str:
    out = edge.get("out", "next")
    return f"{edge['from']}{'' if out == 'next' else f' ({out})'} → {edge['to']}"
