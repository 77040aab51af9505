"""What the whole system weighs, idle and after work, and how soon it is there after a start."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from bench.load import Client, steady
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, alert, resident, started

RATE, PROBLEMS = 20, 100


async def measure(bench: Bench) -> list[Figure]:
    """Started, stopped and started again, left alone, then worked at twenty deliveries a second, then left alone."""
    async with Sink() as sink, started(bench.address, sink.url) as system:
        await asyncio.to_thread(system.stop)
        starts = [await _restarted(system) for _ in range(int(bench.of(1, 3, 3)))]
        await asyncio.sleep(bench.of(1, 10, 30))
        idle, charged = system.resident(), system.proportional()
        client = Client(system.port)
        number = int(RATE * bench.of(3, 40, 3600))
        await steady(client, ((lambda at=at: alert(client, f"problem-{at % PROBLEMS}")) for at in range(number)), RATE)  # type: ignore[misc]
        await asyncio.sleep(bench.of(1, 5, 30))
        worked, parts = system.proportional(), _parts(system)
        client.close()
    return [
        Figure("start of a filled system to first page, worst", max(starts), "s", 5),
        Figure("resident memory of all parts, idle", charged, "MB", 400),
        Figure("the same with shared pages counted in each part", idle, "MB"),
        Figure(f"resident memory after {number:,} deliveries at {RATE}/s", worked, "MB", 400),
        *(Figure(f"of this {name}", size, "MB") for name, size in parts.items()),
    ]


async def _restarted(system: System) -> float:
    if system.started:
        await asyncio.to_thread(system.stop)
    return await asyncio.to_thread(system.up)


def _parts(system: System) -> dict[str, float]:
    """MB of each kind of process."""
    found: dict[str, float] = defaultdict(float)
    for part in system.parts():
        role = next((role for role in ("web", "worker", "clock", "redis") if part.is_a(role)), "supervisor")
        found[role] += resident(part.pid) / 1e6
    return dict(found)


if __name__ == "__main__":
    run("footprint", measure)
