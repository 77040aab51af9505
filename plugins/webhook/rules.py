"""The mapping of the generic webhook: where in a payload each field of a signal stands, without any code.

A rule is one of {"path": "a.b[0].c"}, {"constant": "x"}, {"first": [rule, …]},
{"table": {"bad": "critical"}, "path": …} and {"template": "Disk {labels.host}"}; a bare text is a path.
"""

from __future__ import annotations

import re
from typing import Any

from app.plugin_api import text

FIELDS = ("title", "severity", "status", "dedup_key", "body", "url", "service_key", "labels", "started_at",
          "happened_at")
STEP = re.compile(r"""\[(\d{1,6})\]|\[["']([^"'\]]{1,200})["']\]|([^.\[\]]{1,200})""")
PLACEHOLDER = re.compile(r"\{([^{}]{1,200})\}")
NESTING = 4


class Missing(Exception):
    """A rule finds nothing in this payload, or is not a rule."""


class Rules:
    """The mapping as configured; nothing in it can fail but one field at a time."""

    def __init__(self, configured: Any) -> None:
        self.rules = configured if isinstance(configured, dict) else {}
        self.fault = "" if configured in (None, "") or isinstance(configured, dict) else "The mapping is not an object"

    def apply(self, item: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The mapped fields of a payload, and a sentence for each rule that found nothing."""
        found: dict[str, Any] = {}
        notes = [self.fault] if self.fault else []
        for name, rule in self.rules.items():
            try:
                if name not in FIELDS:
                    raise Missing("there is no such field")
                found[name] = value_of(item, rule, NESTING)
            except Missing as fault:
                notes.append(f"The mapping of {name[:40]!r} was left aside: {fault}")
        return found, notes


def value_of(item: Any, rule: Any, depth: int) -> Any:
    """What a rule makes of a payload. Raises Missing with the reason."""
    if isinstance(rule, str):
        return at_path(item, rule)
    kind = next((kind for kind in _KINDS if isinstance(rule, dict) and kind in rule), None)
    if kind is None or depth == 0:
        raise Missing("the rule is not understood")
    return _KINDS[kind](item, rule, depth - 1)


def at_path(item: Any, path: Any) -> Any:
    """The value at a path such as a.b[0]["c.d"]. Raises Missing naming the path."""
    if not isinstance(path, str) or not path:
        raise Missing("the path is not a text")
    value = item
    for number, quoted, name in STEP.findall(path):
        key: Any = int(number) if number else quoted or name
        inside = value if isinstance(value, list if number else dict) else None
        if inside is None or (key >= len(inside) if number else key not in inside):
            raise Missing(f"nothing at {path[:80]}")
        value = inside[key]
    if value in (None, ""):
        raise Missing(f"nothing at {path[:80]}")
    return value


def _first(item: Any, rule: dict[str, Any], depth: int) -> Any:
    for choice in rule["first"] if isinstance(rule["first"], list) else []:
        try:
            return value_of(item, choice, depth)
        except Missing:
            continue
    raise Missing("none of the choices is there")


def _table(item: Any, rule: dict[str, Any], _depth: int) -> Any:
    word = text(at_path(item, rule.get("path")))
    table = rule["table"] if isinstance(rule["table"], dict) else {}
    found = {str(name).lower(): value for name, value in table.items()}.get(word.lower(), rule.get("default"))
    if found is None:
        raise Missing(f"{word[:40]!r} is not in the table")
    return found


def _template(item: Any, rule: dict[str, Any], _depth: int) -> str:
    return PLACEHOLDER.sub(lambda place: text(at_path(item, place[1].strip())), text(rule["template"]))


_KINDS: dict[str, Any] = {
    "constant": lambda _item, rule, _depth: rule["constant"], "first": _first, "table": _table, "template": _template,
    "path": lambda item, rule, _depth: at_path(item, rule["path"]),
}
