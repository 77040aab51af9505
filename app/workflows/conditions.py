"""Conditions: groups and comparisons over plain values. Nothing absent or of another type is ever an error. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from app.core import matching
from app.incidents.rules import SEVERITIES

DEEPEST, MOST, PATTERN = 5, 100, 200
GROUPS = ("all", "any", "not")
Path = tuple[str, ...]
Context = Mapping[str, Any]
# What each comparison is called on the pages; the last group needs no value.
OPERATORS = {
    "eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of", "contains": "contains",
    "not_contains": "does not contain", "starts_with": "starts with", "ends_with": "ends with", "matches": "matches",
    "gt": "is above", "gte": "is at least", "lt": "is below", "lte": "is at most", "exists": "is there",
    "not_exists": "is not there", "within": "is within",
}
ABSENT_FITS = frozenset({"ne", "not_in", "not_contains", "not_exists"})


def holds(condition: Any, context: Context) -> bool:
    """Whether the condition is true; an empty one is."""
    if not condition:
        return True
    if "all" in condition:
        return all(holds(part, context) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, context) for part in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], context)
    return compare(condition["op"], value_at(context, condition["field"]), condition.get("value"))


def compare(op: str, found: Any, wanted: Any) -> bool:
    """One comparison; `found` is None where there is nothing."""
    if op == "exists" or op == "not_exists":
        return (found is not None) == (op == "exists")
    if found is None:
        return op in ABSENT_FITS
    if op in ("ne", "not_in", "not_contains"):
        return not COMPARE[{"ne": "eq", "not_in": "in", "not_contains": "contains"}[op]](found, wanted)
    return COMPARE[op](found, wanted)


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _among(found: Any, wanted: Any) -> bool:
    choices = wanted if isinstance(wanted, list) else [wanted]
    return any(_same(one, choice) for one in (found if isinstance(found, list) else [found]) for choice in choices)


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return any(_same(one, wanted) for one in found)
    return isinstance(found, str) and isinstance(wanted, str) and wanted.lower() in found.lower()


def _texts(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: isinstance(found, str) and isinstance(wanted, str) and test(found, wanted)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(found: Any, wanted: Any) -> bool:
        one, other = _weight(found), _weight(wanted)
        return one is not None and other is not None and one[0] == other[0] and test(one[1], other[1])
    return compared


def _weight(value: Any) -> tuple[str, Any] | None:
    """By what a value is ordered: severities by rank, numbers, instants."""
    if isinstance(value, str) and value in SEVERITIES:
        return "severity", -SEVERITIES.index(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", value
    at = _instant(value)
    return None if at is None else ("instant", at)


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str) and len(value) < 10:
        return None
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _within(found: Any, wanted: Any) -> bool:
    at = _instant(found)
    if at is None or not isinstance(wanted, Mapping):
        return False
    return matching.hours(wanted.get("days"), wanted.get("from"), wanted.get("to"), wanted.get("time_zone")).hold(at)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _same, "in": _among, "contains": _contains, "starts_with": _texts(str.startswith),
    "ends_with": _texts(str.endswith), "matches": _texts(lambda found, wanted: matching.pattern(wanted)(found)),
    "gt": _ordered(lambda one, other: one > other), "gte": _ordered(lambda one, other: one >= other),
    "lt": _ordered(lambda one, other: one < other), "lte": _ordered(lambda one, other: one <= other), "within": _within,
}


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
    if op not in OPERATORS:
        yield f"{place}.op", f"There is no comparison {op}; there are {', '.join(OPERATORS)}"
    elif fault := _value_fault(str(op), condition.get("value")):
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
    except (ValueError, KeyError, TypeError, OSError):
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
