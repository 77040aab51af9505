"""Where the boxes and arrows of a dependency graph stand, layer by layer from left to right; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.catalog.rules import reversed_edges

WIDTH, HEIGHT = 150, 50  # of a box, in units of the drawing
COLUMN, ROW = 234, 70  # from one layer, or one box of a layer, to the next
EDGE = 1  # the outline of a box needs it


@dataclass(frozen=True)
class Box:
    """A service's place: the upper left corner."""

    id: int
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    """From a service to what it depends on, as the path of an SVG."""

    start: int
    end: int
    path: str


@dataclass(frozen=True)
class Drawing:
    """Everything of one graph, and its size."""

    boxes: dict[int, Box]
    arrows: list[Arrow]
    width: int
    height: int


def lay_out(nodes: Iterable[int], edges: Mapping[int, Iterable[int]]) -> Drawing:
    """Boxes in layers so that every arrow points to the right. `edges` has no cycle; those between `nodes` are drawn."""
    kept = list(nodes)
    inside = set(kept)
    out = {node: sorted(inside.intersection(edges.get(node, ()))) for node in kept}
    columns = _columns(kept, out)
    _untangle(columns, out)
    tallest = max((len(column) for column in columns), default=0)
    boxes = {node: Box(node, EDGE + x * COLUMN, EDGE + y * ROW + (tallest - len(column)) * ROW // 2)
             for x, column in enumerate(columns) for y, node in enumerate(column)}
    arrows = [Arrow(start, end, _curve(boxes[start], boxes[end])) for start in kept for end in out[start]]
    return Drawing(boxes, arrows, max(len(columns) * COLUMN - (COLUMN - WIDTH), 0) + 2 * EDGE,
                   max(tallest * ROW - (ROW - HEIGHT), 0) + 2 * EDGE)


def _columns(nodes: list[int], out: Mapping[int, list[int]]) -> list[list[int]]:
    """Each node one layer behind the last that points to it."""
    pointed = {node: 0 for node in nodes}
    for ends in out.values():
        for end in ends:
            pointed[end] += 1
    layer = dict.fromkeys(nodes, 0)
    free = [node for node in nodes if not pointed[node]]
    while free:
        here = free.pop(0)
        for there in out[here]:
            layer[there] = max(layer[there], layer[here] + 1)
            pointed[there] -= 1
            if not pointed[there]:
                free.append(there)
    columns: list[list[int]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        columns[layer[node]].append(node)
    return columns


def _untangle(columns: list[list[int]], out: Mapping[int, list[int]]) -> None:
    """Order each layer by the middle of its neighbours' places, there and back (Sugiyama's barycentre)."""
    back = reversed_edges(out)
    for _ in range(2):
        for former, column in zip(columns, columns[1:], strict=False):
            _sort(column, former, back)
        for later, column in zip(columns[:0:-1], columns[-2::-1], strict=False):
            _sort(column, later, out)


def _sort(column: list[int], beside: list[int], links: Mapping[int, Iterable[int]]) -> None:
    place = {node: at for at, node in enumerate(beside)}
    known = {node: [place[other] for other in links.get(node, ()) if other in place] for node in column}
    column.sort(key=lambda node: sum(known[node]) / len(known[node]) if known[node] else len(beside) / 2)


def _curve(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x - 2, end.y + HEIGHT // 2
    bend = max((x2 - x1) // 2, 30)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
