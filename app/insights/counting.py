"""What the incidents of days amount to: counts, times and shares over their columns. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from app.insights.columns import AUTOMATIC, ESCALATED, FLAPPING, LEVEL_1, MARKED, NEVER, NOISE, NONE, Columns
from app.insights.rules import HOUR, SEVERITIES, THURSDAY, Stats, span_words, stats

Days = Sequence[Columns]
RESPONSE = ("acknowledged", "resolved", "flags")
OVERVIEW = (*RESPONSE, "severity")
"""The columns that these figures are made of."""


@dataclass(frozen=True)
class Response:
    """How incidents were answered."""

    incidents: int
    acknowledge: Stats
    resolve: Stats
    never: int
    automatic: int
    answered: int
    level_1: int
    escalated: int


def response(days: Days) -> Response:
    """How all of them were answered."""
    answers, ends = stats(_seconds(days, "acknowledged")), stats(_seconds(days, "resolved"))
    return Response(sum(map(len, days)), answers, ends, _having(days, NEVER), _having(days, AUTOMATIC), answers.count,
                    _having(days, LEVEL_1), _having(days, ESCALATED))


def sentences(now: Response, before: Response) -> list[str]:
    """At most three plain sentences on what changed most."""
    found = []
    if now.incidents != before.incidents:
        more = now.incidents > before.incidents
        number = abs(now.incidents - before.incidents)
        found.append(f"{number} {'more' if more else 'fewer'} incidents than in the period before.")
    for word, one, other in (("acknowledged", now.acknowledge, before.acknowledge),
                             ("resolved", now.resolve, before.resolve)):
        if one.median is not None and other.median is not None and one.median != other.median:
            by = span_words(abs(one.median - other.median))
            found.append(f"The median incident was {word} {by} {'later' if one.median > other.median else 'sooner'}.")
    if now.never:
        found.append(f"{now.never} were resolved before anybody acknowledged them.")
    return found[:3]


def noise(days: Days) -> int:
    """How many were noise."""
    return _having(days, NOISE)


def _having(days: Days, bit: int) -> int:
    return sum(day.bit(bit).count(1) for day in days)


def _seconds(days: Days, name: str) -> Counter[int]:
    """How many took how many seconds."""
    found: Counter[int] = Counter()
    for day in days:
        found.update(day[name])
    found.pop(NONE, None)
    return found


def severities(days: Days, starts: Sequence[int]) -> list[dict[str, int]]:
    """How many of which severity were opened in each of the periods that begin at `starts`."""
    found: list[dict[str, int]] = [dict.fromkeys(SEVERITIES, 0) for _ in starts]
    for day in days:
        levels = bytes(day["severity"])
        for place, low, high in _pieces(day["opened"], starts):
            for code, level in enumerate(SEVERITIES):
                found[place][level] += levels.count(code, low, high)
    return found


def answers(days: Days, starts: Sequence[int]) -> list[Counter[int]]:
    """How many of those opened in each of the periods that begin at `starts` were answered after how many seconds."""
    found: list[Counter[int]] = [Counter() for _ in starts]
    for day in days:
        for place, low, high in _pieces(day["opened"], starts):
            found[place].update(day["acknowledged"][low:high])
    for one in found:
        one.pop(NONE, None)
    return found


def _pieces(opened: Sequence[int], starts: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Which of the periods, from which place in the column, until before which; `opened` is in order, and none lies before
    the first start."""
    low = 0
    while low < len(opened):
        place = bisect_right(starts, opened[low]) - 1
        high = bisect_left(opened, starts[place + 1], low) if place + 1 < len(starts) else len(opened)
        yield place, low, high
        low = high


def hours(days: Days, parts: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """How many were opened at each weekday (Monday is 0) and hour of a clock whose `parts` are those of `rules.offsets`."""
    found: Counter[int] = Counter()
    for day in days:
        opened, low = day["opened"], 0
        while low < len(opened):
            at = opened[low]
            end, ahead = next((end, ahead) for start, end, ahead in parts if start <= at < end)
            high = bisect_left(opened, min(end, at - (at + ahead) % HOUR + HOUR), low)
            found[((at + ahead) // HOUR + 24 * THURSDAY) % 168] += high - low
            low = high
    return {divmod(hour, 24): number for hour, number in found.items()}


def sources(days: Days, kind: str) -> dict[Any, list[int]]:
    """For each `integration`, `service` or `key`: incidents, pages, and those that were noise, marked so, flapping."""
    found: list[Counter[Any]] = [Counter() for _ in range(5)]
    for day in days:
        named = _named(day, kind)
        found[0].update(named)
        for value, number in zip(named, day["pages"], strict=True):
            if number:
                found[1][value] += number
        for counter, bit in zip(found[2:], (NOISE, MARKED, FLAPPING), strict=True):
            mask = day.bit(bit)
            if any(mask):
                counter.update(compress(named, mask))
    return {value: [counter[value] for counter in found] for value in found[0] if value}


def _named(day: Columns, kind: str) -> list[Any]:
    if kind == "integration":
        return list(day["integration"])
    names = list(day.keys) if kind == "key" else [service for _, service in day.pairs]
    return list(map(names.__getitem__, day["key" if kind == "key" else "pair"]))
