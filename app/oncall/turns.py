"""A layer by itself: whose turn it is, found by counting hand-offs, and when the restrictions let it be active."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from math import gcd
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.oncall.plan import Layer, Person, Restriction
from app.oncall.wallclock import holes, is_missing, local_days, local_instant, wall_time

Interval = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_STEPS = {"hour": timedelta(hours=1), "day": _DAY, "week": timedelta(weeks=1)}
_EVERY_WEEKDAY = frozenset(range(7))
_MONTHS_OF_GREGORIAN_CYCLE = 4800
_FRUITLESS_HANDOFFS = 400


class Span(NamedTuple):
    """`people` are on duty from `start` until just before `end`."""

    start: datetime
    end: datetime
    people: tuple[Person, ...]


def layer_spans(layer: Layer, start: datetime, end: datetime, inactive: frozenset[Person], *,
                holidays: frozenset[date] = frozenset()) -> list[Span]:
    """When the layer has somebody within [start, end), clipped to it and in order; nobody is left out."""
    if layer.fixed is not None:
        return list(_fixed(layer.fixed, start, end, inactive))
    holders = _holders(layer.turns, inactive)
    start = max(start, layer.since or start, local_instant(layer.starts, layer.zone))
    end = min(end, layer.until or end, local_instant(layer.ends, layer.zone) if layer.ends else end)
    if not holders or start >= end:
        return []
    if len(set(holders)) == 1:
        spans = [Span(start, end, holders[0])]
    else:
        spans = [Span(turn.start, turn.end, holders[(layer.first_turn + turn.number) % len(holders)])
                 for turn in _turns(layer, start, end)]
    if layer.holidays:
        spans = list(_within(spans, _by_holidays(layer, start, end, holidays)))
    return list(_within(spans, windows(layer, start, end))) if layer.restrictions else spans


def _fixed(spans: tuple[tuple[datetime, datetime, tuple[Person, ...]], ...], start: datetime, end: datetime,
           inactive: frozenset[Person]) -> Iterator[Span]:
    for first, last, people in spans[bisect_right(spans, start, key=itemgetter(1)):]:
        if first >= end:
            break
        present = tuple(person for person in people if person not in inactive)
        if present:
            yield Span(max(first, start), min(last, end), present)


def windows(layer: Layer, start: datetime, end: datetime) -> list[Interval]:
    """The times the layer's restrictions allow that touch [start, end): in order, merged, not clipped."""
    day, last = wall_time(start, layer.zone).date() - 2 * _DAY, wall_time(end, layer.zone).date()
    found: list[Interval] = []
    while day <= last:
        weekday = day.weekday()
        found += [_window(one, day, layer.zone) for one in layer.restrictions if weekday in one.days]
        day += _DAY
    return _merged(window for window in found if window[0] < end and start < window[1])


