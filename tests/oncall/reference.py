"""A slow second opinion on who is on duty, minute by minute; it shares no reckoning with the application."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from app.oncall.rules import Layer, Override, Schedule

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEPS = {"hour": timedelta(hours=1), "day": DAY, "week": 7 * DAY}


class Calendar:
    """Every minute of a few days with what a clock in the zone showed at it; minutes are numbered from `start`."""

    def __init__(self, zone: ZoneInfo, start: datetime, days: int) -> None:
        self.start, self.minutes = start, days * 24 * 60
        self.shown = [(start + n * MINUTE).astimezone(zone).replace(tzinfo=None, fold=0) for n in range(self.minutes)]
        self.days = {shown.date() for shown in self.shown}
        self.first = {shown: n for n, shown in reversed(list(enumerate(self.shown)))}
        self.last = {shown: n for n, shown in enumerate(self.shown)}

    def minute(self, wall: datetime, *, last: bool = False) -> int:
        """The number of the minute that a wall time means; the calendar's length for times behind its end."""
        while wall not in self.first:
            if wall > self.shown[-1]:
                return self.minutes
            if wall < self.shown[0]:
                return 0
            wall, last = wall + MINUTE, False
        return (self.last if last else self.first)[wall]


@lru_cache
def calendar(zone: ZoneInfo, start: datetime, days: int) -> Calendar:
    return Calendar(zone, start, days)


def walk(layer: Layer, until: datetime) -> list[datetime]:
    """The wall times of the hand-offs from `starts` on, found one after the other."""
    found, months, wall = [], 0, layer.starts
    while wall <= until:
        found.append(wall)
        if step := STEPS.get(layer.rotation.unit):
            wall += layer.rotation.every * step
            continue
        year, month = layer.starts.year, layer.starts.month
        months += layer.rotation.every
        for _ in range(months):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        wall = layer.starts.replace(year=year, month=month, day=min(layer.starts.day, monthrange(year, month)[1]))
    return found


def window(layer: Layer, place: int, day: date, days: Calendar) -> range:
    """The minutes of one restriction's window that starts on a day, if the restriction names that day."""
    one = layer.restrictions[place]
    if day.weekday() not in one.days:
        return range(0)
    until = day if one.from_ < one.to else day + DAY
    return range(days.minute(datetime.combine(day, one.from_)),
                 days.minute(datetime.combine(until, one.to), last=True))


def lane(layer: Layer, days: Calendar, inactive: frozenset[int]) -> list[tuple[int, ...]]:
    """Who the layer alone has on duty at each minute."""
    around = [days.shown[0].date() + n * DAY for n in range(-1, len(days.days) + 3)]
    places = range(len(layer.restrictions))
    handoffs = {days.minute(wall) for wall in walk(layer, days.shown[-1])
                if wall == layer.starts or wall.date() in days.days} - {days.minutes}
    if layer.skip_inactive and layer.restrictions:
        handoffs = {n for n in handoffs if any(window(layer, place, days.shown[n].date(), days) for place in places)}
    active = {n for place in places for day in around for n in window(layer, place, day, days)}
    begin, end = days.minute(layer.starts), days.minute(layer.ends) if layer.ends else days.minutes
    found, turn = [], -1
    for n in range(days.minutes):
        turn += n in handoffs
        on = begin <= n < end and (not layer.restrictions or n in active)
        found.append(holder(layer, max(turn, 0), inactive) if on else ())
    return found


def holder(layer: Layer, turn: int, inactive: frozenset[int]) -> tuple[int, ...]:
    """The people of a turn who are left, or of the next turn that has any."""
    for later in range(len(layer.turns)):
        people = [one for one in layer.turns[(turn + later) % len(layer.turns)] if one not in inactive]
        if people:
            return tuple(dict.fromkeys(people))
    return ()


def answer(people: tuple[int, ...], layer: str, running: list[Override]) -> tuple[tuple[int, ...], str]:
    """The people and layer at one minute after the overrides that run at it."""
    for one in running:
        if one.replaces is None:
            people, layer = one.people, "override"
    substitutes = {one.replaces: one.people for one in running if one.replaces is not None}
    for person in [one for one in people if one in substitutes]:
        place = people.index(person)
        people, layer = people[:place] + substitutes[person] + people[place + 1:], "override"
    people = tuple(dict.fromkeys(people))
    return (people, layer) if people else ((), "")


def timeline(schedule: Schedule, start: datetime, days: int, inactive: frozenset[int]) -> list[tuple]:
    """The whole answer as (start, end, people, layer), joined where nothing changes."""
    lanes = [(one.name, lane(one, calendar(one.zone, start, days), inactive)) for one in schedule.layers]
    minutes = []
    for n in range(days * 24 * 60):
        at = start + n * MINUTE
        running = [one for one in schedule.overrides if one.starts <= at < one.ends]
        people, layer = next(((who[n], name) for name, who in reversed(lanes) if who[n]), ((), ""))
        minutes.append((*answer(people, layer, running), n))
    found = []
    for (people, layer), group in groupby(minutes, key=lambda one: one[:2]):
        numbers = [one[2] for one in group]
        found.append((start + numbers[0] * MINUTE, start + (numbers[-1] + 1) * MINUTE, people, layer))
    return found
