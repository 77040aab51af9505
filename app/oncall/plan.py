"""What a schedule is made of, and what it answers, as frozen plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

Person = int
"""A person is known here by an id alone; only equality and hashing are used."""


@dataclass(frozen=True)
class Rotation:
    """Hands over `every` so many of `unit` (hour, day, week or month), counted on the wall clock."""

    every: int
    unit: str


@dataclass(frozen=True)
class Restriction:
    """Active from `from_` to `to` (local clock times) on windows that start on `days`; Monday is 0.

    `from_` after `to` runs into the next day; `from_` equal to `to` is a block of 24 hours.
    """

    days: frozenset[int]
    from_: time
    to: time


@dataclass(frozen=True)
class Layer:
    """One rotation: people take turns from `starts` on, each entry of `turns` being one turn of 1..10 people.

    `starts` and `ends` are naive wall times in `zone`; `ends` is exclusive. An edited layer is kept as several
    that share their `starts`, so that the count of hand-offs goes on: each is in force only from the instant `since`
    until the instant `until` (aware, in UTC), and `first_turn` is the place in `turns` of the turn that begins at
    `starts`. `holidays` "skip" leaves the schedule's holidays out, "only" all other days. An imported layer has `fixed`
    spans (start, end, people) in the place of turns, in order.
    """

    name: str
    zone: ZoneInfo
    starts: datetime
    ends: datetime | None
    rotation: Rotation
    turns: tuple[tuple[Person, ...], ...]
    restrictions: tuple[Restriction, ...] = ()
    skip_inactive: bool = False
    holidays: str = ""
    first_turn: int = 0
    since: datetime | None = None
    until: datetime | None = None
    fixed: tuple[tuple[datetime, datetime, tuple[Person, ...]], ...] | None = None


@dataclass(frozen=True)
class Override:
    """Puts `people` on duty from `starts` to `ends` (aware, in UTC): for `replaces`, or for everybody when None.

    With `replaces` and no people, that person is off.
    """

    starts: datetime
    ends: datetime
    people: tuple[Person, ...]
    replaces: Person | None = None


@dataclass(frozen=True)
class Away:
    """The person was deactivated from `since` until just before `until` (aware, in UTC); None: still is."""

    person: Person
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Schedule:
    """Layers with the lowest precedence first, and the overrides above them; `zone` is the one people read it in.

    Who is `away` holds no duty then; what was before and after is not touched by it. `holidays` are local days of each
    layer that asks for them.
    """

    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    away: tuple[Away, ...] = ()
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Shift:
    """`people` are on duty from `start` until just before `end` (aware, in UTC).

    `layer` is the deciding layer's name, "override", or "" for a gap, when `people` is empty. Only `on_duty` and its
    kin leave `start` or `end` None: the shift has no beginning, or no change is in sight.
    """

    start: datetime | None
    end: datetime | None
    people: tuple[Person, ...]
    layer: str
