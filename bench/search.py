"""How long a search among a million alerts takes, by each filter and by text: `python -m bench.search`."""

from __future__ import annotations

import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator

from flask import Flask
from sqlalchemy import text

from app import create_app
from app.core.db import db
from app.core.schema import migrate
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from tests import build
from tests.servers import Redis

LIMIT, EACH = 300, 20
AT_ONCE = 50_000
SERVICES, SENDERS = 50, 20
WORDS = "latency disk memory queue certificate replica backup login payment checkout".split()
ROWS = """
INSERT INTO alerts (integration_id, dedup_key, status, severity, title, body, url, labels, notes, count, first_seen,
                    last_seen, resolved_at, service_id, incident_id)
SELECT 1 + n % {senders}, 'key-' || n, CASE WHEN n % 50 = 0 THEN 'firing' ELSE 'resolved' END,
       CASE n % 5 WHEN 0 THEN 'critical' WHEN 1 THEN 'high' WHEN 2 THEN 'medium' WHEN 3 THEN 'low' ELSE 'info' END,
       {word} || ' of host-' || (n % 9973) || ' is wrong', 'measured ' || n || ' at rack ' || (n % 97), '', '{{}}', '[]', 1,
       {at}, {at}, CASE WHEN n % 50 > 0 THEN {at} END, 1 + n % {services}, 1 + n % 1000
FROM {series}
"""
ASKED = (
    "", "status=firing", "severity=critical&status=firing", "service=service-7", "integration=sender-3", "team=payments",
    "q=host-4711", "q=certificate", "q=measured 77777", "q=nothing at all like it",
    "service=service-7&severity=critical&q=payment", "integration=sender-3&status=firing&q=queue",
    "from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "team=payments&severity=low&q=replica",
    "from=2026-01-05T00:00:00Z&to=2026-01-05T00:00:10Z", "from=2026-01-14T00:00:00Z", "severity=low&q=replica", "q=zz",
    "to=2026-01-02T00:00:00Z&q=latency", "service=service-8&severity=medium", "status=firing&q=queue",
)


async def measure(bench: Bench) -> list[Figure]:
    """Every kind of question, each some times, through the API; the target is that of the slowest twentieth."""
    server, number = Redis(), int(bench.of(20_000, 1_000_000, 1_000_000))
    try:
        app = application(bench.address, server.url)
        with app.app_context():
            migrate()
            header = _filled(number)
        took = dict(_asked(app, header))
    finally:
        server.stop()
    every = [one for times in took.values() for one in times]
    slowest = max(took, key=lambda words: percentile(took[words], .95))
    target = LIMIT if bench.database == "postgresql" else None
    return [Figure(f"search among {number:,} alerts, any question, p95", percentile(every, .95), "ms", target),
            Figure("median of all questions", percentile(every, .5), "ms"),
            Figure(f"slowest question, p95: {slowest or 'none'}", percentile(took[slowest], .95), "ms", target)]


def counted(sqlite: bool) -> str:
    """A series of numbers n, from {0} to {1}, as the FROM of a statement."""
    return ("(WITH RECURSIVE s(n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM s WHERE n < {1}) SELECT n FROM s)" if sqlite
            else "generate_series({0}, {1}) AS n")


def application(database: str, redis: str, **more: str) -> Flask:
    """An application on this database, in this process; `more` are further settings."""
    folder = tempfile.mkdtemp(prefix="oncall-bench-")
    return create_app({"ONCALL_INSTANCE": folder, "DATABASE_URL": database, "REDIS_URL": redis, "LOG_LEVEL": "WARNING",
                       "BASE_URL": "http://localhost", "SECRET_KEY": "b" * 40,
                       "ENCRYPTION_KEYS": b64encode(b"b" * 32).decode(), **more})


def _filled(number: int) -> dict[str, str]:
    """A team with services, senders, a thousand incidents and so many alerts; the header of an admin's token."""
    admin = build.user("olga", role="admin")
    team = build.team("payments", manager=admin)
    for at in range(SERVICES):
        build.service(f"service-{at}", team=team)
    for at in range(SENDERS):
        build.integration(f"sender-{at}", plugin="webhook", team=team)
    for at in range(1000):
        build.incident(f"Incident {at}", team=team, status="resolved")
    sqlite = db.engine.dialect.name == "sqlite"
    cases = " ".join(f"WHEN {at} THEN '{word}'" for at, word in enumerate(WORDS))
    words = f"CASE n % 10 {cases} END"
    at = "datetime('2026-01-01', '+' || n || ' seconds')" if sqlite else "timestamptz '2026-01-01' + n * interval '1 second'"
    for start in range(0, number, AT_ONCE):  # a statement has its time, here as anywhere
        some = counted(sqlite).format(start + 1, min(start + AT_ONCE, number))
        with db.engine.begin() as connection:
            connection.execute(text(ROWS.format(senders=SENDERS, services=SERVICES, word=words, at=at, series=some)))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE alerts"))
    return {"Authorization": f"Bearer {build.token(admin)}"}


def _asked(app: Flask, header: dict[str, str]) -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of each answer, by question."""
    browser = app.test_client()
    for words in ASKED:
        times = []
        for _ in range(EACH):
            began = time.perf_counter()
            answer = browser.get(f"/api/v1/alerts?limit=50&{words}", headers=header)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
        yield words, times[2:]


if __name__ == "__main__":
    run("search", measure)
