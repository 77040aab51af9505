"""How many readers of a status page are served, and how fast ten thousand subscribers get a message each."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from itertools import repeat

import httpx
from sqlalchemy import Engine, insert, text

from app.status_pages.subscriber_models import Subscriber
from bench.load import Answer, Client, flat_out, percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, started

HANDS, CHUNK = 16, 1000


async def measure(bench: Bench) -> list[Figure]:
    """A page of thirty components, read as fast as it goes, whole and as 304; then a notice for everybody."""
    seconds, readers = bench.of(2, 8, 30), int(bench.of(1000, 10_000, 10_000))
    async with Sink(0) as sink, started(bench.address, sink.url, WEB_PROCESSES="2") as system:
        await asyncio.to_thread(system.oncall, "apply", "-", given=json.dumps(_document()))
        whole = await _served(system, seconds, "")
        await asyncio.sleep(60 - time.time() % 60 + 1)  # a page is made anew each minute: the mark holds for the rest of it
        found = await asyncio.to_thread(httpx.get, f"{system.url}/status/shop")
        again = await _served(system, seconds, found.headers["ETag"])
        took = await asyncio.to_thread(_told, system, readers)
    return [
        Figure("status page, 30 components", len(found.content) / 1000, "kB", 50),
        *_figures("status page: answers 200", whole, seconds), *_figures("status page: answers 304", again, seconds),
        Figure(f"{readers} subscribers: a message queued for each after", took, "s", 10)]


def _document() -> dict[str, object]:
    components = [{"name": f"Part {at}", "services": [f"shop-{at}"], "group": f"Group {at // 10}"} for at in range(30)]
    return {"version": 1,
            "status_pages": [{"slug": "shop", "name": "Shop status", "team": "shop", "components": components}]}


async def _served(system: System, seconds: float, mark: str) -> list[Answer]:
    client = Client(system.port, most=HANDS)
    asked = client.request("GET", "/status/shop", **({"If_None_Match": mark} if mark else {}))
    await flat_out(client, repeat(lambda: asked), hands=HANDS, seconds=1)
    answers = await flat_out(client, repeat(lambda: asked), hands=HANDS, seconds=seconds)
    client.close()
    wrong = [one.status for one in answers if one.status != (304 if mark else 200)]
    if wrong:
        raise SystemExit(f"{len(wrong)} answers were {wrong[0]}")
    return answers


def _figures(what: str, answers: list[Answer], seconds: float) -> list[Figure]:
    return [Figure(what, len(answers) / seconds, "/s", 1500, least=True),
            Figure(f"{what}, p99", percentile((one.took for one in answers), 0.99), "ms", 20)]


def _told(system: System, readers: int) -> float:
    """Seconds from publishing a notice until each subscriber has a message."""
    now = datetime.now(UTC)
    with system.engine() as engine:
        with engine.begin() as connection:
            page = connection.execute(text("SELECT id FROM status_pages")).scalar_one()
            rows = [{"page_id": page, "kind": "email", "address": f"r{at}@example.com", "address_hash": f"{at}",
                     "state": "active",
                     "components": [], "kinds": ["notice"], "token_hash": f"{at}", "token_sealed": "", "failures": 0,
                     "reason": "",
                     "created_at": now} for at in range(readers)]
            for start in range(0, readers, CHUNK):
                connection.execute(insert(Subscriber), rows[start:start + CHUNK])
        began = time.time()
        httpx.post(f"{system.url}/api/v1/status-pages/shop/notices", headers={"Authorization": f"Bearer {system.token}"},
                   json={"title": "Measured", "state": "investigating", "text": "We look."}).raise_for_status()
        while time.time() < began + 60 and _queued(engine) < readers:
            time.sleep(0.1)
        return time.time() - began


def _queued(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM status_messages")).scalar_one())


if __name__ == "__main__":
    run("status", measure)
