"""What the incidents of days amount to: counts, times and shares over their columns. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

from app.insights.columns import FLAPPING, MARKED, NOISE, NONE, Columns
from app.insights.rules import HOUR, SEVERITIES, THURSDAY, stats

Days = Sequence[Columns]


def noise(days: Days) -> int:
    """How many were noise."""
    return sum(day.bit(NOISE).count(1) for day in days)


def severities(days: Days, starts: Sequence[int]) -> list[dict[str, int]]:
    """How many of which severity were opened in each of the periods that begin at `starts`."""
    found: list[dict[str, int]] = [dict.fromkeys(SEVERITIES, 0) for _ in starts]
    for day in days:
        levels = bytes(day["severity"])
        for place, low, high in _pieces(day["opened"], starts):
            for code, level in enumerate(SEVERITIES):
                found[place][level] += levels.count(code, low, high)
    return found


def medians(days: Days, starts: Sequence[int]) -> list[float | None]:
    """After how many seconds, in the median, those opened in each of the periods that begin at `starts` were answered."""
    found: list[Counter[int]] = [Counter() for _ in starts]
    for day in days:
        for place, low, high in _pieces(day["opened"], starts):
            found[place].update(day["acknowledged"][low:high])
    for one in found:
        one.pop(NONE, None)
    return [stats(one).median for one in found]


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