def _by_holidays(layer: Layer, start: datetime, end: datetime, holidays: frozenset[date]) -> list[Interval]:
    """The times within [start, end) of the holidays' local days, or of all others; in order, merged."""
    days = _merged(local_days(holidays, layer.zone, start, end))
    edges = [start, *(edge for day in days for edge in day), end]
    return days if layer.holidays == "only" else [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def turn_number(layer: Layer, at: datetime) -> int:
    """How many turns have begun and passed since `starts`: 0 in the first turn. Restrictions do not matter to it,
    except that with `skip_inactive` hand-offs on inactive local days are not counted."""
    return max(0, _counted(layer, _latest(layer, at)) - 1)


def next_handoff(layer: Layer, at: datetime) -> datetime | None:
    """The instant after `at` at which the next turn begins, whoever has it; None when the rotation never turns."""
    number = _latest(layer, at)
    counted = _counted(layer, number)
    for following in range(number + 1, number + _FRUITLESS_HANDOFFS):
        if _counts(layer, following):
            counted += 1
            if counted > 1:
                return local_instant(_handoff(layer, following), layer.zone)
    return None


class _Turn(NamedTuple):
    start: datetime
    end: datetime
    number: int


def _turns(layer: Layer, start: datetime, end: datetime) -> Iterator[_Turn]:
    """The turns within [start, end), clipped to it; `start` must not lie before the layer's own."""
    number = _latest(layer, start)
    counted = _counted(layer, number)
    days, exceptions = _counted_days(layer), _exceptions(layer, end.year)
    while (handoff := local_instant(local := _handoff(layer, number + 1), layer.zone)) < end:
        number += 1
        if (local.weekday() in days) != (number in exceptions):
            counted += 1
            if counted > 1:
                yield _Turn(start, handoff, counted - 2)
                start = handoff
    yield _Turn(start, end, max(0, counted - 1))


def _handoff(layer: Layer, number: int) -> datetime:
    """The wall time of a hand-off by arithmetic alone: 0 is `starts`. Months clamp to their last day."""
    every, starts = layer.rotation.every, layer.starts
    if step := _STEPS.get(layer.rotation.unit):
        return starts + number * every * step
    year, month = divmod(starts.year * 12 + starts.month - 1 + number * every, 12)
    return starts.replace(year=year, month=month + 1, day=min(starts.day, monthrange(year, month + 1)[1]))


def _latest_by_clock(layer: Layer, local: datetime) -> int:
    """The number of the last hand-off whose wall time is not after `local`; negative before `starts`."""
    if step := _STEPS.get(layer.rotation.unit):
        return (local - layer.starts) // (layer.rotation.every * step)
    months = (local.year - layer.starts.year) * 12 + local.month - layer.starts.month
    number = months // layer.rotation.every
    return number if _handoff(layer, number) <= local else number - 1


def _latest(layer: Layer, at: datetime) -> int:
    number = max(0, _latest_by_clock(layer, wall_time(at, layer.zone)))
    # In the second pass of a doubled hour the clock shows less than hand-offs that have already been.
    while local_instant(_handoff(layer, number + 1), layer.zone) <= at:
        number += 1
    return number


def _counted(layer: Layer, number: int) -> int:
    """How many of the hand-offs 0..number count as turns: as many as the calendar says, but for the exceptions."""
    days, cycle = _counted_days(layer), _cycle(layer)
    by_clock = number + 1
    if layer.skip_inactive:
        whole, part = divmod(number + 1, cycle)
        counts = [_handoff(layer, one).weekday() in days for one in range(cycle if whole else part)]
        by_clock = whole * sum(counts) + sum(counts[:part])
    for one in _exceptions(layer, _handoff(layer, number).year):
        if one <= number:
            by_clock += -1 if _handoff(layer, one).weekday() in days else 1
    return by_clock


def _counted_days(layer: Layer) -> frozenset[int]:
    """The weekdays on which hand-offs count."""
    if not layer.skip_inactive or not layer.restrictions:
        return _EVERY_WEEKDAY
    return frozenset().union(*(one.days for one in layer.restrictions))


def _cycle(layer: Layer) -> int:
    """After how many hand-offs their weekdays repeat."""
    period = {"hour": 168, "day": 7, "week": 1}.get(layer.rotation.unit, _MONTHS_OF_GREGORIAN_CYCLE)
    return period // gcd(period, layer.rotation.every)


@lru_cache(maxsize=2048)
def _exceptions(layer: Layer, year: int) -> frozenset[int]:
    """The hand-offs to the end of `year` that a hole makes count otherwise than their weekday says."""
    days, found = _counted_days(layer), set()
    for hole in holes(layer.zone, layer.starts - _DAY, datetime(year + 1, 1, 1) + _DAY):
        low, high = hole.start, hole.end
        if layer.skip_inactive:  # a hole can also swallow the only window of its day
            low, high = datetime.combine(low, time.min), datetime.combine(high, time.max)
        for number in range(max(0, _latest_by_clock(layer, low)), _latest_by_clock(layer, high) + 1):
            if _counts(layer, number) != (_handoff(layer, number).weekday() in days):
                found.add(number)
    return frozenset(found)


def _counts(layer: Layer, number: int) -> bool:
    """Whether this hand-off begins a turn of its own."""
    handoff = _handoff(layer, number)
    instant = local_instant(handoff, layer.zone)
    if number:
        before = _handoff(layer, number - 1)
        same = local_instant(before, layer.zone)
        merges = same == instant and not _is_void(layer, before, same)
        if merges or instant == local_instant(layer.starts, layer.zone) or _is_void(layer, handoff, instant):
            return False
    return not layer.skip_inactive or _is_active_on(layer, wall_time(instant, layer.zone).date())


def _is_void(layer: Layer, handoff: datetime, instant: datetime) -> bool:
    return wall_time(instant, layer.zone).date() != handoff.date() and is_missing(handoff.date(), layer.zone)


def _is_active_on(layer: Layer, day: date) -> bool:
    """A window belongs to the day on which it starts; a window that lies in a hole is none."""
    found = (_window(one, day, layer.zone) for one in layer.restrictions if day.weekday() in one.days)
    return not layer.restrictions or any(start < end for start, end in found)


def _window(restriction: Restriction, day: date, zone: ZoneInfo) -> Interval:
    until = day if restriction.from_ < restriction.to else day + _DAY
    start = local_instant(datetime.combine(day, restriction.from_), zone)
    return start, local_instant(datetime.combine(until, restriction.to), zone, fold_last=True)


@lru_cache(maxsize=2048)
def _holders(turns: tuple[tuple[Person, ...], ...], inactive: frozenset[Person]) -> tuple[tuple[Person, ...], ...]:
    """Who holds each turn: its own people, or those of the next turn that has somebody left."""
    left = [tuple(dict.fromkeys(one for one in turn if one not in inactive)) for turn in turns]
    if not any(left):
        return ()
    for place in range(2 * len(left) - 1, -1, -1):  # backwards and twice round, so that the next one is known
        here = place % len(left)
        left[here] = left[here] or left[(here + 1) % len(left)]
    return tuple(left)


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _within(spans: list[Span], allowed: list[Interval]) -> Iterator[Span]:
    """The parts of the spans that lie in the allowed intervals; both are in order and without overlap."""
    span, window = 0, 0
    while span < len(spans) and window < len(allowed):
        start, end = max(spans[span].start, allowed[window][0]), min(spans[span].end, allowed[window][1])
        if start < end:
            yield Span(start, end, spans[span].people)
        if spans[span].end <= allowed[window][1]:
            span += 1
        else:
            window += 1
