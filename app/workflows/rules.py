"""How runs and steps move: tables of states, what starts next in a graph, waits between tries, the loop guard. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TRIGGER = "trigger"
OUTPUTS: dict[str, tuple[str, ...]] = {
    "condition": ("then", "else"), "action": ("next", "error"), "runbook": ("next", "error"), "delay": ("next",)}
RUN_MOVES: dict[str, frozenset[str]] = {
    "running": frozenset({"waiting", "succeeded", "failed", "timed_out", "cancelled"}),
    "waiting": frozenset({"running", "failed", "timed_out", "cancelled"}),
}
# A run that the loop guard refused never was one: it is kept so that the reason can be read, and counts nowhere.
REFUSED = "refused"
ENDED_RUN = frozenset({"succeeded", "failed", "timed_out", "cancelled", REFUSED})
ENDED_STEP = frozenset({"succeeded", "failed", "skipped", "cancelled"})
WAITS = (1, 2, 4)
RETRY_AFTER = 60
DEEPEST_CHAIN = 3
LEASE = 5  # seconds that a claim lasts longer than its call may
TIMEOUT = (60, 24 * 3600)
ATTEMPT = (1, 60)
DELAY = (1, 30 * 86400)
AGE = (60, 30 * 86400)
FAR = 5000  # how far from its corner somebody may put a box of the picture


@dataclass(frozen=True)
class Edge:
    """An arrow from an output of one node to another node."""

    source: str
    target: str
    out: str = "next"


@dataclass(frozen=True)
class Graph:
    """The nodes (id → kind, in the document's order) and arrows of one version."""

    nodes: Mapping[str, str]
    edges: Sequence[Edge]
    into: Mapping[str, tuple[Edge, ...]] = field(init=False, repr=False)
    out_of: Mapping[str, tuple[Edge, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        into: dict[str, list[Edge]] = {node: [] for node in self.nodes}
        out: dict[str, list[Edge]] = {node: [] for node in (TRIGGER, *self.nodes)}
        for edge in self.edges:
            into.setdefault(edge.target, []).append(edge)
            out.setdefault(edge.source, []).append(edge)
        object.__setattr__(self, "into", {node: tuple(edges) for node, edges in into.items()})
        object.__setattr__(self, "out_of", {node: tuple(edges) for node, edges in out.items()})

    def ancestors(self, node: str) -> set[str]:
        """Every node from which arrows lead to `node`."""
        found: set[str] = set()
        waiting = [node]
        while waiting:
            for edge in self.into.get(waiting.pop(), ()):
                if edge.source not in found and edge.source != TRIGGER:
                    found.add(edge.source)
                    waiting.append(edge.source)
        return found

    def reachable(self) -> set[str]:
        """Every node that the trigger leads to."""
        found: set[str] = set()
        waiting = [TRIGGER]
        while waiting:
            for edge in self.out_of.get(waiting.pop(), ()):
                if edge.target not in found:
                    found.add(edge.target)
                    waiting.append(edge.target)
        return found

    def in_order(self) -> list[str]:
        """The nodes so that each stands after all that lead to it; those in a cycle last."""
        left = {node: [edge.target for edge in self.into.get(node, ()) if edge.source in self.nodes] for node in self.nodes}
        order: list[str] = []
        ready = [node for node in self.nodes if not left[node]]
        while ready:
            node = ready.pop(0)
            order.append(node)
            for edge in self.out_of.get(node, ()):
                left[edge.target].pop()
                ready += [] if left[edge.target] else [edge.target]
        return [*order, *(node for node in self.nodes if node not in order)]

    def levels(self) -> dict[str, int]:
        """How far in each node stands: one further on a side of a branch; where sides meet, as far as where they parted."""
        above: dict[str, list[str]] = {TRIGGER: []}
        found = {TRIGGER: 0}
        for node in self.in_order():
            arrows = [edge for edge in self.into.get(node, ()) if edge.source in above]
            shared = [one for one in (above[arrows[0].source] + [arrows[0].source] if arrows else [])
                      if all(one == edge.source or one in above[edge.source] for edge in arrows)]
            above[node] = shared
            last = shared[-1] if shared else TRIGGER
            found[node] = found[last] + (len(arrows) == 1 and arrows[0].out in ("then", "else", "error"))
        return found

    def in_cycles(self) -> list[str]:
        """The nodes from which arrows lead back to themselves."""
        return [node for node in self.nodes if node in self.ancestors(node)]


@dataclass(frozen=True)
class Stand:
    """How one step stands: its state, and the outputs that it took."""

    state: str
    taken: frozenset[str] = frozenset()


@dataclass
class Progress:
    """What becomes of pending steps now."""

    start: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)


def progress(graph: Graph, stands: Mapping[str, Stand]) -> Progress:
    """Which pending steps start and which are skipped, given how all stand.

    A node starts when every arrow to it is decided and at least one is taken; when all are dead it is skipped, and what
    only hangs on it is skipped with it.
    """
    found, skipped = Progress(), set[str]()
    for node in graph.in_order():
        if stands[node].state != "pending":
            continue
        arrows = [_decided(edge, stands, skipped) for edge in graph.into.get(node, ())]
        if None in arrows:
            continue
        if any(arrows):
            found.start.append(node)
        else:
            found.skip.append(node)
            skipped.add(node)
    return found


def _decided(edge: Edge, stands: Mapping[str, Stand], skipped: set[str]) -> bool | None:
    """Whether an arrow is taken; None while nobody knows."""
    if edge.source == TRIGGER:
        return True
    if edge.source in skipped:
        return False
    stand = stands[edge.source]
    return edge.out in stand.taken if stand.state in ENDED_STEP else None


def taken(kind: str, state: str, verdict: bool | None = None) -> frozenset[str]:
    """The outputs that an ended step takes; `verdict` is a condition's."""
    if kind == "condition":
        return frozenset() if verdict is None else frozenset({"then" if verdict else "else"})
    if state == "succeeded":
        return frozenset({"next"})
    return frozenset({"error"}) if state == "failed" and "error" in OUTPUTS[kind] else frozenset()


def is_caught(graph: Graph, node: str) -> bool:
    """Whether the failure of this node takes an arrow of its own."""
    return any(edge.out == "error" for edge in graph.out_of.get(node, ()))


def moved(state: str, to: str) -> str:
    """The state of a run after it went from `state` to `to`, or stayed. AssertionError for what the table has not."""
    assert to == state or to in RUN_MOVES.get(state, frozenset()), f"A run that is {state} never becomes {to}"
    return to


def wait_after(attempts: int, asked: float | None, tries: int = len(WAITS)) -> float | None:
    """Seconds until the next try after so many, None when there is none left; what the other side asked for counts."""
    if attempts > min(tries, len(WAITS)):
        return None
    return float(WAITS[attempts - 1]) if asked is None else min(max(asked, 0.0), RETRY_AFTER)


def chain_fault(chain: Sequence[Mapping[str, Any]], workflow_id: int) -> str:
    """Why a run caused by the runs of `chain` (oldest first) must not start; "" when it may."""
    if any(one["workflow_id"] == workflow_id for one in chain):
        return "it has run in this chain already"
    return f"{len(chain)} workflows in a row led here, which is the most" if len(chain) >= DEEPEST_CHAIN else ""


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which `share` of them lie (nearest rank); None of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)] if ordered else None
