"""Conditions: every comparison with a match, no match, nothing there, and another type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.workflows import comparing, conditions
from app.workflows.documents import condition
from app.workflows.trigger_checks import ROOTS

MONDAY = "2026-03-02T10:00:00Z"
WITHIN = {"days": ["mon"], "from": "09:00", "to": "17:00", "time_zone": "UTC"}
# comparison, wanted, what fits, what does not, what is of another type
TABLE = [
    ("eq", "a", "a", "b", 1), ("eq", 1, 1, 2, True), ("ne", "a", "b", "a", None), ("in", ["a", "b"], "b", "c", {}),
    ("not_in", ["a"], "c", "a", None), ("contains", "is", "Disk is full", "all well", 3), ("contains", "a", ["a", "b"], ["c"], {}),
    ("not_contains", "full", "empty", "disk full", None), ("starts_with", "Di", "Disk", "disk", 3), ("ends_with", "ll", "full", "fill?", []),
    ("matches", "^d.sk", "disk", "a disk", 3), ("gt", 3, 4, 3, "4"), ("gte", "high", "critical", "medium", 3), ("lt", 3, 2, 3, "x"),
    ("lte", "medium", "info", "high", "?"), ("gt", "2026-03-01T00:00:00Z", MONDAY, "2026-02-01T00:00:00Z", "soon"),
    ("exists", None, "a", None, None), ("not_exists", None, None, "a", "a"), ("within", WITHIN, MONDAY, "2026-03-03T10:00:00Z", "soon"),
]


@pytest.mark.parametrize(("op", "wanted", "fits", "other", "strange"), TABLE, ids=lambda value: str(value)[:20])
def test_each_comparison(op, wanted, fits, other, strange):
    """WF-06: nothing absent or strange is an error; only four comparisons fit what is absent."""
    asked = comparing.comparison(op, wanted)
    assert asked(fits) and not asked(other)
    if strange is not None:
        assert asked(strange) == (op in ("ne", "not_in", "not_contains"))
    assert asked(None) == (op in ("ne", "not_in", "not_contains", "not_exists"))


def test_groups_and_labels_with_dots():
    """all, any, not; a label's name may hold dots."""
    context = {"incident": {"severity": "high", "labels": {"app.kubernetes.io/name": "web"}}}
    label = {"field": "incident.labels.app.kubernetes.io/name", "op": "eq", "value": "web"}
    low = {"field": "incident.severity", "op": "eq", "value": "low"}
    assert conditions.holds({"all": [label, {"not": low}]}, context) and conditions.holds({"any": [low, label]}, context)
    assert not conditions.holds({"all": [label, low]}, context) and conditions.holds(None, context)


def test_groups_stand_at_most_five_deep():
    """One deeper is a fault."""
    inner = {"field": "incident.title", "op": "exists"}
    for _ in range(5):
        inner = {"all": [inner]}
    assert not list(conditions.faults(inner, ROOTS))
    assert "at most 5 deep" in list(conditions.faults({"not": inner}, ROOTS))[0][1]


@pytest.mark.parametrize(("value", "words"), [
    ({"field": "incidents.title", "op": "eq", "value": "a"}, "There is no incidents here"), ({"op": "eq"}, "A field is needed"),
    ({"field": "incident.title", "op": "like", "value": "a"}, "no comparison like"),
    ({"field": "incident.title", "op": "matches", "value": "("}, "can't be used"),
    ({"field": "incident.title", "op": "matches", "value": "a" * 201}, "1 to 200"),
    ({"field": "now", "op": "within", "value": {"days": ["x"]}}, "Write days"), ({"all": []}, "holds 1 to"), ("x", "a comparison or a group"),
    ({"field": "incident.title", "op": "in", "value": "a"}, "A list of")])
def test_what_can_not_be_asked_is_said(value, words):
    """Faults are sentences."""
    assert any(words in message for _, message in conditions.faults(value, ROOTS))


def test_the_short_form_is_read_as_routes_read_it():
    """A list means one of it, a star any text, null nothing, any other name a label."""
    read = condition({"severity": ["critical", "high"], "title": "*disk*", "service": "checkout", "pod": None})
    context = {"incident": {"severity": "high", "title": "The Disk is full", "service": {"key": "checkout"}, "labels": {}}}
    assert not list(conditions.faults(read, ROOTS)) and conditions.holds(read, context)
    context["incident"]["labels"]["pod"] = "a"
    assert not conditions.holds(read, context)


def test_hours_hold_in_their_zone():
    """Nine in New York is fourteen in UTC."""
    hours = condition({"days": ["mon"], "from": "09:00", "to": "10:00", "time_zone": "America/New_York"})
    assert conditions.holds(hours, {"now": datetime(2026, 3, 2, 14, 30, tzinfo=UTC).isoformat()})
    assert not conditions.holds(hours, {"now": datetime(2026, 3, 2, 9, 30, tzinfo=UTC).isoformat()})


def test_a_condition_reads_in_words():
    """For the list and the picture."""
    said = {"any": [{"field": "incident.severity", "op": "gte", "value": "high"}, {"not": {"field": "incident.title", "op": "exists"}}]}
    assert conditions.in_words(said) == "severity is at least high or not (title is there)"
