"""How long the partner log takes to answer among a million rows, by each filter: `python -m bench.partners`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask
from sqlalchemy import text

from app.core.db import db
from app.core.schema import migrate
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.search import application, counted
from tests import build
from tests.application import Client
from tests.servers import Redis

LIMIT, EACH = 300, 20
AT_ONCE = 50_000
PARTNERS, PAGES = 40, 5
ROWS = """
INSERT INTO partner_log (at, kind, partner_id, email, page_id, slug, actor_name, detail, ip, agent)
SELECT {at},
       CASE n % 10 WHEN 0 THEN 'link_requested' WHEN 1 THEN 'link_redeemed' WHEN 2 THEN 'denied' ELSE 'page_viewed' END,
       1 + n % {partners}, 'p' || (n % {partners}) || '@partner.example', 1 + n % {pages}, 'page-' || (n % {pages}), '', '',
       '192.0.2.' || (n % 250), 'Mozilla/5.0'
FROM {series}
"""
ASKED = ("", "kind=denied", "page=page-3", "email=p7@partner.example", "partner=9", "kind=link_redeemed&page=page-1",
         "from=2026-01-03T00:00:00Z&to=2026-01-04T00:00:00Z", "email=nobody@partner.example", "kind=created",
         "partner=9&kind=denied&from=2026-01-02T00:00:00Z", "kind=page_viewed&email=p7@partner.example&page=page-2")


async def measure(bench: Bench) -> list[Figure]:
    """Each question some times, by the page of the log, as its reader waits for it."""
    server, number = Redis(), int(bench.of(20_000, 1_000_000, 1_000_000))
    try:
        app = application(bench.address, server.url)
        with app.app_context():
            migrate()
            _filled(number)
            took = dict(_asked(app))
    finally:
        server.stop()
    slowest = max(took, key=lambda words: percentile(took[words], .95))
    return [Figure(f"partner log of {number:,} rows, any filter, p95",
                   percentile((one for times in took.values() for one in times), .95), "ms", LIMIT),
            Figure(f"slowest filter, p95: {slowest or 'none'}", percentile(took[slowest], .95), "ms", LIMIT)]


def _filled(number: int) -> None:
    """An admin, pages, partners, and so many rows of what they did."""
    admin = build.user("olga", role="admin")
    team = build.team("payments", manager=admin)
    pages = [build.status_page(f"page-{at}", team=team, access="partner") for at in range(PAGES)]
    for at in range(PARTNERS):
        build.partner(f"p{at}", pages[at % PAGES])
    sqlite = db.engine.dialect.name == "sqlite"
    at = ("datetime('2026-01-01', '+' || (n / 4) || ' seconds')" if sqlite
          else "timestamptz '2026-01-01' + n * interval '0.25 second'")
    for start in range(0, number, AT_ONCE):
        some = counted(sqlite).format(start + 1, min(start + AT_ONCE, number))
        with db.engine.begin() as connection:
            connection.execute(text(ROWS.format(at=at, partners=PARTNERS, pages=PAGES, series=some)))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE partner_log"))


def _asked(app: Flask) -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of each answer, by filter."""
    app.test_client_class = Client
    browser = app.test_client()
    browser.get("/login")
    browser.post("/login", data={"email": "olga@example.com", "password": build.PASSWORD})
    for words in ASKED:
        times = []
        for _ in range(EACH):
            began = time.perf_counter()
            answer = browser.get(f"/partners/-/log?{words}")
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
        yield words, times[2:]


if __name__ == "__main__":
    run("partners", measure)
