"""Parameters as controls of a form, and what was typed in them as values. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.runbooks.parameters import label


@dataclass(frozen=True)
class Control:
    """One parameter as a control of the form. `kind`: line, area, number, choice, check, list."""

    name: str
    label: str
    kind: str
    value: Any
    needed: bool
    hint: str = ""
    error: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    secret: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


def control(name: str, schema: Mapping[str, Any], labels: Mapping[str, Any], *, typed: Mapping[str, Any] | None = None,
            error: str = "") -> Control:
    """One parameter of the schema: what was typed, else what the incident's labels say, else its default."""
    one = schema["properties"][name]
    value, hint = (one.get("default", ""), str(one.get("description", ""))) if typed is None else (
        typed.get(name, ""), str(one.get("description", "")))
    if typed is None and name in labels:
        value, hint = labels[name], f"{hint} From the label {name}={labels[name]}".strip()
    if typed is None and "enum" in one:
        value = next((str(at) for at, choice in enumerate(one["enum"]) if said(choice) == said(value)), "")
    if isinstance(value, list):
        value = "\n".join(map(str, value))
    secret = bool(one.get("writeOnly"))
    choices = tuple((str(at), said(choice)) for at, choice in enumerate(one.get("enum", ())))
    return Control(name, label(name, one), _kind(one, secret), "" if secret else value, name in schema.get("required", []),
                   hint, error, choices, secret, _attributes(one))


def _kind(one: Mapping[str, Any], secret: bool) -> str:
    if "enum" in one:
        return "choice"
    plain = {"boolean": "check", "array": "list", "integer": "number", "number": "number"}
    return plain.get(one.get("type", ""), "area" if one.get("maxLength", 0) > 200 and not secret else "line")


def _attributes(one: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in one or one.get("type") not in ("string", "integer", "number"):
        return {}
    if one["type"] == "string":
        found = {"maxlength": one.get("maxLength"), "minlength": one.get("minLength")}
    else:
        found = {"min": one.get("minimum"), "max": one.get("maximum"), "step": "1" if one["type"] == "integer" else "any"}
    return {name: value for name, value in found.items() if value is not None}


def said(value: Any) -> str:
    """A plain value as people read it."""
    return value if isinstance(value, str) else json.dumps(value)


def typed_values(schema: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The typed texts as values: numbers and choices as themselves where they are ones; nothing typed is left out."""
    found: dict[str, Any] = {}
    for name, one in (schema.get("properties") or {}).items():
        text, kind = form.get(f"p.{name}", ""), one.get("type", "string")
        if kind == "boolean" and "enum" not in one:
            found[name] = f"p.{name}" in form
        elif text.strip() or (text and kind == "string"):
            found[name] = _typed(one, kind, text)
    return found


def _typed(one: Mapping[str, Any], kind: str, text: str) -> Any:
    if "enum" in one:
        known = text.isascii() and text.isdecimal() and len(text) < 5 and int(text) < len(one["enum"])
        return one["enum"][int(text)] if known else text
    if kind == "array":
        items = one.get("items", {"type": "string"})
        return [_typed(items, items.get("type", "string"), line.strip()) for line in text.splitlines() if line.strip()]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind not in ("integer", "number"):
        return text.replace("\r\n", "\n")
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        return text


def shown_values(schema: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """What stands in the controls again after an error."""
    return {name: f"p.{name}" in form if one.get("type") == "boolean" and "enum" not in one else form.get(f"p.{name}", "")
            for name, one in (schema.get("properties") or {}).items()}
