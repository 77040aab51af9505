"""Checks values against JSON Schema (2020-12) and says in sentences what is wrong, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from app.core.errors import Problem

Path = tuple[str | int, ...]
WORDS = {"object": "an object", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
         "boolean": "true or false", "null": "nothing"}


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit: where it stands (keys and positions from the top) and a sentence.

    `at_key` says that the key itself is meant, not its value.
    """

    path: Path
    message: str
    at_key: bool = False


def field(path: Path) -> str:
    """The path as people write it, `members[1].user`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A checker for `schema`; make it once, it may be used from many threads."""
    return Draft202012Validator(dict(schema))


def faults(check: Draft202012Validator, value: Any) -> list[Fault]:
    """Everything about `value` that `check` does not accept, in the order of the value; [] when all is well."""
    found = [fault for error in check.iter_errors(value) for fault in _said(error)]
    return list(dict.fromkeys(found))


def problems(check: Draft202012Validator, value: Any) -> list[Problem]:
    """The same as fields with sentences, as an API answers them."""
    return [Problem(field(fault.path), fault.message) for fault in faults(check, value)]


def unknown_key(name: str, known: list[str]) -> str:
    """The sentence about a key that does not exist, with the nearest one that does."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown key {name!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _said(error: ValidationError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    if error.context and error.validator in ("anyOf", "oneOf"):
        yield Fault(path, _choice(error))
    elif error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for name in error.instance:
            if name not in known:
                yield Fault((*path, name), unknown_key(str(name), known), at_key=True)
    elif error.validator == "required":
        name = str(error.message).split("'")[1]
        yield Fault((*path, name), f"{name} is needed")
    else:
        yield Fault(path, _sentence(error))


def _choice(error: ValidationError) -> str:
    types = [branch.get("type") for branch in error.validator_value if isinstance(branch, dict)]
    words = [WORDS[kind] for kind in types if isinstance(kind, str)]
    return f"must be {' or '.join(words)}" if words else "does not fit any of the allowed forms"


def _sentence(error: ValidationError) -> str:
    rule = error.schema.get("x-rule") if isinstance(error.schema, dict) else None
    if rule and error.validator in ("pattern", "enum", "minProperties", "maxProperties", "maxItems"):
        return str(rule)
    say = SENTENCES.get(str(error.validator))
    return say(error.validator_value, error.instance) if say else str(error.message)[:200]


def _type(wanted: Any, _value: Any) -> str:
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    return f"must be {' or '.join(WORDS[kind] for kind in kinds if kind != 'null' or len(kinds) == 1)}"


SENTENCES: dict[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "enum": lambda wanted, _: f"must be one of {', '.join(str(one) for one in wanted)}",
    "const": lambda wanted, _: f"must be {wanted}",
    "minLength": lambda wanted, _: "must not be empty" if wanted == 1 else f"must have {wanted} characters or more",
    "maxLength": lambda wanted, value: f"must have at most {wanted} characters; it has {len(value)}",
    "minimum": lambda wanted, _: f"must be {wanted} or more",
    "maximum": lambda wanted, _: f"must be at most {wanted}",
    "minItems": lambda wanted, _: f"needs {wanted} or more",
    "maxItems": lambda wanted, value: f"at most {wanted} are allowed; there are {len(value)}",
    "uniqueItems": lambda _wanted, _value: "names one thing twice",
    "pattern": lambda _wanted, _value: "does not have the right form",
    "minProperties": lambda wanted, _: f"needs {wanted} or more keys",
    "maxProperties": lambda wanted, _: f"must have at most {wanted} keys",
}
