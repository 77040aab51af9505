"""A payload as a tree of values that can be chosen, and the mapping that grows by choosing them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIELD = "mapping"  # the field of a plugin that reads by one
CHOICES = (("title", "Title"), ("severity", "Severity"), ("status", "Status"), ("dedup_key", "Dedup key"),
           ("service_key", "Service"), ("body", "Description"), ("url", "Link"), ("labels", "Labels"),
           ("started_at", "Start"))
NAMES = dict(CHOICES)
MOST, LONGEST, DEEPEST = 200, 120, 12
PLAIN = re.compile(r"[^.\[\]\"']{1,200}")
QUOTABLE = re.compile(r"[^\"'\]]{1,200}")


@dataclass(frozen=True)
class Leaf:
    """One value of a payload: its path as a mapping names it ("" where none can), its name, depth and text."""

    path: str
    name: str
    depth: int
    text: str
    group: bool = False


def leaves(payload: object) -> list[Leaf]:
    """The values in their order, objects and lists as headings; at most 200."""
    found: list[Leaf] = []
    for leaf in _walk(payload, "", 0):
        found.append(leaf)
        if len(found) == MOST:
            break
    return found


def _walk(value: object, path: str, depth: int) -> Iterator[Leaf]:
    inside: list[tuple[str, str, object]] = []
    if isinstance(value, dict):
        inside = [(str(name), _below(path, str(name)), item) for name, item in value.items()]
    elif isinstance(value, list):
        inside = [(f"[{at}]", f"{path}[{at}]" if path or depth == 0 else "", item) for at, item in enumerate(value)]
    for name, place, item in inside:
        group = isinstance(item, (dict, list)) and bool(item)
        yield Leaf(place, name, depth, "" if group else _text(item), group)
        if group and depth < DEEPEST:
            yield from _walk(item, place, depth + 1)


def _below(path: str, name: str) -> str:
    if PLAIN.fullmatch(name):
        return f"{path}.{name}" if path else name
    return f'{path}["{name}"]' if QUOTABLE.fullmatch(name) else ""


def _text(value: object) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def first_item(payload: object) -> tuple[object, int]:
    """The object that paths begin at, and how many alike the payload holds."""
    if isinstance(payload, list):
        return (payload[0] if payload else {}), len(payload)
    return payload, 1


def chosen(mapping: Mapping[str, Any], press: str) -> dict[str, Any]:
    """The mapping after a press: `title=check.name` uses that value, `-title` takes the rule away; others change nothing."""
    grown = dict(mapping)
    if press.startswith("-"):
        grown.pop(press[1:], None)
        return grown
    name, _, path = press.partition("=")
    if name in NAMES and path:
        grown[name] = {"path": path}
    return grown


def in_words(rule: Any) -> str:
    """A rule as people read it."""
    if isinstance(rule, str):
        return rule
    if not isinstance(rule, dict):
        return "a rule that is not understood"
    if "table" in rule:
        return f"{rule.get('path', '')}, by a table"
    if "first" in rule and isinstance(rule["first"], list):
        return "the first of " + ", ".join(in_words(one) for one in rule["first"])
    return str(rule.get("path") or rule.get("constant") or rule.get("template") or "a rule that is not understood")
