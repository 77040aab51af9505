"""How fast a delivery is taken: 202 at a steady rate, and as many as the door lets in."""

from __future__ import annotations

import asyncio

from bench.load import Answer, Client, flat_out, percentile, steady
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import alert, started

RATE = {"sqlite": 50, "postgresql": 200}
PROBLEMS = 50


async def measure(bench: Bench) -> list[Figure]:
    """Fifty problems of one sender, reported again and again, each delivery signed and different."""
    async with Sink() as sink, started(bench.address, sink.url) as system:
        client = Client(system.port)
        rate, seconds = RATE[bench.database], bench.of(3, 30, 600)
        await steady(client, _deliveries(client, 2 * PROBLEMS), 20)  # all are open and paged, as in the middle of a day
        await asyncio.sleep(2)
        calm = await steady(client, _deliveries(client, int(rate * seconds)), rate)
        await asyncio.sleep(2)
        seconds = bench.of(2, 10, 30)
        most = await flat_out(client, _deliveries(client, 10**6), seconds=seconds)
        client.close()
    return [*_latency(calm, rate), Figure("deliveries taken a second, flat out", _rate(most), "/s", rate, least=True),
            Figure("answers other than 202, flat out", _errors(most), "", 0),
            Figure("202 p99, flat out with 32 senders", percentile((answer.took for answer in most), .99), "ms")]


def _deliveries(client: Client, number: int):  # type: ignore[no-untyped-def]
    return ((lambda at=at: alert(client, f"problem-{at % PROBLEMS}", note=f"the {at}th time ")) for at in range(number))


def _latency(answers: list[Answer], rate: int) -> list[Figure]:
    took = [answer.took for answer in answers]
    return [Figure(f"202 p50 at {rate}/s", percentile(took, .5), "ms"),
            Figure(f"202 p99 at {rate}/s", percentile(took, .99), "ms", 50),
            Figure(f"202 worst at {rate}/s", max(took), "ms"),
            Figure(f"answers other than 202 at {rate}/s", _errors(answers), "", 0)]


def _errors(answers: list[Answer]) -> int:
    return sum(answer.status != 202 for answer in answers)


def _rate(answers: list[Answer]) -> float:
    begun, ended = min(answer.intended for answer in answers), max(answer.done for answer in answers)
    return sum(answer.status == 202 for answer in answers) / (ended - begun)


if __name__ == "__main__":
    run("ingest", measure)
