"""Where the boxes and arrows of a workflow stand, layer below layer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.workflows import words
from app.workflows.documents import graph_of
from app.workflows.rules import TRIGGER, Edge, Graph

WIDTH, HEIGHT, GAP, DOWN, MARGIN = 220, 52, 28, 96, 20
ACROSS, LANE = WIDTH + GAP, 12
TITLE, DETAIL = 22, 24  # letters that fit into a box
Passage = tuple[Edge, int]  # where an arrow passes a layer on its way to a lower one
Item = str | Passage
Point = tuple[float, float]


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
    """The picture; `states` and `taken` (by node) mark the way of a run. What somebody placed stands where they put it."""
    graph = graph_of(definition)
    layers = _layers(graph)
    ways = {edge: _way(edge, layers) for edge in graph.edges if edge.source in layers and edge.target in layers}
    middles = _middles(graph, layers, list(ways.values()))
    left = min(x - _wide(item) / 2 for item, x in middles.items())
    right = max(x + _wide(item) / 2 for item, x in middles.items())
    at = {item: (x - left + MARGIN, float(MARGIN + _layer(item, layers) * DOWN)) for item, x in middles.items()}
    nodes = {node["id"]: node for node in definition["nodes"]}
    placed = {node: (one["at"]["x"] + WIDTH / 2, float(one["at"]["y"])) for node, one in nodes.items() if one.get("at")}
    at.update(placed)
    ways = {edge: way if placed.keys().isdisjoint(way) else [edge.source, edge.target] for edge, way in ways.items()}
    corners = {node: (at[node][0] - WIDTH / 2, at[node][1]) for node in layers}
    trigger = definition.get("trigger") or {}
    event = str(trigger.get("event") or "Trigger")
    boxes = [Box(TRIGGER, *corners[TRIGGER], _cut(words.EVENTS.get(event, event), TITLE),
                 _cut(words.conditions.in_words(trigger.get("when")), DETAIL), "incident")]
    boxes += [Box(node, *corners[node], _cut(words.title(nodes[node], names), TITLE),
                  _cut(words.detail(nodes[node]), DETAIL),
                  words.drawing(nodes[node]), (states or {}).get(node, "")) for node in graph.nodes]
    arrows = [_arrow(edge, [at[item] for item in way], graph, taken) for edge, way in ways.items()]
    return Picture(boxes, arrows, int(max(right - left + MARGIN, *(box.x + WIDTH for box in boxes)) + MARGIN),
                   int(max(box.y for box in boxes) + HEIGHT + MARGIN))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most - 1] + "…"


def _layers(graph: Graph) -> dict[str, int]:
    """How far below the trigger each step stands: one below the lowest that leads to it."""
    depth = {TRIGGER: 0}
    for node in graph.in_order():
        depth[node] = 1 + max((depth.get(edge.source, 0) for edge in graph.into.get(node, ())), default=0)
    return depth


def _way(edge: Edge, layers: Mapping[str, int]) -> list[Item]:
    """From a step to a lower one; an arrow that skips layers has a place of its own in each, beside their boxes."""
    between = range(layers[edge.source] + 1, layers[edge.target])
    return [edge.source, *((edge, layer) for layer in between), edge.target]


def _layer(item: Item, layers: Mapping[str, int]) -> int:
    return layers[item] if isinstance(item, str) else item[1]


def _wide(item: Item) -> int:
    return WIDTH if isinstance(item, str) else LANE


def _middles(graph: Graph, layers: Mapping[str, int], ways: Sequence[Sequence[Item]]) -> dict[Item, float]:
    """How far right the middle of each box and passage is."""
    after: dict[Item, list[Item]] = {}
    for one, two in (step for way in ways for step in pairwise(way)):
        after.setdefault(one, []).append(two)
    rows: dict[int, list[Item]] = {}
    for item in (*graph.nodes, *(item for way in ways for item in way[1:-1])):
        rows.setdefault(_layer(item, layers), []).append(item)
    middles: dict[Item, float] = {TRIGGER: 0.0}
    for layer in sorted(rows):
        wished = sorted(((_wish(item, after, middles), order, item) for order, item in enumerate(rows[layer])),
                        key=lambda one: one[:2])
        row = [item for _, _, item in wished]
        middles.update(zip(row, _apart([wish for wish, _, _ in wished], row), strict=True))
    return middles


def _wish(item: Item, after: Mapping[Item, Iterable[Item]], middles: Mapping[Item, float]) -> float:
    """Below those that lead to it; what follows one step stands side by side."""
    found = []
    for source, follow in after.items():
        children = list(dict.fromkeys(follow))
        if source in middles and item in children:
            found.append(middles[source] + (children.index(item) - (len(children) - 1) / 2) * ACROSS)
    return sum(found) / len(found) if found else 0.0


def _apart(wishes: Sequence[float], row: Sequence[Item]) -> list[float]:
    """The wishes, moved so that neighbours do not overlap; as a whole they stay where they were."""
    places: list[float] = []
    for at, wish in enumerate(wishes):
        places.append(max(wish, places[-1] + GAP + (_wide(row[at - 1]) + _wide(row[at])) / 2) if places else wish)
    shift = (sum(wishes) - sum(places)) / len(places) if places else 0.0
    return [place + shift for place in places]


def _arrow(edge: Edge, way: Sequence[Point], graph: Graph, taken: Mapping[str, list[str]] | None) -> Arrow:
    outs = list(dict.fromkeys(other.out for other in graph.out_of[edge.source]))
    shift = (outs.index(edge.out) - (len(outs) - 1) / 2) * 80
    x, y = way[0][0] + shift, way[0][1] + HEIGHT + 2
    end, bottom = way[1][0], way[1][1] - 3
    went = edge.source == TRIGGER if taken is not None else False
    return Arrow(_path((x, y), way[1:]), words.OUTS.get(edge.out, edge.out), (x * 2 + end) / 3, y + (bottom - y) * .38,
                 went or edge.out in (taken or {}).get(edge.source, ()))


def _path(start: Point, way: Sequence[Point]) -> str:
    """Down from a box to another, straight through what is passed on the way, bent only between layers."""
    path, x, y = f"M{start[0]:g} {start[1]:g}", start[0], start[1]
    for number, (place, top) in enumerate(way, 1):
        middle, bottom = (y + top - 3) / 2, top - 3
        path += f"V{bottom:g}" if abs(place - x) < 1 else f"C{x:g} {middle:g} {place:g} {middle:g} {place:g} {bottom:g}"
        if number < len(way):
            x, y = place, top + HEIGHT + 2
            path += f"V{y:g}"
    return path
