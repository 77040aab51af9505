"""How many readers of a status page are served and at what cost, and how fast ten thousand subscribers get a mail each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, repeat

import httpx
from sqlalchemy import Engine, insert, text

from app.status_pages.subscriber_models import Subscriber
from bench.load import Answer, Client, flat_out, percentile, steady
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import System, started
from tests.fakes import MailServer
from tests.servers import eventually

HANDS, CHUNK = 16, 1000
LOOKS_EVERY = 20  # seconds between two looks of an open page (static/js/status.js)


@dataclass(frozen=True)
class Served:
    """What came of so many requests, and the seconds of CPU that the web processes spent on them."""

    answers: list[Answer]
    seconds: float
    cpu: float

    def figures(self, what: str) -> list[Figure]:
        """Rate, slowest and cost."""
        return [Figure(what, len(self.answers) / self.seconds, "/s", 1500, least=True),
                Figure(f"{what}, p99", percentile((one.took for one in self.answers), 0.99), "ms", 20),
                Figure(f"{what}, CPU each", 1000 * self.cpu / max(1, len(self.answers)), "ms", 0.5)]


async def measure(bench: Bench) -> list[Figure]:
    """A page of thirty components, read as fast as it goes, whole and as 304, then by open browsers; then mail."""
    seconds, readers = bench.of(2, 8, 30), int(bench.of(1000, 10_000, 10_000))
    async with Sink(0) as sink, _post() as post, started(
            bench.address, sink.url, WEB_PROCESSES="2", TRUSTED_PROXIES="1", SMTP_URL=post.url) as system:
        await asyncio.to_thread(system.oncall, "apply", "-", given=json.dumps(_document()))
        whole = await _served(system, seconds, "")
        await asyncio.sleep(60 - time.time() % 60 + 1)  # a page is made anew each minute: the mark holds for the rest of it
        found = await asyncio.to_thread(httpx.get, f"{system.url}/status/shop")
        again = await _served(system, seconds, found.headers["ETag"])
        steady_ = await _at_a_thousand(system, seconds)
        opened = await _open_browsers(system, int(bench.of(200, 1000, 1000)), found.headers["ETag"])
        rate = await asyncio.to_thread(_mailed, system, post, int(bench.of(200, 2000, 10_000)))
        took = await asyncio.to_thread(_told, system, readers)
    return [
        Figure("status page, 30 components", len(found.content) / 1000, "kB", 50),
        *whole.figures("status page: answers 200"), *again.figures("status page: answers 304"),
        Figure("status page at 1,000/s from many addresses, p99", percentile((one.took for one in steady_), 0.99), "ms", 50),
        opened, Figure("subscribers' mails handed to the mail server", rate, "/s", 10_000 / 600, least=True),
        Figure(f"{readers} subscribers: a message queued for each after", took, "s", 10)]


def _document() -> dict[str, object]:
    components = [{"name": f"Part {at}", "services": [f"shop-{at}"], "group": f"Group {at // 10}"} for at in range(30)]
    return {"version": 1,
            "status_pages": [{"slug": "shop", "name": "Shop status", "team": "shop", "components": components}]}


async def _served(system: System, seconds: float, mark: str) -> Served:
    client = Client(system.port, most=HANDS)
    asked = client.request("GET", "/status/shop", **({"If_None_Match": mark} if mark else {}))
    await flat_out(client, repeat(lambda: asked), hands=HANDS, seconds=1)
    before = system.cpu("web")
    answers = await flat_out(client, repeat(lambda: asked), hands=HANDS, seconds=seconds)
    spent = system.cpu("web") - before
    client.close()
    wrong = [one.status for one in answers if one.status != (304 if mark else 200)]
    if wrong:
        raise SystemExit(f"{len(wrong)} answers were {wrong[0]}")
    return Served(answers, seconds, spent)


async def _at_a_thousand(system: System, seconds: float) -> list[Answer]:
    client, addresses = Client(system.port), count()
    answers = await steady(client, [lambda: client.request(
        "GET", "/status/shop", X_Forwarded_For=f"198.51.{next(addresses) // 250 % 250}.{next(addresses) % 250}")]
        * int(1000 * seconds), 1000)
    client.close()
    return answers


async def _open_browsers(system: System, browsers: int, mark: str) -> Figure:
    """STAT-34: each looks once in a turn, from an address of its own and over a connection that stays open; what that costs
    of one core. That news are there within 30 s is seen in a browser (tests/browser/test_outsiders.py)."""
    client, numbers = Client(system.port, most=browsers), count()

    def look() -> bytes:
        at = next(numbers) % browsers
        return client.request("GET", "/status/shop", If_None_Match=mark, X_Forwarded_For=f"198.51.{at // 250}.{at % 250}")
    await flat_out(client, [look] * browsers, hands=browsers)
    before, began = system.cpu("web"), time.time()
    answers = await steady(client, [look] * browsers, browsers / LOOKS_EVERY)
    client.close()
    if any(one.status not in (200, 304) for one in answers):
        raise SystemExit("an open browser got no answer")
    share = 100 * (system.cpu("web") - before) / (time.time() - began)
    return Figure(f"{browsers} open browsers: CPU of the web processes", share, "% of a core", 50)


@asynccontextmanager
async def _post() -> AsyncIterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()


def _mailed(system: System, post: MailServer, number: int) -> float:
    """So many new subscribers are asked by mail whether they want to hear: mails a second."""
    began = time.time()
    httpx.post(f"{system.url}/api/v1/status-pages/shop/subscribers", timeout=60,
               headers={"Authorization": f"Bearer {system.token}"},
               json={"addresses": [f"new{at}@example.com" for at in range(number)]}).raise_for_status()
    eventually(lambda: len(post.mails) >= number, within=900, every=0.1, what=f"{number} mails")
    return number / (time.time() - began)


def _told(system: System, readers: int) -> float:
    """Seconds from publishing a notice until each subscriber has a message. Nobody is mailed: their tokens open nothing."""
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
        before, began = _queued(engine), time.time()
        httpx.post(f"{system.url}/api/v1/status-pages/shop/notices", headers={"Authorization": f"Bearer {system.token}"},
                   json={"title": "Measured", "state": "investigating", "text": "We look."}).raise_for_status()
        while time.time() < began + 60 and _queued(engine) < before + readers:
            time.sleep(0.1)
        return time.time() - began


def _queued(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM status_messages")).scalar_one())


if __name__ == "__main__":
    run("status", measure)
