"""How late the next level is paged while fifty thousand escalations are open, and how many a second can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from app import wiring
from app.core.events import Event
from app.escalation.models import Run
from app.incidents.models import Counter, Incident
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, started

EVERY = 3600  # seconds over which the open runs fall due, evenly: an hour is a long time-out of a level
CHUNK = 2000
REACHED = "escalation.level_reached"
LEAD = timedelta(seconds=8)


async def measure(bench: Bench) -> list[Figure]:
    """Open runs by bulk insert, due one after the other at an even rate; then many more made due at one moment."""
    for module in wiring.MODELS:
        import_module(module)
    number, seconds = int(bench.of(2000, 50_000, 50_000)), bench.of(5, 30, 600)
    crowd = int(bench.of(50, 1000, 3000))
    async with Sink() as sink, started(bench.address, sink.url) as system:
        rate = number / EVERY
        due = await asyncio.to_thread(_fill, system, number, EVERY / number)
        begins = min(due.values())
        wanted = {key: at for key, at in due.items() if at < begins + timedelta(seconds=seconds)}
        await _reached(system, wanted, seconds + LEAD.total_seconds() + 60)
        late = _lateness(system, wanted)
        paged = [sink.first[mark] - at.timestamp() for key, at in wanted.items()
                 if (mark := f"problem-timer-{key}") in sink.first]
        many = sorted(due, key=lambda key: due[key])[-crowd:]
        at = await asyncio.to_thread(_hurry, system, many)
        await _reached(system, {key: at for key in many}, 300)
        crowded = _lateness(system, {key: at for key in many})
    return [
        Figure(f"{number:,} open runs, {rate:.3g} due a second: lateness p50", percentile(late, .5), "s"),
        Figure(f"{number:,} open runs, {rate:.3g} due a second: lateness p99", percentile(late, .99), "s", 1),
        Figure("of these early", sum(seconds < 0 for seconds in late), "", 0),
        Figure("of these not reached", len(wanted) - len(late), "", 0),
        Figure("due to page at the channel p99", percentile(paged, .99), "s"),
        Figure(f"{crowd:,} due at the same moment: until the last", max(crowded, default=0), "s"),
        Figure("timers kept a second", len(crowded) / max(crowded, default=1), "/s"),
    ]


def _fill(system: System, number: int, gap: float) -> dict[int, datetime]:
    """Triggered incidents of the shop with a run at its first level; when each is due, by incident."""
    with system.engine() as engine, engine.begin() as connection:
        team, service = (connection.execute(text(f"SELECT min(id) FROM {table} WHERE key LIKE 'shop%'")).scalar()
                         for table in ("teams", "services"))
        people = list(connection.execute(text("SELECT id FROM users WHERE email LIKE 'person-%'")).scalars())
        first = _numbers(connection, number)
        begins = datetime.now(UTC) + LEAD + timedelta(seconds=number / 15_000)
        due = {first + at: begins + timedelta(seconds=at * gap) for at in range(number)}
        for keys in _chunks(list(due)):
            connection.execute(insert(Incident), [_incident(key, team, service) for key in keys])
            connection.execute(insert(Run), [_run(key, due[key], people[key % len(people)]) for key in keys])
    with system.engine() as engine, engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return due


def _numbers(connection: Connection, number: int) -> int:
    """The first of so many fresh incident numbers."""
    if connection.execute(select(Counter.value)).scalar() is None:
        connection.execute(insert(Counter).values(name="incidents", value=0))
    connection.execute(update(Counter).values(value=Counter.value + number))
    return int(connection.execute(select(Counter.value)).scalar_one()) - number + 1


def _incident(key: int, team: Any, service: Any) -> dict[str, Any]:
    return {"id": key, "title": f"problem-timer-{key} is broken", "severity": "critical", "urgency": "high",
            "team_id": team, "service_id": service}


def _run(key: int, due: datetime, person: int) -> dict[str, Any]:
    levels = [{"timeout": 7200, "targets": [{"user": person}]}] * 3
    return {"incident_id": key, "policy_name": "Shop", "levels": levels, "repeat": 0, "level": 0, "next_at": due}


def _chunks(keys: list[int]) -> Iterator[list[int]]:
    return (keys[start:start + CHUNK] for start in range(0, len(keys), CHUNK))


def _hurry(system: System, keys: list[int]) -> datetime:
    """Make these due all at one moment."""
    at = datetime.now(UTC) + timedelta(seconds=3)
    with system.engine() as engine, engine.begin() as connection:
        connection.execute(update(Run).where(Run.incident_id.in_(keys)).values(next_at=at))
    return at


async def _reached(system: System, due: dict[int, datetime], within: float) -> None:
    until = time.time() + within
    await asyncio.sleep(max(0.0, max(due.values()).timestamp() - time.time()))
    while time.time() < until and len(await asyncio.to_thread(_moments, system, due)) < len(due):
        await asyncio.sleep(1)


def _moments(system: System, due: dict[int, datetime]) -> dict[int, datetime]:
    """When the second level of each incident was reached."""
    with system.engine() as engine, engine.connect() as connection:
        rows = connection.execute(select(Event.subject, Event.at).where(Event.kind == REACHED))
        found = {int(subject.partition(":")[2]): at for subject, at in rows}
    return {key: found[key] for key in due if key in found}


def _lateness(system: System, due: dict[int, datetime]) -> list[float]:
    return [(at - due[key]).total_seconds() for key, at in _moments(system, due).items()]


if __name__ == "__main__":
    run("timers", measure)
