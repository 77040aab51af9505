"""What is simply counted of many days: how many incidents were opened in each half hour, when whom a page reached, and what
each source made. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import add
from struct import Struct
from typing import Any

from app.insights.columns import Chosen, Columns
from app.insights.counting import sources
from app.insights.rules import DAY, HOUR, THURSDAY

HALF = HOUR // 2
EACH_DAY = DAY // HALF
TEAM, PAGED = Struct("<q"), Struct("<2qI")
SOURCES = ("integration", "service", "key")
Pages = dict[tuple[int | None, int], list[int]]
"""The instants of the pages to each person of each team."""
Sources = dict[str, dict[str, list[int]]]
"""Of each kind of source, by its id or key: what `counting.sources` says."""


def halves(days: Iterable[Columns], first: int, length: int) -> bytes:
    """How many incidents of each team were opened in each half hour of so many days from `first` on: as bytes the team, -1
    for none, and the numbers, team by team."""
    found: dict[int | None, array[int]] = {}
    for day in days:
        numbers = [found.setdefault(team, array("I", bytes(4 * length * EACH_DAY))) for team, _ in day.pairs]
        for place, at in zip(day["pair"], day["opened"], strict=True):
            numbers[place][(at - first * DAY) // HALF] += 1
    return _bytes(found)


def _bytes(found: Mapping[int | None, array[int]]) -> bytes:
    return b"".join(TEAM.pack(-1 if team is None else team) + numbers.tobytes() for team, numbers in found.items())


def _by_team(data: bytes, length: int) -> dict[int | None, array[int]]:
    found: dict[int | None, array[int]] = {}
    view, size = memoryview(data), 4 * length * EACH_DAY
    for start in range(0, len(data), TEAM.size + size):
        [team] = TEAM.unpack_from(view, start)
        numbers = found[None if team < 0 else team] = array("I")
        numbers.frombytes(view[start + TEAM.size:start + TEAM.size + size])
    return found


def merged_halves(parts: Mapping[int, bytes], shorter: int, first: int, length: int) -> bytes:
    """Those of shorter spans, by their first days, as those of a longer one."""
    found: dict[int | None, array[int]] = {}
    for start, data in parts.items():
        for team, some in _by_team(data, shorter).items():
            numbers = found.setdefault(team, array("I", bytes(4 * length * EACH_DAY)))
            place = (start - first) * EACH_DAY
            numbers[place:place + len(some)] = some
    return _bytes(found)


def chosen_halves(data: bytes, length: int, chosen: Chosen) -> Sequence[int]:
    """How many incidents were opened in each half hour by the teams that count."""
    found: Sequence[int] = array("I", bytes(4 * length * EACH_DAY))
    for team, numbers in _by_team(data, length).items():
        if chosen.fits((team, None)):
            found = list(map(add, found, numbers))
    return found


def hours(numbers: Sequence[int], start: int, parts: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """The same by weekday (Monday is 0) and hour of a clock whose `parts` are those of `rules.offsets`, each of which is a
    number of whole half hours ahead; the first half hour begins at `start`."""
    found: dict[int, int] = {}
    for since, until, ahead in parts:
        low, high = max(0, (since - start) // HALF), min(len(numbers), (until - start) // HALF)
        for place in range(low, high):
            if number := numbers[place]:
                hour = ((start + place * HALF + ahead) // HOUR + 24 * THURSDAY) % 168
                found[hour] = found.get(hour, 0) + number
    return {divmod(hour, 24): number for hour, number in found.items()}


def pages(rows: Iterable[tuple[int | None, int, int]]) -> bytes:
    """Team, person and instant of pages as bytes: each team and person with their number, and the instants in order."""
    found: Pages = {}
    for team, user, at in rows:
        found.setdefault((team, user), []).append(at)
    return packed_pages(found)


def packed_pages(found: Pages) -> bytes:
    """The same of what is by team and person."""
    return b"".join(PAGED.pack(-1 if team is None else team, user, len(times)) + array("I", sorted(times)).tobytes()
                    for (team, user), times in found.items())


def add_pages(found: Pages, data: bytes) -> None:
    """Put pages of some bytes to others."""
    start, view = 0, memoryview(data)
    while start < len(data):
        team, user, number = PAGED.unpack_from(view, start)
        start += PAGED.size
        times = array("I")
        times.frombytes(view[start:start + 4 * number])
        found.setdefault((None if team < 0 else team, user), []).extend(times)
        start += 4 * number


def summed(days: Sequence[Columns]) -> Sources:
    """What each source made in some days."""
    return {kind: {str(value): numbers for value, numbers in sources(days, kind).items()} for kind in SOURCES}


def merged_sources(parts: Iterable[Mapping[str, Any]], sign: int = 1, into: Sources | None = None) -> Sources:
    """All of them together, or (a `sign` of -1) taken away from others."""
    found = {kind: {} for kind in SOURCES} if into is None else into
    for part in parts:
        for kind, values in part.items():
            known = found[kind]
            for value, numbers in values.items():
                before = known.get(value)
                known[value] = numbers if before is None and sign > 0 else [
                    one + sign * more for one, more in zip(before or (0, 0, 0, 0, 0), numbers, strict=True)]
    return found
