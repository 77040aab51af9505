"""What figures mean: statistics of counted seconds, interruptions of a person, local days; pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, chain, compress, repeat
from typing import Any
from zoneinfo import ZoneInfo

from app.oncall.wallclock import local_instant

FEW, TOGETHER, SOON, LISTED = 5, 300, 600, 5
"""Fewer cases than the first are marked; pages within the second (seconds) are one interruption; what resolves itself
within the third is noise; sources are listed from the last on."""
LONG = 64
"""Runs of more cases than this, on average, are looked into without merging them."""
HOUR, DAY, THURSDAY = 3600, 86400, 3
"""Seconds, and the day of the week on which 1970 began."""
SPANS = (1, 6, 24, 96, 384)
"""For how many hours at once messages are summed, each a multiple of the one before."""
LENGTHS = (4, 16, 64)
"""For how many days at once incidents are packed, each a multiple of the one before."""
TARGET = 30
"""Seconds within which first pages are to be handed over, 99 of 100."""
DUSK, DAWN, BEGINS, ENDS = 22, 7, 9, 18
SEVERITIES = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True)
class Stats:
    """How long something took, in seconds: None where there is no case."""

    count: int = 0
    median: float | None = None
    mean: float | None = None
    p90: int | None = None
    p95: int | None = None
    p99: int | None = None

    @property
    def few(self) -> bool:
        """Whether there are too few cases to say much."""
        return 0 < self.count < FEW


def stats(counted: Mapping[int, int]) -> Stats:
    """Of so many cases (values) that took so many seconds (keys). Percentiles are the smallest value that at least that
    share of the cases does not exceed (nearest rank); the median is the mean of the two in the middle."""
    values = sorted(counted)
    ends = list(accumulate(counted[value] for value in values))
    total = sum(value * number for value, number in counted.items())
    return _stats(ends[-1] if ends else 0, total, lambda place: values[bisect_right(ends, place)])


def of_runs(runs: Iterable[Sequence[int]], total: int, *, brief: bool = False) -> Stats:
    """The same of cases in runs, each in order, that took `total` seconds together; without p95 and p99 when `brief`. Long
    runs are not merged: the case of a rank is the smallest value that so many do not exceed, and is found by halving."""
    some = [run for run in runs if len(run)]
    number = sum(map(len, some))
    if number <= LONG * len(some):
        return _stats(number, total, sorted(chain(*some)).__getitem__, brief=brief)
    return _stats(number, total, lambda place: _at(some, place, number), brief=brief)


def _at(runs: Sequence[Sequence[int]], place: int, number: int) -> int:
    """The value at this place of all so many; it is none below the least and none above the greatest of those at the same
    part of each run."""
    alike = [run[place * len(run) // number] for run in runs]
    low, high = min(alike), max(alike)
    while low < high:
        middle = (low + high) // 2
        if sum(map(bisect_right, runs, repeat(middle))) > place:
            high = middle
        else:
            low = middle + 1
    return low


def _stats(number: int, total: int, at: Callable[[int], int], *, brief: bool = False) -> Stats:
    if not number:
        return Stats()
    median = (at((number - 1) // 2) + at(number // 2)) / 2
    return Stats(number, median, total / number, *(at(_rank(number, share)) for share in ((90,) if brief else (90, 95, 99))))


def _rank(number: int, share: int) -> int:
    return -(-number * share // 100) - 1


def added(counters: Iterable[Mapping[Any, int]]) -> dict[int, int]:
    """Counters of seconds (their keys may be texts) as one."""
    total: dict[int, int] = {}
    for one in counters:
        for value, count in one.items():
            total[int(value)] = total.get(int(value), 0) + count
    return total


def interruptions(times: Iterable[int]) -> list[int]:
    """When each interruption of one person began: pages within five minutes of its first are the same one."""
    found: list[int] = []
    last = -TOGETHER
    for at in sorted(times):
        if at - last >= TOGETHER:
            found.append(at)
            last = at
    return found


def part_of_day(hour: int) -> str:
    """`sleep`, `working` or `off`, of an hour of the week on the person's own clock; the first one is Thursday's, when 1970
    began."""
    days, hour = divmod(hour, 24)
    if not DAWN <= hour < DUSK:
        return "sleep"
    return "working" if (days + THURSDAY) % 7 < 5 and BEGINS <= hour < ENDS else "off"


PARTS = {part: bytes(hour < 168 and part_of_day(hour) == part for hour in range(256))
         for part in ("working", "off", "sleep")}


def by_part(begun: Sequence[int], parts: Sequence[tuple[int, int, int]]) -> tuple[dict[str, int], int]:
    """How many of the interruptions, which began at these instants, in order, fell into which part of the day, and how many
    nights were disturbed, on a clock whose `parts` are those of `offsets`."""
    found, nights = dict.fromkeys(PARTS, 0), set[int]()
    for start, end, ahead in parts:
        some = begun[bisect_left(begun, start):bisect_left(begun, end)]
        hours = bytes([(at + ahead) // HOUR % 168 for at in some])
        for part, mask in PARTS.items():
            found[part] += hours.translate(mask).count(1)
        # a night is counted by the evening on which it begins, half a day before its noon
        nights.update([(at + ahead - DAY // 2) // DAY for at in compress(some, hours.translate(PARTS["sleep"]))])
    return found, len(nights)


def instant(seconds: int) -> datetime:
    """The instant so many seconds after the beginning of 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a local day begins."""
    return local_instant(datetime.combine(day, time()), zone)


def offsets(start: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[int, int, int]]:
    """The parts of a period in which a zone's clock stood still beside UTC: from when, until just before when (seconds
    since 1970), and how many seconds it was ahead."""
    found: list[tuple[int, int, int]] = []
    at, last = int(start.timestamp()), int(end.timestamp())
    while at < last:
        ahead, low = _ahead(at, zone), at
        while low < last and _ahead(min(low + 86400, last), zone) == ahead:
            low = min(low + 86400, last)
        high = min(low + 86400, last)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _ahead(middle, zone) == ahead else (low, middle)
        found.append((at, high, ahead))
        at = high
    return found


def _ahead(seconds: int, zone: ZoneInfo) -> int:
    offset = instant(seconds).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def cover(since: int, until: int, reached: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """The hours from `since` until just before `until`, as few spans as there are: their length, from when, until when.
    `reached` says up to which hour there are spans of a length."""
    found: list[tuple[int, int, int]] = []
    at = since
    while spans := [one for one in SPANS if at % one == 0 and at + one <= min(until, reached.get(one, 0))]:
        span, start = spans[-1], at
        at += span
        if found and found[-1][::2] == (span, start):
            start = found.pop()[1]
        found.append((span, start, at))
    return found


def spans(since: int, until: int, fresh: Mapping[int, Container[int]]) -> tuple[list[tuple[int, int]], list[int]]:
    """The days that lie wholly between two instants in as few spans as there are, by length and first day, and the days
    that are left; `fresh` says where spans of a length begin."""
    found, left = list[tuple[int, int]](), list[int]()
    day, whole, last = since // DAY, -(-since // DAY), -(-until // DAY)
    while day < last:
        length = next((one for one in reversed(LENGTHS) if day >= whole and day + one <= until // DAY
                       and day in fresh.get(one, ())), 0)
        if length:
            found.append((length, day))
        else:
            left.append(day)
        day += length or 1
    return found, left


def days(first: date, last: date) -> Iterator[date]:
    """The days from the first to the last."""
    while first <= last:
        yield first
        first += timedelta(days=1)


def share(part: int, whole: int) -> int | None:
    """In percent, rounded; None of nothing."""
    return round(100 * part / whole) if whole else None


def span_words(seconds: float | None) -> str:
    """`1 min 50 s`, `3 h 5 min`, `2 d 4 h`; a dash for nothing."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    for size, unit, smaller, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"
