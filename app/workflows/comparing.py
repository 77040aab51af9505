"""Comparisons of plain values. Nothing absent or of another type is ever an error. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.core import matching
from app.incidents.rules import SEVERITIES

Fits = Callable[[Any], bool]
OPPOSITES = {"ne": "eq", "not_in": "in", "not_contains": "contains", "not_exists": "exists"}


def comparison(op: str, wanted: Any) -> Fits:
    """What says whether a value fits; None is nothing, which fits only where the opposite of something is wanted."""
    if op in OPPOSITES:
        opposite = comparison(OPPOSITES[op], wanted)
        return lambda found: not opposite(found)
    return COMPARE[op](wanted)


def _exists(wanted: Any) -> Fits:
    return lambda found: found is not None


def _same(wanted: Any) -> Fits:
    truth = isinstance(wanted, bool)
    return lambda found: found == wanted and found is not None and isinstance(found, bool) == truth


def _among(wanted: Any) -> Fits:
    choices = [_same(choice) for choice in (wanted if isinstance(wanted, list) else [wanted])]

    def fits(found: Any) -> bool:
        if isinstance(found, list):
            return any(choice(one) for one in found for choice in choices)
        for choice in choices:  # plain loops: these are asked for each fact of each workflow
            if choice(found):
                return True
        return False
    return fits


def _contains(wanted: Any) -> Fits:
    same = _same(wanted)
    part = wanted.lower() if isinstance(wanted, str) else None

    def fits(found: Any) -> bool:
        if isinstance(found, list):
            return any(map(same, found))
        return part is not None and isinstance(found, str) and part in found.lower()
    return fits


def _text(test: Callable[[str, str], bool]) -> Callable[[Any], Fits]:
    return lambda wanted: lambda found: isinstance(found, str) and isinstance(wanted, str) and test(found, wanted)


def _matches(wanted: Any) -> Fits:
    pattern = matching.pattern(wanted) if isinstance(wanted, str) else None
    return lambda found: pattern is not None and isinstance(found, str) and pattern(found)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any], Fits]:
    def against(wanted: Any) -> Fits:
        other = _weight(wanted)

        def fits(found: Any) -> bool:
            one = _weight(found)
            return one is not None and other is not None and one[0] == other[0] and test(one[1], other[1])
        return fits
    return against


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


def _within(wanted: Any) -> Fits:
    def fits(found: Any) -> bool:
        at = _instant(found)
        if at is None or not isinstance(wanted, Mapping):
            return False
        return matching.hours(wanted.get("days"), wanted.get("from"), wanted.get("to"), wanted.get("time_zone")).hold(at)
    return fits


COMPARE: dict[str, Callable[[Any], Fits]] = {
    "exists": _exists, "eq": _same, "in": _among, "contains": _contains, "starts_with": _text(str.startswith),
    "ends_with": _text(str.endswith), "matches": _matches, "within": _within,
    "gt": _ordered(lambda one, other: one > other), "gte": _ordered(lambda one, other: one >= other),
    "lt": _ordered(lambda one, other: one < other), "lte": _ordered(lambda one, other: one <= other),
}
