"""What a service may be called, what state it may take, and whether a dependency would close a cycle."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
KEY_RULE = "A service key starts with a letter or digit and has up to 100 letters, digits, hyphens and underscores"
LIFECYCLES = ("active", "deprecated", "archived")
MOVES = {"active": {"deprecated", "archived"}, "deprecated": {"active", "archived"}, "archived": {"active"}}
MOST_OUT, MOST_IN = 200, 500


def check_service_key(text: object) -> str:
    """A routing key. Raises ValueError naming the rule."""
    if not isinstance(text, str) or not KEY.fullmatch(text):
        raise ValueError(KEY_RULE)
    return text


def check_move(before: str, after: str) -> str:
    """The lifecycle `after`, if a service may go there from `before`. Raises ValueError."""
    if after != before and after not in MOVES[before]:
        raise ValueError(f"A service that is {before} cannot become {after}, only {' or '.join(sorted(MOVES[before]))}")
    return after


def path_between(edges: Mapping[int, Iterable[int]], start: int, goal: int) -> list[int]:
    """The shortest way along dependencies from `start` to `goal`, both included; [] when there is none."""
    came_from: dict[int, int] = {start: start}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == goal:
            return _walked(came_from, start, goal)
        for there in edges.get(here, ()):
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return []


def cycle(edges: Mapping[int, Iterable[int]], service: int, needs: int) -> list[int]:
    """The cycle that "`service` depends on `needs`" would close, from `service` back to itself; [] when none."""
    back = path_between(edges, needs, service)
    return [service, *back] if back else []


def circular(edges: Mapping[int, Iterable[int]]) -> bool:
    """Whether the graph holds any cycle (Kahn 1962: take away what nothing leads to, until nothing or a circle is left)."""
    leading = Counter(there for out in edges.values() for there in out)
    free = [node for node in edges if not leading[node]]
    while free:
        for there in edges.get(free.pop(), ()):
            leading[there] -= 1
            if not leading[there]:
                free.append(there)
    return any(leading.values())


def distances(edges: Mapping[int, Iterable[int]], start: int) -> dict[int, int]:
    """Every service reached from `start` along `edges`, with its shortest distance; `start` itself is left out."""
    found: dict[int, int] = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in edges.get(here, ()):
            if there not in found:
                found[there] = found[here] + 1
                waiting.append(there)
    return {service: distance for service, distance in found.items() if service != start}


def _walked(came_from: dict[int, int], start: int, goal: int) -> list[int]:
    path = [goal]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
