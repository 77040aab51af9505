"""What a replay costs: ten thousand stored deliveries, of which every fifth opens an incident, held against what really
happened, and played through the same document."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

from sqlalchemy import insert, update

from app.config import replay
from app.config.document import Document
from app.core import clock
from app.core.db import db, session, transaction
from app.ingest import ticks
from app.ingest.models import Delivery
from app.notifications.models import Message
from bench.program import Bench, run
from bench.report import Figure
from bench.search import application
from tests import build
from tests.servers import Redis

APART, REPEATS, SERVICES = timedelta(seconds=10), 5, 20


async def measure(bench: Bench) -> list[Figure]:
    """One process, as `oncall replay` is one."""
    server = Redis()
    try:
        app = application(bench.address, server.url, LOG_LEVEL="ERROR")
        with app.app_context():
            db.create_all()
            return _figures(int(bench.of(200, 10_000, 10_000)))
    finally:
        server.stop()


def _figures(number: int) -> list[Figure]:
    since = clock.now() - number * APART - timedelta(hours=1)
    with clock.at(since):
        sender = _organisation()
    _came(sender, number, since)
    until = clock.now()
    really, took_really = _timed(since, until, None)
    both, took = _timed(since, until, Document())
    return [
        Figure(f"{number:,} deliveries held against what really happened", took_really, "s", 120),
        Figure(f"{number:,} deliveries played through the same document", took, "s", 120),
        Figure("incidents paged otherwise than really happened", len(really.differences), "", 0),
        Figure("incidents paged otherwise with the same document", len(both.differences), "", 0),
        Figure("incidents compared", both.same, "", number // REPEATS, least=True),
    ]


def _timed(since: datetime, until: datetime, document: Document | None) -> tuple[replay.Replay, float]:
    began = time.perf_counter()
    return replay.replay(since, until, document), time.perf_counter() - began


def _organisation() -> int:
    """Two people of a team, a policy of two levels, and services; the id of their integration."""
    ana, bob = build.user("ana"), build.user("bob")
    team = build.team("shop", manager=ana, responders=[bob])
    build.policy("shop", (300, [ana]), (300, [bob]), team=team)
    for at in range(SERVICES):
        build.service(f"service-{at}", team=team)
    return int(build.integration("sender", team=team).id)


def _came(sender: int, number: int, since: datetime) -> None:
    """Each problem is reported a few times and is over before the next of its kind; each page went out at once."""
    rows = []
    for at in range(number):
        problem, turn = divmod(at, REPEATS)
        body = {"title": f"Problem {problem}", "service": f"service-{problem % SERVICES}", "dedup_key": f"p{problem}",
                "severity": "high", "status": "resolved" if turn == REPEATS - 1 else "firing"}
        moment = since + timedelta(minutes=1) + at * APART
        rows.append({"integration_id": sender, "received_at": moment, "next_at": moment, "headers": {}, "query": {},
                     "parts": {}, "body": json.dumps(body).encode(), "body_hash": f"{at:064d}", "state": "received"})
    with transaction():
        for at in range(0, number, 1000):
            session.execute(insert(Delivery), rows[at:at + 1000])
    for at in range(REPEATS - 1, number, REPEATS):
        for last in (at - 1, at):
            with clock.at(rows[last]["received_at"]):
                ticks.drain()
    with transaction():
        session.execute(update(Message).where(Message.kind == "page").values(state="sent"))


if __name__ == "__main__":
    run("replay", measure)
