"""How fair a schedule is: hours weighted by night, weekend and holiday, coverage, balance, and an exchange that evens
them out. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate, combinations
from zoneinfo import ZoneInfo

from app.oncall.plan import Person, Shift
from app.oncall.wallclock import local_instant, wall_time

DUSK, DAWN = time(22), time(7)
EVEN = 0.95
"""A balance from here on counts as even."""
_SIDES, _SOONEST, _WORTHWHILE = 2, 40, 0.005
"""An exchange is looked for between so many on either side, among so many shifts of each."""
_DAY, _NONE = timedelta(days=1), timedelta()
Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Load:
    """What one person holds: all hours, those at night, at weekends and on holidays, and the weighted sum."""

    person: Person
    hours: timedelta = _NONE
    nights: timedelta = _NONE
    weekends: timedelta = _NONE
    holidays: timedelta = _NONE

    @property
    def weighted(self) -> timedelta:
        """An hour weighs 1, and 1 more at night, at a weekend and on a holiday, each."""
        return self.hours + self.nights + self.weekends + self.holidays

    def plus(self, other: Load, sign: int = 1) -> Load:
        """Both together, or the first without the second."""
        return Load(self.person, self.hours + sign * other.hours, self.nights + sign * other.nights,
                    self.weekends + sign * other.weekends, self.holidays + sign * other.holidays)


@dataclass(frozen=True)
class Exchange:
    """`giver` hands `given` to `taker`, who hands `returned` back, if anything; the balance before and after."""

    giver: Person
    taker: Person
    given: Shift
    returned: Shift | None
    before: int
    after: int


class Times:
    """Intervals in order without overlap, and how much of a span lies in them."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self._all = sorted(intervals)
        self._starts = [start for start, _ in self._all]
        self._sums = [_NONE, *accumulate(end - start for start, end in self._all)]

    def within(self, start: datetime, end: datetime) -> timedelta:
        """How much of the span from `start` to `end` lies in the intervals."""
        return self._before(end) - self._before(start)

    def _before(self, at: datetime) -> timedelta:
        place = bisect_right(self._starts, at)
        if place == 0:
            return _NONE
        start, end = self._all[place - 1]
        return self._sums[place - 1] + min(at, end) - start


class Scale:
    """Weighs shifts between two instants for people in their own zones; `holidays` are days in each person's zone."""

    def __init__(self, start: datetime, end: datetime, zones: Mapping[Person, ZoneInfo],
                 holidays: Iterable[date] = ()) -> None:
        days = frozenset(holidays)
        self._zones = zones
        self._times = {zone: (Times(nights(start, end, zone)),
                              Times(_days(start, end, zone, lambda day: day.weekday() > 4)),
                              Times(_days(start, end, zone, days.__contains__))) for zone in set(zones.values())}

    def load(self, shift: Shift, person: Person) -> Load:
        """What the shift weighs for this person, whoever holds it."""
        assert shift.start is not None and shift.end is not None
        nights, weekends, holidays = (one.within(shift.start, shift.end) for one in self._times[self._zones[person]])
        return Load(person, shift.end - shift.start, nights, weekends, holidays)


def nights(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Interval]:
    """The nights that touch a span, in order: from 22:00 to 07:00 on the wall clock."""
    day, last = wall_time(start, zone).date() - _DAY, wall_time(end, zone).date()
    while day <= last:
        yield (local_instant(datetime.combine(day, DUSK), zone), local_instant(datetime.combine(day + _DAY, DAWN), zone))
        day += _DAY


def _days(start: datetime, end: datetime, zone: ZoneInfo, wanted: Callable[[date], bool]) -> Iterator[Interval]:
    day, last = wall_time(start, zone).date(), wall_time(end, zone).date()
    while day <= last:
        if wanted(day):
            yield (local_instant(datetime.combine(day, time()), zone),
                   local_instant(datetime.combine(day + _DAY, time()), zone))
        day += _DAY


def is_night(at: datetime, zone: ZoneInfo) -> bool:
    """Whether it is night there."""
    return not DAWN <= wall_time(at, zone).time() < DUSK


