"""The one place that says which instant a wall-clock time means where clocks are put forward and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Hole:
    """Local times from `start` until just before `end` do not occur, because clocks went forward."""

    start: datetime
    end: datetime


@lru_cache(maxsize=32768)  # many schedules hand over at the same clock times
def local_instant(naive: datetime, zone: ZoneInfo, *, fold_last: bool = False) -> datetime:
    """The instant, in UTC, that the wall time `naive` means in `zone`.

    A time that occurs twice means its first occurrence, or the last with `fold_last`; a time that does not
    occur means the first instant after the hole. Never decreases as `naive` grows.
    """
    first, last = _offsets(naive, zone)
    if first < last:
        return _change(zone, (naive - last).replace(tzinfo=UTC), (naive - first).replace(tzinfo=UTC))
    return (naive - (last if fold_last else first)).replace(tzinfo=UTC)


def instants_of(naive: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Every instant, in UTC and in order, at which a clock in `zone` shows `naive`: none, one or two."""
    first, last = _offsets(naive, zone)
    if first < last:
        return ()
    return tuple((naive - offset).replace(tzinfo=UTC) for offset in dict.fromkeys((first, last)))


def nearest_times(naive: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The last minute before the hole that swallows `naive` and the first time after it, as wall times.

    Both are `naive` itself where it does occur.
    """
    if instants_of(naive, zone):
        return naive, naive
    after = local_instant(naive, zone)
    return wall_time(after - _MINUTE, zone), wall_time(after, zone)


def wall_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in `zone` shows at `instant`, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def is_missing(day: date, zone: ZoneInfo) -> bool:
    """Whether the calendar of `zone` left out this whole day, as Samoa did with 30 December 2011."""
    midnight = datetime.combine(day, time())
    return not instants_of(midnight, zone) and wall_time(local_instant(midnight, zone), zone).date() > day


def local_days(days: Iterable[date], zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The instants at which these days begin and end in `zone`, those that touch [start, end), clipped to it."""
    first, last = wall_time(start, zone).date(), wall_time(end, zone).date()
    for day in days:
        if first <= day <= last:
            begin, finish = (local_instant(datetime.combine(one, time()), zone) for one in (day, day + _DAY))
            if max(begin, start) < min(finish, end):
                yield max(begin, start), min(finish, end)


def holes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Hole]:
    """The holes of `zone` that touch the wall times from `start` to `end`, both included, in order."""
    for year in range(start.year - 1, end.year + 2):
        for hole in _holes_of(zone, year):
            if hole.start <= end and start <= hole.end:
                yield hole


@lru_cache(maxsize=4096)
def _holes_of(zone: ZoneInfo, year: int) -> tuple[Hole, ...]:
    # The standard library does not list transitions, so a year is probed day by day, once.
    found, probe = [], datetime(year, 1, 1, tzinfo=UTC)
    offset = _offset_at(probe, zone)
    while probe.year == year:
        after = _offset_at(probe + _DAY, zone)
        if after > offset:
            clock = _change(zone, probe, probe + _DAY).replace(tzinfo=None)
            found.append(Hole(clock + offset, clock + after))
        probe, offset = probe + _DAY, after
    return tuple(found)


def _offsets(naive: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    # PEP 495: of a time that occurs twice the first offset is the larger, of a missing one the smaller.
    first = zone.utcoffset(naive.replace(fold=0) if naive.fold else naive)
    last = zone.utcoffset(naive.replace(fold=1))
    assert first is not None and last is not None
    return first, last


def _offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second in (low, high] from which the offset is no longer that of `low`; there must be one such change."""
    offset = _offset_at(low, zone)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if _offset_at(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """The wall time in `zone`, with its offset where that time occurs twice; seconds only where there are any."""
    wall = wall_time(instant, zone)
    exact = "seconds" if wall.second else "minutes"
    twice = len(instants_of(wall.replace(microsecond=0), zone)) > 1
    return (instant.astimezone(zone) if twice else wall).isoformat(timespec=exact)
