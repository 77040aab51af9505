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
MOST_LINKS, MOST_ATTRIBUTES = 20, 50
LINK = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+", re.IGNORECASE)


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


def check_link(value: object) -> dict[str, str]:
    """A link `{name, url}` whose address is http or https. Raises ValueError."""
    if not isinstance(value, Mapping) or set(value) - {"name", "url"}:
        raise ValueError("A link has a name and a url")
    url, name = str(value.get("url") or "").strip(), str(value.get("name") or "").strip()
    if not LINK.fullmatch(url) or len(url) > 1000:
        raise ValueError("A link starts with http:// or https:// and has at most 1000 characters")
    if len(name) > 100:
        raise ValueError("The name of a link may have at most 100 characters")
    return {"name": name or url.split("/")[2], "url": url}


def check_attributes(value: object) -> dict[str, str]:
    """Up to 50 pairs of a key of 1 to 50 characters and a text of up to 500. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("Attributes are pairs of a key and a text")
    if len(value) > MOST_ATTRIBUTES:
        raise ValueError(f"A service may have at most {MOST_ATTRIBUTES} attributes")
    clean = {str(key).strip(): str(text).strip() for key, text in value.items()}
    for key, text in clean.items():
        if not 1 <= len(key) <= 50 or len(text) > 500:
            raise ValueError("An attribute has a key of 1 to 50 characters and a text of at most 500")
    return clean


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


def distances(edges: Mapping[int, Iterable[int]], start: int, most: int | None = None) -> dict[int, int]:
    """Every service at most `most` steps from `start` along `edges`, with its shortest distance, nearest first."""
    found, ring, distance = {start}, [start], 0
    near: dict[int, int] = {}
    while ring and (most is None or distance < most):
        distance += 1
        ring = sorted({there for here in ring for there in edges.get(here, ())} - found)
        found.update(ring)
        near.update(dict.fromkeys(ring, distance))
    return near


def reversed_edges(edges: Mapping[int, Iterable[int]]) -> dict[int, set[int]]:
    """The same edges, read from what is needed to who needs it."""
    back: dict[int, set[int]] = {}
    for here, out in edges.items():
        for there in out:
            back.setdefault(there, set()).add(here)
    return back


def _walked(came_from: dict[int, int], start: int, goal: int) -> list[int]:
    path = [goal]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
