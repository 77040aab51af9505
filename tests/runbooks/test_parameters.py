"""Parameters: which schemas are understood, and what of values is refused."""

from __future__ import annotations

import pytest

from app.core.forms import Problems
from app.runbooks.parameters import check_schema, check_values


def places(schema):
    problems = Problems()
    check_schema(schema, problems)
    return [problem.field for problem in problems.found]


def fields(**properties):
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(("schema", "place"), [
    ("no", ""), ({"type": "array"}, ""), ({"type": "object", "oneOf": []}, "oneOf"),
    (fields(a={"type": "string", "multipleOf": 3}), "properties.a.multipleOf"), (fields(a={"type": "object"}), "properties.a.type"),
    (fields(a={"type": ["string"]}), "properties.a.type"), (fields(a={"type": "string", "pattern": "("}), "properties.a.pattern"),
    (fields(a={"type": "string", "default": 3}), "properties.a.default"),
    (fields(a={"type": "integer", "minimum": 5, "default": 3}), "properties.a.default"),
    (fields(a={"enum": ["x"], "default": "y"}), "properties.a.default"),
    (fields(a={"type": "integer", "minimum": 5, "maximum": 3}), "properties.a.minimum"),
    (fields(a={"type": "array", "items": {"type": "array"}}), "properties.a.items.type"),
    (fields(a={"type": "string", "format": "color"}), "properties.a.format"), (fields(**{"a b": {"type": "string"}}), "properties.a b"),
    (fields(**{f"a{at}": {"type": "string"} for at in range(31)}), "properties"),
    ({"type": "object", "properties": {}, "required": ["a"]}, "required"),
    ({"type": "object", "properties": {}, "additionalProperties": True}, "additionalProperties"),
    (fields(a={"type": "string", "enum": []}), "properties.a.enum"), (fields(a=3), "properties.a")])
def test_a_schema_that_is_not_understood_is_refused_at_its_place(schema, place):
    """RB-06: invalid, unknown keyword, a default outside its own rules."""
    assert places(schema) == [place]


SCHEMA = {"type": "object", "required": ["pod"], "properties": {
    "pod": {"type": "string", "pattern": "^[a-z-]+$", "maxLength": 10}, "grace": {"type": "integer", "default": 30, "minimum": 0},
    "share": {"type": "number", "maximum": 100}, "region": {"enum": ["eu", "us"]}, "force": {"type": "boolean"},
    "hosts": {"type": "array", "items": {"type": "string", "minLength": 2}}, "day": {"type": "string", "format": "date"}}}


def test_this_schema_is_fine():
    assert places(SCHEMA) == []


@pytest.mark.parametrize(("values", "faults"), [
    ({}, {"pod": "Pod is needed"}), ({"pod": "A1"}, {"pod": "pattern"}), ({"pod": "a" * 11}, {"pod": "at most 10"}),
    ({"pod": 3}, {"pod": "must be text"}), ({"pod": "a", "grace": "3"}, {"grace": "whole number"}),
    ({"pod": "a", "grace": 1.5}, {"grace": "whole number"}), ({"pod": "a", "grace": True}, {"grace": "whole number"}),
    ({"pod": "a", "grace": -1, "share": 150}, {"grace": "less than 0", "share": "150 is more than 100"}),
    ({"pod": "a", "region": "asia"}, {"region": "one of eu, us"}), ({"pod": "a", "force": "yes"}, {"force": "true or false"}),
    ({"pod": "a", "hosts": ["ab", "c"]}, {"hosts": "Item 2"}), ({"pod": "a", "hosts": ["ab"] * 101}, {"hosts": "100 items"}),
    ({"pod": "a", "day": "31 May"}, {"day": "a date"}), ({"pod": "a", "extra": 1}, {"extra": "no parameter extra"}),
    ([], {"": "object"}), ({"pod": "a", "share": float("nan")}, {"share": "a number"})])
def test_each_wrong_value_has_one_entry(values, faults):
    """RB-07: missing, wrong type, outside enum, pattern or range, extra field."""
    problems = Problems()
    check_values(SCHEMA, values, problems)
    assert {problem.field for problem in problems.found} == set(faults)
    assert all(faults[problem.field] in problem.message for problem in problems.found)


def test_defaults_are_filled_in_and_a_number_stays_a_number():
    """RB-07."""
    problems = Problems()
    assert check_values(SCHEMA, {"pod": "a", "share": 12.5}, problems) == {"pod": "a", "grace": 30, "share": 12.5}
    assert not problems
