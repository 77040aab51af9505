"""Checks of what people type and documents say: each returns the clean value or raises ValueError with a sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any, NoReturn, TypeVar
from zoneinfo import available_timezones

from app.core.errors import Invalid, Problem

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = 3660 * 86400
DIGITS, LARGEST = 18, 2**31 - 1  # of an id; what a column of whole numbers that are no ids holds on PostgreSQL
DURATION = re.compile(r"(\d{1,9})([smhd])")
KEY = re.compile(r"[a-z0-9-]{2,60}")
# PostgreSQL stores no NUL, and no other control character belongs into a name or a note.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
NOWHERE = "invalid"  # the domain that never leads anywhere (RFC 2606, 2)
EMAIL = re.compile(r"[^@\s,;<>\"()\[\]\\]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
Value = TypeVar("Value")


class Problems:
    """Collects every fault of a form or document before anything is refused, each under the path of its value."""

    def __init__(self, prefix: str = "", found: list[Problem] | None = None) -> None:
        self.prefix = prefix
        self.found: list[Problem] = [] if found is None else found

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, field: str, message: str) -> None:
        """Note one fault at `field`, which stands below this collector's own path."""
        self.found.append(Problem(self._path(field), message))

    def at(self, field: str) -> Problems:
        """The same collection one step deeper: faults added there get `field` in front."""
        return Problems(self._path(field), self.found)

    def take(self, field: str, check: Callable[..., Value], value: Any, **options: Any) -> Value | None:
        """`check(value, **options)`; its ValueError becomes a fault at `field`, and the answer None."""
        try:
            return check(value, **options)
        except ValueError as error:
            self.add(field, str(error))
            return None

    def raise_if_any(self) -> None:
        """Raise Invalid with all that was found."""
        if self.found:
            raise Invalid(problems=list(self.found))

    def _path(self, field: str) -> str:
        joint = "." if self.prefix and field and not field.startswith("[") else ""
        return f"{self.prefix}{joint}{field}"


def refuse(field: str, message: str) -> NoReturn:
    """Raise Invalid for one fault."""
    raise Invalid(problems=[Problem(field, message)])


def duration(text: object) -> int:
    """Seconds of `30s`, `5m`, `2h` or `1d`."""
    match = DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError("Write a duration like 30s, 5m, 2h or 1d")
    seconds = int(match[1]) * UNITS[match[2]]
    if seconds > LONGEST:
        raise ValueError("This is longer than ten years")
    return seconds


def duration_text(seconds: int) -> str:
    """The shortest text of `seconds` that `duration` reads back: 300 is `5m`; nothing at all is `0m`."""
    if seconds == 0:
        return "0m"
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0)
    return f"{seconds // UNITS[unit]}{unit}"


def check_key(text: object) -> str:
    """A key: 2 to 60 lower-case letters, digits and hyphens."""
    if not isinstance(text, str) or not KEY.fullmatch(text):
        raise ValueError("A key has 2 to 60 lower-case letters, digits and hyphens")
    return text


def number_of(text: object) -> int:
    """The number that an address or a form names; 0, which nothing has, when it names none or one beyond every id."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS else 0


def free_key(name: str, noun: str, taken: Callable[[str], bool]) -> str:
    """A key made of a name that nobody else has yet: who comes second gets -2."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    stem = stem if len(stem) > 1 else f"{noun}-{stem}".rstrip("-")
    return next(key for key in (stem, *(f"{stem}-{number}" for number in range(2, 10_000))) if not taken(key))


def check_text(text: object, *, least: int = 0, most: int, label: str = "This") -> str:
    """A text of `least` to `most` characters without spaces at its ends and without control characters."""
    clean = text.strip() if isinstance(text, str) else None
    if clean is None:
        raise ValueError(f"{label} must be text")
    if CONTROL.search(clean):
        raise ValueError(f"{label} holds a control character")
    if not clean and least:
        raise ValueError(f"{label} is needed")
    if len(clean) < least:
        raise ValueError(f"{label} needs at least {least} characters")
    if len(clean) > most:
        raise ValueError(f"{label} may have at most {most} characters")
    return clean


def one_of(text: object, choices: Collection[str]) -> str:
    """One of the words in `choices`."""
    if not isinstance(text, str) or text not in choices:
        raise ValueError(f"Must be one of {', '.join(choices)}")
    return text


def check_boolean(value: object) -> bool:
    """True or false; the words of a form or query count too, never mere presence."""
    word = value if isinstance(value, bool) else str(value).strip().lower()
    if word in (True, "true", "yes", "on", "1"):
        return True
    if word in (False, "false", "no", "off", "0", ""):
        return False
    raise ValueError("Must be true or false")


@cache
def _zones() -> frozenset[str]:
    """Looking through the files of all zones takes 30 ms."""
    return frozenset(available_timezones())


def time_zone(text: object) -> str:
    """A name of the tz database, such as Europe/Berlin."""
    if not isinstance(text, str) or text not in _zones():
        raise ValueError("Not a time zone; write one like Europe/Berlin")
    return text


def email_address(text: object) -> str:
    """An e-mail address in lower case; those of former people are nobody's."""
    clean = text.strip().lower() if isinstance(text, str) else ""
    if not clean or len(clean) > LONGEST_EMAIL or CONTROL.search(clean) or not EMAIL.fullmatch(clean) or (
            clean.endswith(f"@{NOWHERE}")):
        raise ValueError("Not an e-mail address")
    return clean


def check_list(value: object, *, most: int, label: str = "This") -> list[Any]:
    """A list of at most `most` items; None counts as empty."""
    items = [] if value is None else value if isinstance(value, list) else None
    if items is None:
        raise ValueError(f"{label} must be a list")
    if len(items) > most:
        raise ValueError(f"{label} may have at most {most} items")
    return items


def tags(value: object) -> list[str]:
    """At most 20 tags of 50 characters, each once, in their order; a text is read as tags with commas between."""
    parts = value.split(",") if isinstance(value, str) else check_list(value, most=20, label="Tags")
    clean = unique(check_text(part, most=50, label="A tag") for part in parts)
    if len(clean) > 20:
        raise ValueError("Tags may have at most 20 items")
    return clean


def unique(texts: Iterable[str]) -> list[str]:
    """The texts that are not empty, each once, in their order."""
    return list(dict.fromkeys(text for text in texts if text))
