"""Parameters of a runbook: the part of JSON Schema (2020-12) that is understood, its check, and values held against it.

One schema gives the form, the check of the API and the docs. Pure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import re2  # type: ignore[import-not-found, import-untyped, unused-ignore]

from app.core.forms import CONTROL, Problems, email_address

TOP = {"type", "properties", "required", "title", "description", "additionalProperties", "$schema"}
SAID = {"type", "enum", "items", "default", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "title",
        "description", "writeOnly"}
SCALARS = ("string", "integer", "number", "boolean")
FORMATS = ("date", "date-time", "email", "uri", "uuid")
MOST_FIELDS, MOST_ITEMS, MOST_TEXT = 30, 100, 8 * 1024
NAME = re2.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
WORDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list"}
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


def check_schema(schema: Any, problems: Problems) -> None:
    """Note every place that is not understood, contradicts itself or holds a default outside of its own rules."""
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        problems.add("", "Parameters are an object: {type: object, properties: {…}}")
        return
    for name in sorted(set(schema) - TOP):
        problems.add(name, f"{name} is not understood here")
    if schema.get("additionalProperties", False) is not False:
        problems.add("additionalProperties", "Unknown fields are always refused")
    fields = schema.get("properties", {})
    if not isinstance(fields, Mapping) or len(fields) > MOST_FIELDS:
        problems.add("properties", f"At most {MOST_FIELDS} fields, each with its rules")
        return
    for name, field in fields.items():
        place = problems.at(f"properties.{name}")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            place.add("", "A field's name has letters, digits, _ and -, and begins with a letter")
        _check_field(field, place)
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) and name in fields for name in required):
        problems.add("required", "required lists names of fields that exist")


def _check_field(field: Any, problems: Problems, *, item: bool = False) -> None:
    if not isinstance(field, Mapping):
        problems.add("", "A field is an object with its rules")
        return
    for name in sorted(set(field) - SAID):
        problems.add(name, f"{name} is not understood here")
    kinds = SCALARS if item else (*SCALARS, "array")
    if field.get("type", "string" if "enum" in field else None) not in kinds:
        problems.add("type", f"type is one of {', '.join(kinds)}")
        return
    before = len(problems.found)
    _check_rules(field, problems)
    if field.get("type") == "array":
        _check_field(field.get("items", {"type": "string"}), problems.at("items"), item=True)
    elif "items" in field:
        problems.add("items", "items belongs to a list")
    if len(problems.found) == before and "default" in field:
        faults = faults_of(field, field["default"])
        for fault in faults[:1]:
            problems.add("default", f"The default does not keep to its own rules: {fault}")


def _check_rules(field: Mapping[str, Any], problems: Problems) -> None:
    for name in ("minimum", "maximum"):
        if name in field and not _is_number(field[name]):
            problems.add(name, f"{name} is a number")
    for name in ("minLength", "maxLength"):
        if name in field and (type(field[name]) is not int or field[name] < 0):
            problems.add(name, f"{name} is a whole number")
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength")):
        if not problems.found and low in field and high in field and field[low] > field[high]:
            problems.add(low, f"{low} is above {high}")
    if "pattern" in field:
        problems.take("pattern", _pattern, field["pattern"])
    if "format" in field and field["format"] not in FORMATS:
        problems.add("format", f"format is one of {', '.join(FORMATS)}")
    if "writeOnly" in field and not isinstance(field["writeOnly"], bool):
        problems.add("writeOnly", "writeOnly is true or false")
    for name in ("title", "description"):
        if name in field and (not isinstance(field[name], str) or len(field[name]) > 500):
            problems.add(name, f"{name} is text of at most 500 characters")
    choices = field.get("enum", [None])
    if not isinstance(choices, list) or not 0 < len(choices) <= MOST_ITEMS or not all(
            one is None or isinstance(one, str | int | float | bool) for one in choices):
        problems.add("enum", f"enum lists 1 to {MOST_ITEMS} plain values")


def _pattern(text: Any) -> Any:
    if not isinstance(text, str) or len(text) > 500:
        raise ValueError("pattern is text of at most 500 characters")
    options = re2.Options()
    options.log_errors, options.max_mem = False, 8 * 1024 * 1024
    try:
        return re2.compile(text, options)
    except re2.error:
        raise ValueError("This pattern can't be read") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_values(schema: Mapping[str, Any], values: Any, problems: Problems) -> dict[str, Any]:
    """The values with the defaults filled in; notes one fault for each field."""
    if not isinstance(values, Mapping):
        problems.add("", "Parameters are an object")
        return {}
    fields = schema.get("properties", {})
    for name in sorted(set(map(str, values)) - set(fields)):
        problems.add(name, f"There is no parameter {name}")
    clean: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in values and "default" in field:
            clean[name] = field["default"]
        elif name in values:
            clean[name] = values[name]
            if faults := faults_of(field, values[name]):
                problems.add(name, faults[0])
        elif name in schema.get("required", []):
            problems.add(name, f"{label(name, field)} is needed")
    return clean


def label(name: str, field: Mapping[str, Any]) -> str:
    """What people call a field."""
    return str(field.get("title") or name.replace("_", " ").replace("-", " ").capitalize())


def faults_of(field: Mapping[str, Any], value: Any) -> list[str]:
    """What is wrong with one value, in sentences."""
    kind = field.get("type", "string")
    if kind == "array":
        return _list_faults(field, value)
    if "type" in field and not _is_kind(kind, value):
        return [f"This must be {WORDS[kind]}"]
    if "enum" in field and not any(type(value) is type(one) and value == one for one in field["enum"]):
        return [f"This must be one of {', '.join(map(_said, field['enum']))}"]
    if _is_number(value):
        return _number_faults(field, value)
    return _text_faults(field, value) if isinstance(value, str) else []


def _list_faults(field: Mapping[str, Any], value: Any) -> list[str]:
    if not isinstance(value, list):
        return ["This must be a list"]
    if len(value) > MOST_ITEMS:
        return [f"This may have at most {MOST_ITEMS} items"]
    rules = field.get("items", {"type": "string"})
    return [f"Item {at}: {fault}" for at, item in enumerate(value, 1) for fault in faults_of(rules, item)]


def _is_kind(kind: str, value: Any) -> bool:
    if kind == "integer":
        return _is_number(value) and float(value).is_integer()
    return {"string": isinstance(value, str), "number": _is_number(value), "boolean": isinstance(value, bool)}[kind]


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number_faults(field: Mapping[str, Any], value: float) -> list[str]:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and value < low:
        return [f"{value:g} is less than {low:g}"]
    return [f"{value:g} is more than {high:g}"] if high is not None and value > high else []


def _text_faults(field: Mapping[str, Any], value: str) -> list[str]:
    if "\0" in value or len(value) > MOST_TEXT:
        return [f"This may have at most {MOST_TEXT} characters"]
    if len(value) < field.get("minLength", 0):
        return [f"This needs at least {field['minLength']} characters"]
    if len(value) > field.get("maxLength", MOST_TEXT):
        return [f"This may have at most {field['maxLength']} characters"]
    if "pattern" in field and not _pattern(field["pattern"]).search(value):
        return [f"This must fit the pattern {field['pattern']}"]
    try:
        _FORMATS.get(field.get("format", ""), str)(value)
    except (ValueError, OverflowError):
        return [f"This must be {_ARTICLES[field['format']]}"]
    return []


def _uri(text: str) -> None:
    parts = urlsplit(text)
    if not parts.scheme or not (parts.netloc or parts.path) or CONTROL.search(text) or " " in text:
        raise ValueError("no address")


_FORMATS: dict[str, Any] = {
    "date": date.fromisoformat, "date-time": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
    "email": email_address, "uri": _uri, "uuid": UUID}
_ARTICLES = {"date": "a date like 2026-01-31", "date-time": "a time like 2026-01-31T09:00:00Z",
             "email": "an e-mail address", "uri": "an address", "uuid": "a UUID"}
