"""What people type about one step or the trigger, as the values of the graph; and the fields that ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import Invalid, Problem
from app.core.fields import Field
from app.core.forms import number_of
from app.workflows import conditions
from app.workflows.checks import STATES

ROWS = 5
Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Row:
    """A comparison in the form of a condition."""

    field: str = ""
    op: str = "eq"
    value: str = ""


@dataclass(frozen=True)
class ConditionForm:
    """A flat condition as rows; one with groups in groups as JSON."""

    group: str
    rows: list[Row]
    nested: str = ""


def condition_form(said: Any) -> ConditionForm:
    """The form of a condition, with a free row."""
    group = next((name for name in ("all", "any") if isinstance(said, Mapping) and name in said), "all")
    parts = said[group] if isinstance(said, Mapping) and group in said else [said] if said else []
    if any(not isinstance(part, Mapping) or "field" not in part for part in parts):
        return ConditionForm(group, [], json.dumps(said, indent=1, ensure_ascii=False))
    rows = [Row(str(part["field"]), str(part["op"]), _text(part.get("value"))) for part in parts]
    return ConditionForm(group, [*rows, Row()])


def _text(value: Any) -> str:
    """A value as typed: texts as they are, lists with commas, everything else as JSON."""
    if isinstance(value, str):
        return json.dumps(value) if _value("eq", value) != value else value
    if isinstance(value, list) and all(isinstance(one, str) and "," not in one for one in value):
        return ", ".join(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def read_condition(form: Form) -> Any:
    """The condition that was typed; None for none. Raises Invalid at `when`."""
    nested = _one(form, "when.nested")
    if nested:
        return _json(nested, "when.nested", "The condition")
    parts = []
    for number in range(conditions.MOST):
        field, op = _one(form, f"when.{number}.field"), _one(form, f"when.{number}.op")
        if field:
            value = _value(op, _one(form, f"when.{number}.value"))
            parts.append({"field": field, "op": op, **({} if value is None else {"value": value})})
        elif f"when.{number}.field" not in form:
            break
    if not parts:
        return None
    group = _one(form, "when.group") or "all"
    return parts[0] if len(parts) == 1 and group == "all" else {group: parts}


def _value(op: str, text: str) -> Any:
    if op in ("exists", "not_exists"):
        return None
    if text[:1] in ("[", "{", '"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if op in ("in", "not_in"):
        return [_plain(part.strip()) for part in text.split(",") if part.strip()]
    return _plain(text)


def _plain(text: str) -> Any:
    """A number, true or false where it reads so, text otherwise."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if text.lstrip("-").isdecimal() and text.isascii() else float(text) if "." in text else text
    except ValueError:
        return text


def _json(text: str, field: str, label: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as fault:
        raise Invalid(problems=[Problem(field, f"{label} is not JSON: {fault}")]) from None


def _one(form: Form, name: str) -> str:
    return (list(form.get(name, ())) or [""])[0].strip()


def read_trigger(form: Form) -> dict[str, Any]:
    """The trigger that was typed."""
    event = _one(form, "event")
    said: dict[str, Any] = {"event": _one(form, "fact") if event == "fact" else event}
    if event in ("state_changed", "severity_changed"):
        for name in ("from", "to"):
            if chosen := [value for value in form.get(name, ()) if value]:
                said[name] = chosen
    if event == "age":
        said |= {"after": _one(form, "after"), "states": [value for value in form.get("states", ()) if value in STATES]}
    if event == "schedule":
        said |= {"cron": _one(form, "cron"), "time_zone": _one(form, "time_zone") or "UTC"}
    when = read_condition(form)
    said = {name: value for name, value in said.items() if value}
    return {**said, "when": when} if when else said


def read_node(form: Form, node: Mapping[str, Any], params: Sequence[Field]) -> dict[str, Any]:
    """The values of a step that were typed; None where something was taken away."""
    values: dict[str, Any] = {"name": _one(form, "name")[:60] or None}
    if node["kind"] == "condition":
        return {**values, "when": read_condition(form)}
    if node["kind"] == "delay":
        stop = [one for one in form.get("stop_when", ()) if one]
        return {**values, "for": _one(form, "for"), "stop_when": stop or None}
    if node["kind"] == "runbook":
        said = _one(form, "parameters")
        return {**values, "runbook": _one(form, "runbook") or None, "wait": _one(form, "wait") != "no",
                "parameters": _json(said, "parameters", "Parameters") if said else None}
    said = {one.name: _param(form, one) for one in params}
    return {**values, "with": {name: value for name, value in said.items() if value not in ("", None)},
            "connection": _one(form, "connection") or None, "timeout": _one(form, "timeout") or None,
            "retries": number_of(_one(form, "retries")) if _one(form, "retries").isdecimal() else None}


def _param(form: Form, param: Field) -> Any:
    """What was typed for a param. JSON that can't be read is text, which a body may be."""
    raw = (list(form.get(f"with.{param.name}", ())) or [""])[0]
    text = raw.replace("\r\n", "\n") if param.kind == "area" else raw.strip()
    if param.kind != "json" or not text.strip():
        return text
    try:
        return json.loads(text)
    except ValueError:
        if param.name == "body":
            return text
        raise Invalid(problems=[Problem(f"with.{param.name}", f"{param.label} is not JSON")]) from None


def shown(value: Any, kind: str) -> str:
    """A param's value as its field shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=1, ensure_ascii=False) if kind == "json" else str(value)
