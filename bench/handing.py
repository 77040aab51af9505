"""How many messages a second are handed over to a provider that answers after 50 ms, by the number of workers."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text

from app.notifications.models import Message
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, started

PROVIDER = 0.05
LEAD = timedelta(seconds=2)
CHUNK = 1000


async def measure(bench: Bench) -> list[Figure]:
    """Messages that all fall due at one moment; each number of workers on a system of its own."""
    number = int(bench.of(100, 1500, 6000))
    found = []
    for workers in (1,) if bench.size == "small" else (1, 2, 4):
        async with Sink(PROVIDER) as sink, started(bench.address, sink.url, WORKER_PROCESSES=str(workers)) as system:
            await asyncio.to_thread(_fill, system, number)
            rate, twice = await _taken(sink, number)
        found.append(Figure(f"{workers} worker{'s' if workers > 1 else ''}: messages handed over", rate, "/s"))
        found.append(Figure(f"{workers} worker{'s' if workers > 1 else ''}: sent twice or not at all", twice, "", 0))
    return found


def _fill(system: System, number: int) -> None:
    """Codes for everybody, due in two seconds."""
    due = datetime.now(UTC) + LEAD
    with system.engine() as engine, engine.begin() as connection:
        methods = list(connection.execute(text("SELECT id, user_id, address FROM contact_methods")))
        rows = [{"kind": "code", "user_id": user, "method_id": key, "channel": "webhook", "address": address,
                 "next_at": due, "queued_at": due} for at in range(number)
                for key, user, address in (methods[at % len(methods)],)]
        for start in range(0, number, CHUNK):
            connection.execute(insert(Message), rows[start:start + CHUNK])


async def _taken(sink: Sink, number: int) -> tuple[float, int]:
    """Messages a second from the first to the last, and how many came too often or not."""
    until = time.time() + 120
    while sink.count < number and time.time() < until:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    return sink.count / max(0.001, sink.ended - sink.began), abs(number - sink.count)


if __name__ == "__main__":
    run("handing", measure)
