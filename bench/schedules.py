"""Times the reading of large schedules against the limits they must keep: `python bench/schedules.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.oncall.rules import Layer, Override, Restriction, Rotation, Schedule, on_duty, shifts

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 7, 20, 12, 34, tzinfo=UTC)
WORKDAYS, ALL_DAYS = frozenset(range(5)), frozenset(range(7))


def office(layers: int, people: int, overrides: int) -> Schedule:
    """A weekly base below daily layers for office hours, with stand-ins of six hours on every other day or so."""
    turns = tuple((one,) for one in range(people))
    hours = tuple(Restriction(WORKDAYS, time(9 + place % 4), time(14 + place % 4)) for place in range(3))
    base = Layer("base", NEW_YORK, datetime(2020, 1, 6, 9), None, Rotation(1, "week"), turns)
    above = [Layer(f"layer {place}", NEW_YORK, datetime(2020, 1, 6, place % 24), None, Rotation(1, "day"), turns,
                   hours) for place in range(1, layers)]
    return Schedule(NEW_YORK, (base, *above), stand_ins(overrides, people))


def hostile(unit: str = "hour") -> Schedule:
    """Twenty layers of a hundred turns since 1990, hourly, twenty restrictions each, five hundred overrides."""
    turns = tuple((one,) for one in range(100))
    layers = []
    for place in range(20):
        hours = tuple(Restriction(ALL_DAYS, time(one, place), time(one, place + 2)) for one in range(20))
        layers.append(Layer(f"layer {place}", NEW_YORK, datetime(1990, 1, 1), None, Rotation(1, unit), turns, hours,
                            skip_inactive=True))
    return Schedule(NEW_YORK, tuple(layers), stand_ins(500, 100))


def stand_ins(count: int, people: int) -> tuple[Override, ...]:
    """Overrides around NOW that replace one person each, touching nobody else's."""
    starts = [NOW + timedelta(hours=17 * (place - count // 2)) for place in range(count)]
    return tuple(Override(one, one + timedelta(hours=6), (place % 7,), place % people)
                 for place, one in enumerate(starts))


def show(what: str, limit_ms: float, call: Callable[[], object], times: int = 5) -> None:
    """Prints the median of some calls, the first of which fills the caches and is told apart."""
    took = []
    for _ in range(times + 1):
        begun = perf_counter()
        call()
        took.append((perf_counter() - begun) * 1000)
    median = sorted(took[1:])[times // 2]
    print(f"{what:52} first {took[0]:8.2f} ms   median {median:8.2f} ms   limit {limit_ms:6.0f} ms"
          f"   {'ok' if median <= limit_ms else 'TOO SLOW'}")


def main() -> None:
    """Prints one line a measurement."""
    usual, large, worst = office(5, 20, 100), office(20, 100, 500), hostile()
    for name, schedule in (("usual", usual), ("large", large), ("hostile", worst)):
        show(f"{name}: on duty now", 30, lambda schedule=schedule: on_duty(schedule, NOW), 21)  # type: ignore[misc]
        for days, limit in ((31, 200), (90, 50 if name == "usual" else 500), (400, 2000)):
            end = NOW + timedelta(days=days)
            show(f"{name}: shifts of {days} days", limit,
                 lambda schedule=schedule, end=end: shifts(schedule, NOW, end))  # type: ignore[misc]


if __name__ == "__main__":
    main()
