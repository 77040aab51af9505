"""How soon a thousand people who look at one incident see that it changed."""

from __future__ import annotations

import asyncio
import json
import time

from bench.load import Client, percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, alert, started
from bench.viewers import Crowd
from tests.servers import free_port

PEOPLE = 5  # who share the viewers: one person may open 500 live pages a minute
ON_WEB = 40  # the web process of the embedded system takes at most LIVE_MAX_SOCKETS = 48


async def measure(bench: Bench) -> list[Figure]:
    """A note through the API every two seconds; the time until the frame that shows it has reached each viewer."""
    number, changes = int(bench.of(50, 1000, 1000)), int(bench.of(3, 10, 60))
    live = free_port()
    async with Sink() as sink, started(bench.address, sink.url, LIVE_MAX_SOCKETS="8000") as system:
        await asyncio.to_thread(system.run, "live", "--port", str(live),
                                answers=lambda: system.answers("/healthz", live))
        incident = await _incident(system, sink)
        cookies = [await asyncio.to_thread(system.cookie, f"person-{at}@example.com") for at in range(PEOPLE)]
        crowd, took = await _watched(system, incident, cookies, (live, number, changes))
        few, took_few = await _watched(system, incident, cookies, (system.port, ON_WEB, changes))
    sizes = [viewer.bytes / (changes + 1) / 1024 for viewer in crowd.viewers]
    return [
        Figure(f"{number:,} viewers on `oncall live`: change seen p50", percentile(took, .5), "ms"),
        Figure(f"{number:,} viewers on `oncall live`: change seen p99", percentile(took, .99), "ms", 1000),
        Figure("viewers that were not told of a change", number * changes - len(took), "", 0),
        Figure("sent to a viewer for each change, mean", percentile(sizes, .5), "KiB"),
        Figure(f"{ON_WEB} viewers on the web process: change seen p99", percentile(took_few, .99), "ms", 1000),
        Figure(f"not told of these {ON_WEB}", ON_WEB * changes - len(took_few), "", 0),
    ]


async def _incident(system: System, sink: Sink) -> str:
    sender, api = Client(system.port), system.client()
    await sender.send(alert(sender, "problem-seen"), time.time())
    await sink.wait(["problem-seen"], 20)
    listed = await api.send(api.request("GET", "/api/v1/incidents"), time.time())
    sender.close()
    api.close()
    return str(json.loads(listed.body)["items"][0]["id"])


async def _watched(system: System, incident: str, cookies: list[str],
                   crowd_of: tuple[int, int, int]) -> tuple[Crowd, list[float]]:
    """Port, viewers and changes; milliseconds from each change's intended moment to each viewer that saw it."""
    port, number, changes = crowd_of
    crowd, api, took = Crowd(), system.client(), []
    await crowd.open(number, port, f"/live/incidents/{incident}", cookies)
    await asyncio.sleep(1)
    for change in range(changes):
        mark = f"seen-by-{number}-{change}-{time.time_ns()}"
        crowd.marks[:] = [mark.encode()]
        intended = time.time()
        answer = await api.send(api.request("POST", f"/api/v1/incidents/{incident}/notes", json.dumps(
            {"body": mark}).encode()), intended)
        if answer.status not in (200, 201):
            raise SystemExit(f"a note: {answer.status} {answer.body.decode()}")
        took += [(at - intended) * 1000 for at in await crowd.wait(mark.encode(), 10)]
        await asyncio.sleep(max(0.0, intended + 2 - time.time()))
    crowd.close()
    api.close()
    return crowd, took


if __name__ == "__main__":
    run("viewing", measure)
