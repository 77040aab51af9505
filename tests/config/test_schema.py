"""The schema and an apply refuse the same broken documents: valid ones of every kind, broken in every place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from flask import Flask
from jsonschema import Draft202012Validator

from app.config import insides, service, shape
from app.config.document import KINDS, NAMED_BY, load
from app.core.errors import Invalid
from app.identity.models import User
from tests import build
from tests.config.documents import EXAMPLE, apply
from tests.config.samples import OTHERS, WORKFLOWS

UNKNOWN, WRONG = "zz_unknown", "zz no such word"
# What no schema can say: whom a name means, how the parts of a graph lie to each other, and what a value is worth.
BY_VALUE = re.compile(r"there is no |There is no (runbook|connection) |leads (from|to) a step that does not exist"
                      r"|No arrow from the trigger|It has no output ")
Verdict = Callable[[str, dict[str, Any]], bool]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in an object, from the outside in."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def broken(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object with an unknown key, without a key, with a value of another type, with a word that is none of those allowed."""
    for path in places(item):
        outer: Any = copy.deepcopy(item)
        held: Any = outer
        for key in path[:-1]:
            held = held[key]
        was = held[path[-1]] if path else held
        if isinstance(was, dict):
            was[UNKNOWN] = 1
            yield copy.deepcopy(outer)
            del was[UNKNOWN]
        if path and isinstance(path[-1], str):
            del held[path[-1]]
            yield copy.deepcopy(outer)
        for wrong in [12345 if isinstance(was, dict) else {UNKNOWN: 1}, *([WRONG] if isinstance(was, str) else [])] if path else []:
            held[path[-1]] = wrong
            yield copy.deepcopy(outer)


@pytest.fixture
def verdicts(app: Flask) -> tuple[Verdict, Verdict]:
    """Whether the schema, and whether the reader of documents, accepts one object of a kind."""
    def of(schema: dict[str, Any]) -> Verdict:
        check = Draft202012Validator(schema)
        check.check_schema(schema)
        return lambda kind, item: check.is_valid({"version": 1, kind: [item]})
    plugins = app.extensions["plugins"]
    return of(insides.published(plugins)), of(shape.document(plugins))


def refused(said: dict[str, list[dict[str, Any]]]) -> dict[tuple[str, int], list[str]]:
    """What an apply says of each of these objects, by kind and place."""
    found: dict[tuple[str, int], list[str]] = {}
    with pytest.raises(Invalid) as refusal:
        service.diff(load([("a", json.dumps({"version": 1, **said}).encode())]))
    for problem in refusal.value.problems:
        kind, at = re.search(r" (\w+)\[(\d+)\]", problem.field).groups()
        found.setdefault((kind, int(at)), []).append(problem.message)
    return found


def named(kind: str, item: dict[str, Any], number: int) -> dict[str, Any]:
    """The object under a name of its own, so that many of them stand in one document."""
    name = NAMED_BY.get(kind, "key")
    return {**item, name: f"p{number}@example.com" if name == "email" else f"one-{number}"} if item.get(name) else item


@pytest.fixture
def world(app: Flask, olga: User) -> None:
    """What the samples name."""
    apply(EXAMPLE)
    build.connection("chat")
    build.runbook("restart", approver=olga)
    apply(OTHERS)


@pytest.mark.parametrize("nth", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_the_insides_of_a_workflow_are_refused_by_the_schema_as_by_an_apply(world, verdicts, nth: int) -> None:
    """MIG-10: in the form that is stored and in the short one; the other way round, too: what it refuses is no workflow."""
    schema, reader = verdicts
    every = [named("workflows", one, at) for at, one in enumerate(one for sample in WORKFLOWS for one in broken(sample))]
    assert all(schema("workflows", one) for one in WORKFLOWS) and len(every) > 300
    judged = [(one, schema("workflows", one), reader("workflows", one)) for one in every[::nth]]
    assert not any(accepted for _, accepted, readable in judged if not readable)
    said = refused({"workflows": [one for one, _, readable in judged if readable]})
    read = [(one, accepted, said.get(("workflows", at), [])) for at, (one, accepted, _) in enumerate(
        judgement for judgement in judged if judgement[2])]
    assert [(one, lines) for one, accepted, lines in read if accepted and not all(map(BY_VALUE.search, lines))] == []
    assert [one for one, accepted, lines in read if not accepted and not lines] == []


def test_whatever_an_apply_refuses_for_its_form_the_schema_refuses(world, verdicts) -> None:
    """MIG-10: objects of every other kind; and those that are whole are accepted."""
    schema, reader = verdicts
    whole = {**{kind: items for kind, items in service.export().items() if kind not in ("version", "workflows")}}
    assert set(whole) | {"workflows"} == set(KINDS) and all(
        schema(kind, one) for kind, items in whole.items() for one in items)
    taken: dict[str, list[dict[str, Any]]] = {}
    for kind, items in whole.items():
        for number, one in enumerate(one for item in items[-1:] for one in broken(item)):
            if schema(kind, one):
                taken.setdefault(kind, []).append(named(kind, one, number))
    lines = [(key, line) for key, said in refused(taken).items() for line in said if not BY_VALUE.search(line)]
    assert lines == []


@pytest.mark.parametrize("bad", [
    {}, {"version": 2}, {"version": 1, "teams": [{}]}, {"version": 1, "x": 1},
    {"version": 1, "integrations": [{"key": "aa", "plugin": "nothing"}]},
    {"version": 1, "integrations": [{"key": "aa", "plugin": "alertmanager", "config": {"x": 1}}]}])
def test_a_document_of_another_form_is_none(app: Flask, bad: dict[str, Any]) -> None:
    """MIG-10."""
    assert not Draft202012Validator(insides.published(app.extensions["plugins"])).is_valid(bad)
    with pytest.raises(Invalid):
        load([("a", yaml.safe_dump(bad).encode())])


def test_the_example_is_accepted(app: Flask) -> None:
    """MIG-10."""
    assert Draft202012Validator(insides.published(app.extensions["plugins"])).is_valid(yaml.safe_load(EXAMPLE))