def loads(shifts: Iterable[Shift], people: Iterable[Person], scale: Scale) -> dict[Person, Load]:
    """What each of these people holds; of a shift of several each holds all of it."""
    found = {person: Load(person) for person in people}
    for shift in shifts:
        for person in shift.people:
            if person in found:
                found[person] = found[person].plus(scale.load(shift, person))
    return found


def coverage(shifts: Iterable[Shift]) -> float:
    """The share of the time in which somebody is on duty, 0 to 1."""
    covered = total = _NONE
    for shift in shifts:
        assert shift.start is not None and shift.end is not None
        total += shift.end - shift.start
        covered += shift.end - shift.start if shift.people else _NONE
    return covered / total if total else 0.0


def balance(weighted: Sequence[timedelta]) -> int:
    """The mean over all pairs of the smaller by the larger, in percent; 100 from 95 on, and when nobody can compare."""
    return _shown(_mean(weighted))


def _mean(weighted: Sequence[timedelta]) -> float:
    pairs = len(weighted) * (len(weighted) - 1) / 2
    return _ratios(weighted) / pairs if pairs else 1.0


def _ratios(weighted: Sequence[timedelta]) -> float:
    return sum(_ratio(*pair) for pair in combinations(weighted, 2))


def _ratio(one: timedelta, other: timedelta) -> float:
    larger = max(one, other)
    return min(one, other) / larger if larger else 1.0


def _shown(mean: float) -> int:
    return 100 if mean >= EVEN else int(100 * mean)


def exchange(shifts: Sequence[Shift], held: Mapping[Person, Load], scale: Scale, *, after: datetime) -> Exchange | None:
    """The hand-over of one shift, or exchange of two, that begin after an instant and make the balance best; None when
    none makes it better. Those who hold most give to those who hold least."""
    order = sorted(held.values(), key=lambda one: (one.weighted, one.person))
    before = _mean([one.weighted for one in order])
    if before >= EVEN:
        return None
    sides = [(giver, taker) for giver in order[:-1 - _SIDES:-1] for taker in order[:_SIDES] if giver is not taker]
    found = (one for two in sides
             for one in _candidates(order, two, [_own(shifts, who.person, after) for who in two], scale))
    mean, two, (given, returned) = max(found, key=lambda one: one[0], default=(0.0, (), (None, None)))
    if given is None or mean <= before + _WORTHWHILE:
        return None
    return Exchange(two[0].person, two[1].person, given, returned, _shown(before), _shown(mean))


def _candidates(order: Sequence[Load], two: tuple[Load, Load], own: Sequence[Sequence[Shift]],
                scale: Scale) -> Iterator[tuple[float, tuple[Load, ...], tuple[Shift | None, Shift | None]]]:
    """The balance after each exchange between two people, with the exchange."""
    others = [one.weighted for one in order if one not in two]
    fixed, pairs = _ratios(others), len(order) * (len(order) - 1) / 2
    for swapped, left, got in _pairs(own[0], own[1], two, scale):
        total = fixed + sum(_ratio(left, rest) + _ratio(got, rest) for rest in others) + _ratio(left, got)
        yield total / pairs, two, swapped


def _own(shifts: Sequence[Shift], person: Person, after: datetime) -> list[Shift]:
    """Whole shifts that this person holds alone, soonest first."""
    return [one for one in shifts if one.people == (person,) and one.start is not None and one.start > after][:_SOONEST]


def _pairs(given: Sequence[Shift], back: Sequence[Shift], two: tuple[Load, Load],
           scale: Scale) -> Iterator[tuple[tuple[Shift, Shift | None], timedelta, timedelta]]:
    """Each exchange, with the weighted hours of giver and taker after it."""
    giver, taker = two
    weights = {id(one): (scale.load(one, giver.person).weighted, scale.load(one, taker.person).weighted)
               for one in (*given, *back)}
    for one in given:
        left, got = giver.weighted - weights[id(one)][0], taker.weighted + weights[id(one)][1]
        yield (one, None), left, got
        for other in back:
            yield (one, other), left + weights[id(other)][0], got - weights[id(other)][1]
