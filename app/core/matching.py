"""Conditions as people write them: exact, any of a list, `*` as glob, `re:` as pattern, null for absent. Pure.

Patterns are RE2's: their time grows with the text alone, so that no pattern can stop the house.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import re2  # type: ignore[import-not-found, import-untyped, unused-ignore]

LONGEST, MOST, READ = 256, 100, 16_384
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Test = Callable[[str], bool]


@dataclass(frozen=True)
class Wanted:
    """A compiled value: `exact` words in lower case, RE2 `patterns`, and whether absence fits."""

    exact: frozenset[str]
    patterns: tuple[str, ...]
    absent: bool
    said: str

    def fits(self, values: Sequence[str]) -> bool:
        """Whether any of a field's values is wanted; no value at all is absence."""
        if not values:
            return self.absent
        return any(value.lower() in self.exact or any(pattern(one)(value) for one in self.patterns)
                   for value in values)


def compiled(value: Any) -> Wanted:
    """What a condition's value asks for. Raises ValueError with a sentence, the place of a list included."""
    items = value if isinstance(value, list) else [value]
    if not items or len(items) > MOST:
        raise ValueError(f"Name 1 to {MOST} values")
    exact, patterns = set(), []
    for item in items:
        text = _text(item)
        if text.startswith("re:") or "*" in text:
            patterns.append(text[3:] if text.startswith("re:") else _glob(text))
            pattern(patterns[-1])
        elif item is not None:
            exact.add(text.lower())
    return Wanted(frozenset(exact), tuple(patterns), None in items, in_words(value))


def _text(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if item is not None and not isinstance(item, (str, int, float)):
        raise ValueError("A value is text, a number, null or a list of these")
    text = "" if item is None else str(item)
    if len(text) > LONGEST:
        raise ValueError(f"A value has at most {LONGEST} characters")
    return text


@lru_cache(maxsize=4096)
def pattern(text: str) -> Test:
    """Whether a text holds what the pattern says. Raises ValueError with a sentence."""
    try:
        found = re2.compile(text, _options())
    except re2.error as fault:
        said = fault.args[0].decode("utf-8", "replace") if isinstance(fault.args[0], bytes) else str(fault.args[0])
        raise ValueError(f"The pattern {text} can't be used: {said}") from None
    return lambda value: found.search(value[:READ]) is not None


def _options() -> Any:
    options = re2.Options()
    options.log_errors, options.max_mem = False, 32 * 1024 * 1024
    return options


def _glob(text: str) -> str:
    """`prod*` fits as a whole and in any letter case."""
    return "(?is)^" + ".*".join(re2.escape(part) for part in text.split("*")) + "$"


class PatternIndex:
    """Many patterns asked at once: one pass over the text, whatever their number (RE2's sets)."""

    def __init__(self) -> None:
        self.owners: list[int] = []
        self.set = re2.Set.SearchSet(_options())
        self.always = self.set.Add("")  # missing from an answer, it tells that the set gave up

    def add(self, pattern: str, owner: int) -> None:
        """`owner` is found where `pattern` fits."""
        self.set.Add(pattern)
        self.owners.append(owner)

    def close(self) -> PatternIndex:
        """Nothing more is added."""
        self.set.Compile()
        return self

    def found(self, text: str) -> set[int]:
        """The owners of patterns that may fit: exactly those that do, or all when the set ran out of memory."""
        matches = self.set.Match(text[:READ])
        if self.always not in matches:
            return set(self.owners)
        return {self.owners[match - 1] for match in matches if match != self.always}


def in_words(value: Any) -> str:
    """`“a”, “b” or nothing`."""
    items = value if isinstance(value, list) else [value]
    words = ["nothing" if item is None else f"“{_text(item).removeprefix('re:')}”" for item in items[:5]]
    more = [f"{len(items) - 5} more"] if len(items) > 5 else []
    return " or ".join([*words, *more])


@dataclass(frozen=True)
class Hours:
    """Weekdays and local hours; hours that end before they start reach into the next day, and belong to the first."""

    days: frozenset[int] = frozenset(range(7))
    start: time = time(0)
    end: time = time(0)
    zone: str = "UTC"

    def hold(self, at: datetime) -> bool:
        """Whether the instant `at` lies within."""
        here = at.astimezone(ZoneInfo(self.zone))
        today, now = here.weekday(), here.time().replace(tzinfo=None)
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        return (today in self.days and now >= self.start) or ((today - 1) % 7 in self.days and now < self.end)


def hours(days: Sequence[str] | None, start: str | None, end: str | None, zone: str | None) -> Hours:
    """The hours as documents write them: `[mon, tue]`, `22:00`, `06:00`, `Europe/Berlin`; 24:00 is the day's end."""
    chosen = frozenset(DAYS.index(day) for day in days) if days else frozenset(range(7))
    return Hours(chosen, _clock(start or "00:00"), _clock(end or "00:00"), zone or "UTC")


def _clock(text: str) -> time:
    return time(0) if text.startswith("24") else time.fromisoformat(text)
