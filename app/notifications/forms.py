"""What people type about how they are paged: rows of rules, in minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.forms import Problems

LONGEST_MINUTES = 24 * 60


@dataclass(frozen=True)
class TypedRule:
    """A row as it was typed: minutes, and the id of a contact method."""

    minutes: str
    method: str


def typed_rules(minutes: Sequence[str], methods: Sequence[str], press: str) -> list[TypedRule]:
    """The rows that name a method, without the one whose remove button was pressed (`remove-2`)."""
    verb, _, number = press.partition("-")
    gone = int(number) if verb == "remove" and number.isdecimal() and len(number) < 4 else -1
    rows = [TypedRule(after.strip(), method) for after, method in zip(minutes, methods, strict=False)]
    return [row for at, row in enumerate(rows) if row.method and at != gone]


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS = {"every": WEEK, "work": WEEK[:5], "weekend": WEEK[5:], **{day: (day,) for day in WEEK}}


def typed_quiet(days: Sequence[str], starts: Sequence[str], ends: Sequence[str], press: str) -> list[dict[str, object]]:
    """The rows that name days, without the one whose remove button was pressed, as the document writes them."""
    verb, _, number = press.partition("-")
    gone = int(number) if verb == "remove" and number.isdecimal() and len(number) < 4 else -1
    rows = zip(days, starts, ends, strict=False)
    return [{"days": list(SPANS[word]), "from": start.strip(), "to": end.strip()}
            for at, (word, start, end) in enumerate(rows) if word in SPANS and at != gone]


def rule_values(rows: Iterable[TypedRule], names: dict[str, str]) -> list[dict[str, str]]:
    """The rows as the configuration document writes them. `names`: id of a method → its name. Raises Invalid."""
    problems, values = Problems(), []
    for number, row in enumerate(rows):
        seconds = problems.take(f"[{number}].after", _seconds, row.minutes)
        if row.method not in names:
            problems.add(f"[{number}].via", "Choose one of your contact methods")
        values.append({"after": f"{seconds or 0}s", "via": names.get(row.method, "")})
    problems.raise_if_any()
    return values


def _seconds(text: str) -> int:
    try:
        minutes = float(text.replace(",", ".") or "0")
    except ValueError:
        raise ValueError("Write minutes, such as 0 or 5") from None
    if not 0 <= minutes <= LONGEST_MINUTES:
        raise ValueError("A rule waits 0 minutes to 24 hours")
    return round(minutes * 60)
