"""How soon somebody is paged, and how soon an acknowledgement is answered, on a quiet day."""

from __future__ import annotations

import json

from bench.load import Client, percentile, steady
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import alert, started

RATE = 2.0


async def measure(bench: Bench) -> list[Figure]:
    """Different problems, two a second; then every incident is acknowledged through the API, five a second."""
    async with Sink() as sink, started(bench.address, sink.url) as system:
        sender, api = Client(system.port), system.client()
        await steady(sender, _problems(sender, "warm", 5), RATE)
        number = int(bench.of(6, 40, 600))
        taken = await steady(sender, _problems(sender, "cold", number), RATE)
        marks = [f"problem-cold-{at}" for at in range(number)]
        lost = await sink.wait(marks, 20)
        after = [(sink.first[mark] - answer.intended) * 1000 for mark, answer in zip(marks, taken, strict=True)
                 if mark in sink.first]
        acknowledged = await _acknowledge(api, number)
        sender.close()
        api.close()
    return [
        Figure("delivery sent to page at the channel p50", percentile(after, .5), "ms", 300),
        Figure("delivery sent to page at the channel p99", percentile(after, .99), "ms", 2000),
        Figure("pages that did not come", len(lost), "", 0),
        Figure("acknowledge by API p50", percentile(acknowledged, .5), "ms"),
        Figure("acknowledge by API p95", percentile(acknowledged, .95), "ms", 150),
    ]


def _problems(client: Client, name: str, number: int):  # type: ignore[no-untyped-def]
    return ((lambda at=at: alert(client, f"problem-{name}-{at}", service=f"shop-{at % 100}")) for at in range(number))


async def _acknowledge(api: Client, number: int) -> list[float]:
    listed = await steady(api, [lambda: api.request("GET", f"/api/v1/incidents?limit={min(number, 200)}")], 1)
    ids = [item["id"] for item in json.loads(listed[0].body)["items"]]
    answers = await steady(api, [lambda key=key: api.request(  # type: ignore[misc]
        "POST", f"/api/v1/incidents/{key}/acknowledge", b"{}") for key in ids], 5)
    if refused := [answer for answer in answers if answer.status != 200]:
        raise SystemExit(f"acknowledge: {refused[0].status} {refused[0].body.decode()}")
    return [answer.took for answer in answers]


if __name__ == "__main__":
    run("paging", measure)
