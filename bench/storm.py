"""Ten thousand deliveries of a hundred problems at once: how soon all is worked off, and whom it keeps waiting."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.load import Answer, Client, flat_out, percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import PEOPLE, SERVICES, System, alert, started

PROBLEMS = 100
READERS, EVERY = 50, 10.0  # each opens a page every ten seconds
READ = ("/insights", "/insights/response", "/insights/load", "/insights/noise", "/insights/delivery", "/insights?team=shop")
WAITING = "SELECT count(*) FROM deliveries WHERE state = 'received'"
LAST = ("SELECT max(processed_at) FROM deliveries "
        "WHERE integration_id = (SELECT id FROM integrations WHERE key = 'shop')")


@dataclass(frozen=True)
class Storm:
    """A storm on the wall clock: begun, the last delivery taken, the last one processed; and the answers at the door."""

    begun: float
    posted: float
    drained: float
    answers: list[Answer]


async def measure(bench: Bench) -> list[Figure]:
    """The shop storms as fast as it is let in, beside it another team has a new problem every second; then the shop storms
    once more while fifty people read figures."""
    number = int(bench.of(500, 10_000, 10_000))
    async with Sink() as sink, started(bench.address, sink.url) as system:
        other, over = Client(system.port), asyncio.Event()
        beside = asyncio.create_task(_others(other, over))
        storm = await _storm(system, "problem", number)
        over.set()
        sent = await beside
        lost = await sink.wait([f"problem-{at}" for at in range(PROBLEMS)] + list(sent), 60)
        pages = [sink.first[f"problem-{at}"] - storm.begun for at in range(PROBLEMS) if f"problem-{at}" in sink.first]
        waited = [sink.first[mark] - at for mark, at in sent.items() if mark in sink.first]
        found = _grouped(system)
        other.close()
        read, again = await _read_beside(system, number)
    return [
        Figure(f"{number:,} deliveries, first sent to last processed", storm.drained - storm.begun, "s", 60),
        Figure("of these, until the last was taken (202)", storm.posted - storm.begun, "s"),
        Figure("answers other than 202", sum(answer.status != 202 for answer in storm.answers), "", 0),
        Figure("incidents more or fewer than the hundred problems", abs(found[0] - PROBLEMS), "", 0),
        Figure("signals counted too often or not", abs(found[1] - number), "", 0),
        Figure("storm's begin to its last first page", max(pages, default=0), "s"),
        Figure("another team's page meanwhile p50", percentile(waited, .5), "s"),
        Figure("another team's page meanwhile, worst", max(waited, default=0), "s", 5),
        Figure("pages that did not come", len(lost), "", 0),
        Figure(f"pages of figures beside another storm, {READERS} readers, p95", percentile(
            [answer.took for answer in read], .95), "ms", 500),
        Figure("of these other than 200", sum(answer.status != 200 for answer in read), "", 0),
        Figure("that storm, first sent to last processed", again.drained - again.begun, "s", 60),
    ]


async def _storm(system: System, mark: str, number: int) -> Storm:
    """So many deliveries of a hundred problems, as fast as they are taken, until all is worked off."""
    client, begun = Client(system.port), time.time()
    answers = await flat_out(client, ((lambda at=at: alert(  # type: ignore[misc]
        client, f"{mark}-{at % PROBLEMS}", service=f"shop-{at % PROBLEMS}", note=f"the {at}th "))
        for at in range(number)))
    posted = time.time()
    drained = await _drained(system, 300)
    client.close()
    return Storm(begun, posted, drained, answers)


async def _read_beside(system: System, number: int) -> tuple[list[Answer], Storm]:
    """Fifty people, each of whom opens a page of figures every ten seconds, during another storm: the answers, and it."""
    cookies = [await asyncio.to_thread(system.cookie, f"person-{at}@example.com") for at in range(PEOPLE)]
    client, tasks = Client(system.port, most=READERS), []
    storming, begun = asyncio.create_task(_storm(system, "another", number)), time.time()
    while not storming.done():
        intended = begun + len(tasks) * EVERY / READERS
        await asyncio.sleep(max(0.0, intended - time.time()))
        opened = client.request("GET", READ[len(tasks) % len(READ)], Cookie=cookies[len(tasks) % PEOPLE])
        tasks.append(asyncio.create_task(client.send(opened, intended)))
    read = list(await asyncio.gather(*tasks))
    client.close()
    return read, await storming


async def _others(client: Client, over: asyncio.Event) -> dict[str, float]:
    """A new problem of the other team every second, on its moment; when each should have been sent, by its mark."""
    sent: dict[str, float] = {}
    begun, tasks = time.time(), []
    while not over.is_set() and len(sent) < 300:
        mark, intended = f"problem-other-{len(sent)}", begun + len(sent)
        await asyncio.sleep(max(0.0, intended - time.time()))
        sent[mark] = intended
        problem = alert(client, mark, sender="other", service=f"other-{len(sent) % SERVICES}")
        tasks.append(asyncio.create_task(client.send(problem, intended)))
    await asyncio.gather(*tasks)
    return sent


async def _drained(system: System, within: float) -> float:
    """When the last delivery of the storm was processed, on the wall clock."""
    until = time.time() + within
    while await asyncio.to_thread(system.value, WAITING) and time.time() < until:
        await asyncio.sleep(0.5)
    last = await asyncio.to_thread(system.value, LAST)
    at = datetime.fromisoformat(last) if isinstance(last, str) else last
    return float((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp())


def _grouped(system: System) -> tuple[int, ...]:
    """Incidents and counted signals of the storm."""
    shop = "FROM alerts JOIN integrations ON integrations.id = integration_id WHERE integrations.key = 'shop'"
    return tuple(int(system.value(f"SELECT {what} {shop}")) for what in ("count(DISTINCT incident_id)", "sum(count)"))


if __name__ == "__main__":
    run("storm", measure)
