"""Values that people configure: declared once, they give the form, the check, the masking and the documentation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Setting:
    """A setting of a plugin; its full name is the slug in capitals, an underscore and `name`."""

    name: str
    default: str = ""
    help: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Field:
    """One configurable value: gives the form, the check, the masking and the README table. An `area` is a long text.

    `regroups`: another value makes other alerts of the same problems, so a change asks what becomes of the open ones.
    """

    name: str
    label: str
    kind: Literal["text", "url", "number", "boolean", "choice", "json", "lines", "area", "phone"] = "text"
    required: bool = False
    help: str = ""
    secret: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = None
    regroups: bool = False

    def parse(self, text: Any) -> Any:
        """The typed value of what was entered. Raises ValueError with a sentence when it is not acceptable."""
        if text in (None, ""):
            if self.required:
                raise ValueError(f"{self.label} is needed")
            return self.default
        return _PARSERS[self.kind](self, text)


def _number(field_: Field, text: Any) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        raise ValueError(f"{field_.label} must be a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{field_.label} must be a number")
    return int(number) if number.is_integer() else number


def _choice(field_: Field, text: Any) -> str:
    values = [value for value, _ in field_.choices]
    if text not in values:
        raise ValueError(f"{field_.label} must be one of {', '.join(values)}")
    return str(text)


def _json(field_: Field, text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{field_.label} is not JSON: {error}") from None


def _url(field_: Field, text: Any) -> str:
    if not str(text).startswith(("https://", "http://")):
        raise ValueError(f"{field_.label} must be an address that starts with https://")
    return str(text)


def _boolean(field_: Field, text: Any) -> bool:
    if isinstance(text, bool):
        return text
    if str(text).lower() not in ("true", "false", "on", "off", "yes", "no", "1", "0"):
        raise ValueError(f"{field_.label} must be yes or no")
    return str(text).lower() in ("true", "on", "yes", "1")


def _lines(field_: Field, text: Any) -> list[str]:
    lines = text.splitlines() if isinstance(text, str) else text
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ValueError(f"{field_.label} must be lines of text")
    return [line.strip() for line in lines if line.strip()]


def _phone(field_: Field, text: Any) -> str:
    """As E.164 writes it (ITU-T): a plus, the country code, at most 15 digits; whoever calls is then known by it."""
    plain = re.sub(r"[\s()./\u2010-\u2015-]", "", str(text))
    plain = f"+{plain[2:]}" if plain.startswith("00") else plain
    if not re.fullmatch(r"\+[1-9]\d{6,14}", plain, re.ASCII):
        raise ValueError(f"{field_.label} begins with the country code, such as +4915112345678")
    return plain


_PARSERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": lambda _field, text: str(text), "area": lambda _field, text: str(text), "url": _url, "number": _number,
    "boolean": _boolean, "choice": _choice, "json": _json, "lines": _lines, "phone": _phone,
}
