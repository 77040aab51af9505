"""The numbers a schedule, a layer and an override must keep to, each broken one named by its field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from app.core.clock import YEARS
from app.oncall.plan import Layer, Override, Restriction, Rotation, Schedule

HOLIDAYS = ("skip", "only")
UNITS = ("hour", "day", "week", "month")
LAYERS, RESTRICTIONS, TURNS, PEOPLE, NAME, EVERY = 20, 20, 100, 10, 50, 365
SHORTEST_OVERRIDE, LONGEST_OVERRIDE = timedelta(minutes=1), timedelta(days=366)
LONGEST_READING = timedelta(days=400)


@dataclass(frozen=True)
class Problem:
    """One reason to refuse: the field as the configuration document names it, and a sentence."""

    field: str
    message: str


def check_schedule(schedule: Schedule) -> list[Problem]:
    """What is wrong with the layers and overrides, their fields prefixed by `layers[0].` and `overrides[0].`."""
    problems = []
    if len(schedule.layers) > LAYERS:
        problems.append(Problem("layers", f"A schedule has at most {LAYERS} layers"))
    for place, layer in enumerate(schedule.layers):
        problems += [Problem(f"layers[{place}].{one.field}", one.message) for one in check_layer(layer)]
    for place, override in enumerate(schedule.overrides):
        problems += [Problem(f"overrides[{place}].{one.field}", one.message) for one in check_override(override)]
    return problems


def check_layer(layer: Layer) -> list[Problem]:
    """What is wrong with a layer's name, times, rotation, participants and restrictions; empty when nothing is."""
    return [*_name(layer.name), *_times(layer), *_rotation(layer.rotation),
            *_participants(layer.turns), *_restrictions(layer.restrictions)]


def check_override(override: Override) -> list[Problem]:
    """What is wrong with an override by itself. Conflicts and the past are for the caller to ask about."""
    problems = [*_moment("starts", override.starts), *_moment("ends", override.ends)]
    length = override.ends - override.starts
    if length < SHORTEST_OVERRIDE:
        problems.append(Problem("ends", "An override ends at least a minute after it starts"))
    if length > LONGEST_OVERRIDE:
        problems.append(Problem("ends", f"An override lasts at most {LONGEST_OVERRIDE.days} days"))
    if len(override.people) > PEOPLE:
        problems.append(Problem("people", f"At most {PEOPLE} people stand in together"))
    if not override.people and override.replaces is None:
        problems.append(Problem("people", "Name who stands in, or whom to take off duty"))
    return problems


def check_range(start: datetime, end: datetime) -> list[Problem]:
    """What is wrong with a span to read shifts for, given by `from` and `to` as aware datetimes."""
    problems = [Problem(field, f"The year must lie between {YEARS[0]} and {YEARS[-1]}")
                for field, moment in (("from", start), ("to", end)) if moment.year not in YEARS]
    if end <= start:
        problems.append(Problem("to", "The end must be later than the start"))
    elif end - start > LONGEST_READING:
        problems.append(Problem("to", f"At most {LONGEST_READING.days} days can be read at once"))
    return problems


def _name(name: str) -> Iterator[Problem]:
    if not 1 <= len(name.strip()) <= NAME:
        yield Problem("name", f"A name has 1 to {NAME} characters")


def _times(layer: Layer) -> Iterator[Problem]:
    yield from _moment("starts", layer.starts)
    if layer.ends is not None:
        yield from _moment("ends", layer.ends)
        if layer.ends <= layer.starts:
            yield Problem("ends", "A layer ends later than it starts")


def _moment(field: str, moment: datetime) -> Iterator[Problem]:
    if moment.year not in YEARS:
        yield Problem(field, f"The year must lie between {YEARS[0]} and {YEARS[-1]}")
    if moment.second or moment.microsecond:
        yield Problem(field, "Times are given to the minute")


def _rotation(rotation: Rotation) -> Iterator[Problem]:
    if rotation.unit not in UNITS:
        yield Problem("rotation.unit", f"The unit is one of {', '.join(UNITS)}")
    if not 1 <= rotation.every <= EVERY:
        yield Problem("rotation.every", f"A rotation hands over every 1 to {EVERY} units")


def _participants(turns: tuple[tuple[int, ...], ...]) -> Iterator[Problem]:
    if not 1 <= len(turns) <= TURNS:
        yield Problem("participants", f"A layer has 1 to {TURNS} turns")
    for place, turn in enumerate(turns):
        if not 1 <= len(turn) <= PEOPLE:
            yield Problem(f"participants[{place}]", f"A turn has 1 to {PEOPLE} people")


def _restrictions(restrictions: tuple[Restriction, ...]) -> Iterator[Problem]:
    if len(restrictions) > RESTRICTIONS:
        yield Problem("restrictions", f"A layer has at most {RESTRICTIONS} restrictions")
    for place, one in enumerate(restrictions):
        if not one.days:
            yield Problem(f"restrictions[{place}].days", "A restriction needs at least one day")
        elif not one.days <= frozenset(range(7)):
            yield Problem(f"restrictions[{place}].days", "Days are those of the week, Monday being 0")
        for field, clock in (("from", one.from_), ("to", one.to)):
            if _finer_than_minutes(clock):
                yield Problem(f"restrictions[{place}].{field}", "Times are given to the minute")


def _finer_than_minutes(clock: time) -> bool:
    return bool(clock.second or clock.microsecond)
