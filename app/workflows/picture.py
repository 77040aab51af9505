"""Where the boxes and arrows of a workflow stand, layer below layer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.workflows import words
from app.workflows.documents import graph_of
from app.workflows.rules import TRIGGER, Edge, Graph

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 220, 52, 248, 96, 20
TITLE, DETAIL = 22, 24  # letters that fit into a box


@dataclass(frozen=True)
class Box:
    """A step's place: its upper left corner, and what stands in it."""

    id: str
    x: float
    y: float
    title: str
    detail: str
    drawing: str
    state: str = ""


@dataclass(frozen=True)
class Arrow:
    """The path of an arrow, its label and where that stands; `taken`: the run went that way."""

    path: str
    label: str
    x: float
    y: float
    taken: bool = False


@dataclass(frozen=True)
class Picture:
    """Everything of one graph, and its size."""

    boxes: list[Box]
    arrows: list[Arrow]
    width: int
    height: int


def draw(definition: Mapping[str, Any], names: Mapping[str, str], *, states: Mapping[str, str] | None = None,
         taken: Mapping[str, list[str]] | None = None) -> Picture:
    """The picture; `states` and `taken` (by node) mark the way of a run."""
    graph = graph_of(definition)
    layers = _layers(graph)
    places = _places(graph, layers)
    left = min(x for x, _ in places.values())
    at = {node: (x - left + MARGIN, y) for node, (x, y) in places.items()}
    nodes = {node["id"]: node for node in definition["nodes"]}
    trigger = definition.get("trigger") or {}
    event = str(trigger.get("event") or "Trigger")
    boxes = [Box(TRIGGER, *at[TRIGGER], _cut(words.EVENTS.get(event, event), TITLE),
                 _cut(words.conditions.in_words(trigger.get("when")), DETAIL), "incident")]
    boxes += [Box(node, *at[node], _cut(words.title(nodes[node], names), TITLE),
                  _cut(words.detail(nodes[node]), DETAIL),
                  words.drawing(nodes[node]), (states or {}).get(node, "")) for node in graph.nodes]
    arrows = [_arrow(edge, at, graph, taken) for edge in graph.edges if edge.source in at and edge.target in at]
    return Picture(boxes, arrows, int(max(box.x for box in boxes) + WIDTH + MARGIN),
                   int(max(box.y for box in boxes) + HEIGHT + MARGIN))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most - 1] + "…"


def _layers(graph: Graph) -> dict[str, int]:
    """How far below the trigger each step stands: one below the lowest that leads to it."""
    depth = {TRIGGER: 0}
    for node in graph.in_order():
        depth[node] = 1 + max((depth.get(edge.source, 0) for edge in graph.into.get(node, ())), default=0)
    return depth


def _places(graph: Graph, layers: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    places: dict[str, tuple[float, float]] = {TRIGGER: (0.0, float(MARGIN))}
    for layer in range(1, max(layers.values(), default=0) + 1):
        row = [node for node in graph.nodes if layers[node] == layer]
        wished = sorted(((_wish(node, graph, places), order, node) for order, node in enumerate(row)))
        spread = _apart([wish for wish, _, _ in wished])
        for x, (_, _, node) in zip(spread, wished, strict=True):
            places[node] = (x, float(MARGIN + layer * DOWN))
    return places


def _wish(node: str, graph: Graph, places: Mapping[str, tuple[float, float]]) -> float:
    """Below those that lead to it; the children of one step stand side by side."""
    found = []
    for edge in graph.into.get(node, ()):
        if edge.source in places:
            children = list(dict.fromkeys(other.target for other in graph.out_of[edge.source]))
            found.append(places[edge.source][0] + (children.index(node) - (len(children) - 1) / 2) * ACROSS)
    return sum(found) / len(found) if found else 0.0


def _apart(wishes: list[float]) -> list[float]:
    """The wishes, moved so that neighbours do not overlap; as a whole they stay where they were."""
    places: list[float] = []
    for wish in wishes:
        places.append(max(wish, places[-1] + ACROSS) if places else wish)
    shift = (sum(wishes) - sum(places)) / len(places) if places else 0.0
    return [place + shift for place in places]


def _arrow(edge: Edge, at: Mapping[str, tuple[float, float]], graph: Graph, taken: Mapping[str, list[str]] | None) -> Arrow:
    outs = list(dict.fromkeys(other.out for other in graph.out_of[edge.source]))
    shift = (outs.index(edge.out) - (len(outs) - 1) / 2) * 80
    x, y = at[edge.source][0] + WIDTH / 2 + shift, at[edge.source][1] + HEIGHT + 2
    end, bottom = at[edge.target][0] + WIDTH / 2, at[edge.target][1] - 3
    middle = (y + bottom) / 2
    straight = abs(x - end) < 1
    path = f"M{x:g} {y:g}" + (f"V{bottom:g}" if straight else
                              f"C{x:g} {middle:g} {end:g} {middle:g} {end:g} {bottom:g}")
    went = edge.source == TRIGGER if taken is not None else False
    return Arrow(path, words.OUTS.get(edge.out, edge.out), (x * 2 + end) / 3, y + (bottom - y) * .38,
                 went or edge.out in (taken or {}).get(edge.source, ()))
