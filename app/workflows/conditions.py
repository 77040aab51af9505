"""Conditions: groups and comparisons over plain values. Nothing absent or of another type is ever an error. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from app.core import matching
from app.workflows.comparing import comparison

DEEPEST, MOST, PATTERN = 5, 100, 200
GROUPS = ("all", "any", "not")
Path = tuple[str, ...]
Context = Mapping[str, Any]
Test = Callable[["Fields"], bool]
# What each comparison is called on the pages; the last group needs no value.
OPERATORS = {
    "eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of", "contains": "contains",
    "not_contains": "does not contain", "starts_with": "starts with", "ends_with": "ends with", "matches": "matches",
    "gt": "is above", "gte": "is at least", "lt": "is below", "lte": "is at most", "exists": "is there",
    "not_exists": "is not there", "within": "is within",
}


class Fields(dict[str, Any]):
    """What stands at each field of a context, looked up once however many ask."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def __missing__(self, field: str) -> Any:
        self[field] = found = value_at(self.context, field)
        return found


def holds(condition: Any, context: Context) -> bool:
    """Whether the condition is true; an empty one is."""
    return ready(condition)(Fields(context))


def ready(condition: Any) -> Test:
    """The condition made ready to be asked of many contexts."""
    if not condition:
        return lambda fields: True
    if "not" in condition:
        inner = ready(condition["not"])
        return lambda fields: not inner(fields)
    if "all" in condition:
        return _joined([ready(part) for part in condition["all"]], ends=False)
    if "any" in condition:
        return _joined([ready(part) for part in condition["any"]], ends=True)
    field, fits = condition["field"], comparison(condition["op"], condition.get("value"))
    return lambda fields: fits(fields[field])


def _joined(parts: list[Test], *, ends: bool) -> Test:
    """Asked in turn until one answers `ends`."""
    def joined(fields: Fields) -> bool:
        for part in parts:
            if part(fields) is ends:
                return ends
        return not ends
    return joined


@lru_cache(4096)
def path_of(field: str) -> Path:
    """`incident.labels.pod` as steps; what follows `labels` is one step, since the names of labels hold dots."""
    parts = tuple(field.split("."))
    if "labels" in parts[:-1]:
        at = parts.index("labels") + 1
        return (*parts[:at], ".".join(parts[at:]))
    return parts


def value_at(context: Context, field: str) -> Any:
    """What stands there; None for nothing."""
    value: Any = context
    for step in path_of(field):
        if not isinstance(value, dict | Mapping):
            return None
        value = value.get(step)
    return value


def fields_of(condition: Any) -> Iterator[str]:
    """Every field that the condition asks for."""
    if not isinstance(condition, Mapping):
        return
    for group in ("all", "any"):
        for part in condition.get(group) or ():
            yield from fields_of(part)
    yield from fields_of(condition.get("not"))
    if isinstance(condition.get("field"), str):
        yield condition["field"]


def faults(condition: Any, roots: frozenset[str], place: str = "when", depth: int = 0) -> Iterator[tuple[str, str]]:
    """What is wrong with a condition, as (place, sentence)."""
    if condition in (None, {}):
        return
    if not isinstance(condition, Mapping):
        yield place, "A condition is a comparison or a group"
        return
    groups = [name for name in GROUPS if name in condition]
    if groups and len(condition) > 1:
        yield place, f"A group has {', '.join(GROUPS)} alone"
    elif groups:
        yield from _group_faults(condition, groups[0], (roots, place, depth))
    else:
        yield from _comparison_faults(condition, roots, place)


def _group_faults(condition: Mapping[str, Any], name: str, at: tuple[frozenset[str], str, int]) -> Iterator[tuple[str, str]]:
    roots, place, depth = at
    if depth >= DEEPEST:
        yield place, f"Groups stand at most {DEEPEST} deep in each other"
        return
    if name == "not":
        yield from faults(condition["not"], roots, f"{place}.not", depth + 1)
        return
    parts = condition[name]
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST:
        yield f"{place}.{name}", f"A group holds 1 to {MOST} conditions"
        return
    for number, part in enumerate(parts):
        yield from faults(part, roots, f"{place}.{name}[{number}]", depth + 1)


def _comparison_faults(condition: Mapping[str, Any], roots: frozenset[str], place: str) -> Iterator[tuple[str, str]]:
    field, op = condition.get("field"), condition.get("op")
    unknown = set(condition) - {"field", "op", "value"}
    if unknown:
        yield place, f"A comparison has field, op and value, not {', '.join(sorted(unknown))}"
    if not isinstance(field, str) or not field:
        yield f"{place}.field", "A field is needed"
    elif field.split(".")[0] not in roots:
        yield f"{place}.field", f"There is no {field.split('.')[0]} here; names begin with {', '.join(sorted(roots))}"
    if not isinstance(op, str) or op not in OPERATORS:
        yield f"{place}.op", f"There is no comparison {op}; there are {', '.join(OPERATORS)}"
    elif fault := _value_fault(op, condition.get("value")):
        yield f"{place}.value", fault


def _value_fault(op: str, value: Any) -> str:
    if op in ("exists", "not_exists"):
        return ""
    if op in ("in", "not_in"):
        return "" if isinstance(value, list) and 0 < len(value) <= MOST else f"A list of 1 to {MOST} values is needed"
    if op == "matches":
        return _pattern_fault(value)
    if op == "within":
        return _hours_fault(value)
    return "A value is needed" if value is None or isinstance(value, Mapping | list) else ""


def _pattern_fault(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= PATTERN:
        return f"A pattern has 1 to {PATTERN} characters"
    try:
        matching.pattern(value)
    except ValueError as fault:
        return str(fault)
    return ""


def _hours_fault(value: Any) -> str:
    try:
        if not isinstance(value, Mapping) or set(value) - {"days", "from", "to", "time_zone"}:
            raise ValueError
        matching.hours(value.get("days"), value.get("from"), value.get("to"), value.get("time_zone")).hold(
            datetime(2026, 1, 5, tzinfo=UTC))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return "Write days (mon … sun), from and to (09:00) and time_zone (Europe/Berlin)"
    return ""


def in_words(condition: Any) -> str:
    """The condition as people read it; "" for an empty one."""
    if not condition:
        return ""
    if "not" in condition:
        return f"not ({in_words(condition['not'])})"
    for name, joint in (("all", " and "), ("any", " or ")):
        if name in condition:
            parts = [in_words(part) for part in condition[name]]
            return joint.join(f"({part})" if len(parts) > 1 and any(group in each for group in ("all", "any")) else part
                              for part, each in zip(parts, condition[name], strict=True))
    field = str(condition.get("field", "")).removeprefix("incident.").replace("_", " ")
    return f"{field} {OPERATORS.get(condition.get('op'), '?')} {_value_words(condition.get('value'))}".strip()


def _value_words(value: Any) -> str:
    if isinstance(value, Mapping):
        days = ", ".join(value.get("days") or ()) or "every day"
        return f"{days} {value.get('from') or '00:00'}–{value.get('to') or '24:00'} {value.get('time_zone') or 'UTC'}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
