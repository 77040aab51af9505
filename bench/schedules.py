"""Times the reading of large schedules against the limits they must keep: `python bench/schedules.py`."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from zoneinfo import ZoneInfo

from sqlalchemy import event, select

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.core.db import Base, db, session, transaction
from app.identity.models import Team, User
from app.oncall.models import Layer as StoredLayer
from app.oncall.models import Schedule as StoredSchedule
from app.oncall.queries import on_duty_now
from app.oncall.rules import Layer, Override, Restriction, Rotation, Schedule, on_duty, shifts

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 7, 20, 12, 34, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Pacific/Apia")
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


@contextmanager
def stored(schedules: int) -> Iterator[list[StoredSchedule]]:
    """An application on an empty SQLite database that holds so many schedules of 20 people and 2 layers each."""
    with TemporaryDirectory() as folder:
        app = create_app({"ONCALL_INSTANCE": folder, "DATABASE_URL": f"sqlite:///{folder}/bench.db",
                          "REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": "bench", "LOG_LEVEL": "ERROR",
                          "ENCRYPTION_KEYS": "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtMDA="})
        with app.app_context():
            db.create_all()
            with transaction():
                session.add_all(_organisation(schedules))
            yield list(session.scalars(select(StoredSchedule)))
            session.remove()
            db.engine.dispose()


def _organisation(schedules: int) -> Iterator[Base]:
    people = [User(id=one, email=f"p{one}@example.com", name=f"Person {one}") for one in range(1, 201)]
    yield from people
    yield Team(id=1, key="bench", name="Bench")
    office = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]
    for one in range(schedules):
        turns = [[(one + place) % 200 + 1] for place in range(20)]
        columns = {"key": f"schedule-{one}", "name": f"Schedule {one}", "time_zone": "America/New_York"}
        yield StoredSchedule(team_id=1, **columns, layers=[
            StoredLayer(position=0, name="base", starts="2020-01-06T09:00", unit="week", every=1, turns=turns),
            StoredLayer(position=1, name="office", starts="2020-01-06T09:00", unit="day", every=1, turns=turns,
                        restrictions=office)])


def many(count: int = 1000) -> None:
    """Prints how long it takes to tell who is on duty in many stored schedules, and how many queries that needs."""
    with stored(count) as schedules:
        asked: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        show(f"{count} stored schedules: on duty now", 250, lambda: on_duty_now(schedules, NOW))
        print(f"{'':52} {len(asked) // 6} queries each time")


def any_schedule(chance: random.Random) -> Schedule:
    """A schedule of up to three layers and two overrides, of any unit, interval, zone and restriction."""
    zone = ZoneInfo(chance.choice(ZONES))
    layers = []
    for place in range(chance.randint(1, 3)):
        starts = datetime(2026, chance.randint(1, 12), chance.randint(1, 28), chance.randrange(24), chance.randrange(60))
        hours = tuple(Restriction(frozenset(chance.sample(range(7), chance.randint(1, 7))), time(chance.randrange(24)),
                                  time(chance.randrange(24), 30)) for _ in range(chance.randrange(3)))
        turns = tuple((one,) for one in range(chance.randint(1, 6)))
        rotation = Rotation(chance.randint(1, 40), chance.choice(("hour", "day", "week", "month")))
        layers.append(Layer(f"layer {place}", zone, starts, None, rotation, turns, hours, chance.random() < 0.2))
    return Schedule(zone, tuple(layers), stand_ins(chance.randrange(3), 6))


def random_schedules(seconds: float = 15) -> None:
    """Prints how many random schedules a minute are found contiguous over 60 days and equal to `on_duty` at random
    instants."""
    chance, checked, end = random.Random(7), 0, NOW + timedelta(days=60)
    begun = perf_counter()
    while perf_counter() - begun < seconds:
        schedule = any_schedule(chance)
        found = shifts(schedule, NOW, end)
        assert found[0].start == NOW and found[-1].end == end
        assert all(one.end == other.start for one, other in pairwise(found)), schedule
        at = NOW + timedelta(seconds=chance.randrange(60 * 86400))
        asked = on_duty(schedule, at)
        [one] = [one for one in found if one.start <= at < one.end]
        assert (one.people, one.layer) == (asked.people, asked.layer), (schedule, at)
        checked += 1
    rate = checked * 60 / (perf_counter() - begun)
    print(f"{'random schedules checked over 60 days':52} {rate:12,.0f} a minute   limit 10,000   "
          f"{'ok' if rate >= 10_000 else 'TOO SLOW'}")


def main() -> None:
    """Prints one line a measurement."""
    usual, large, worst = office(5, 20, 100), office(20, 100, 500), hostile()
    for name, schedule in (("usual", usual), ("large", large), ("hostile", worst)):
        show(f"{name}: on duty now", 30, lambda schedule=schedule: on_duty(schedule, NOW), 21)  # type: ignore[misc]
        for days, limit in ((31, 200), (90, 50 if name == "usual" else 500), (400, 2000)):
            end = NOW + timedelta(days=days)
            show(f"{name}: shifts of {days} days", limit,
                 lambda schedule=schedule, end=end: shifts(schedule, NOW, end))  # type: ignore[misc]
    many()
    random_schedules()


if __name__ == "__main__":
    main()
