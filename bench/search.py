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
from app.core.limits import limiter
from app.core.schema import migrate
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from tests import build
from tests.servers import Redis

LIMIT, EACH = 300, 20
AT_ONCE = 50_000
SERVICES, SENDERS = 50, 20
BEGAN = "2026-01-01"
WORDS = "latency disk memory queue certificate replica backup login payment checkout".split()
ROWS = """
INSERT INTO alerts (integration_id, dedup_key, status, severity, title, body, url, labels, notes, count, first_seen,
                    last_seen, resolved_at, service_id, incident_id)
SELECT 1 + n % {senders}, 'key-' || n, CASE WHEN n % 50 = 0 THEN 'firing' ELSE 'resolved' END,
       CASE n % 5 WHEN 0 THEN 'critical' WHEN 1 THEN 'high' WHEN 2 THEN 'medium' WHEN 3 THEN 'low' ELSE 'info' END,
       {word} || ' of host-' || (n % 9973) || ' is wrong', 'measured ' || n || ' at rack ' || (n % 97), '', {labels}, '[]',
       1, {at}, {at}, CASE WHEN n % 50 > 0 THEN {at} END, 1 + n % {services}, CASE WHEN n % 11 > 0 THEN 1 + n % 1000 END
FROM {series}
"""
ASKED = (
    "", "status=firing", "severity=critical&status=firing", "service=service-7", "integration=sender-3", "team=payments",
    "q=host-4711", "q=certificate", "q=measured 77777", "q=nothing at all like it",
    "service=service-7&severity=critical&q=payment", "integration=sender-3&status=firing&q=queue",
    "from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "team=payments&severity=low&q=replica",
    "from=2026-01-05T00:00:00Z&to=2026-01-05T00:00:10Z", "from=2026-01-14T00:00:00Z", "severity=low&q=replica", "q=zz",
    "to=2026-01-02T00:00:00Z&q=latency", "service=service-8&severity=medium", "status=firing&q=queue",
    "label=canary=yes", "label=env=production", "label=env=nowhere", "label=region=eu-1&severity=low",
    "label=env=production&label=canary=yes", "label=env=production&q=zz", "paged=no&severity=low&q=replica", "team=shop",
)


async def measure(bench: Bench) -> list[Figure]:
    """Every kind of question, each some times, through the API; the target is that of the slowest twentieth."""
    server, number = Redis(), int(bench.of(20_000, 1_000_000, 1_000_000))
    try:
        app = application(bench.address, server.url)
        with app.app_context():
            migrate()
            people = _filled(number)
        took = {f"{who}: {words}": times for who, header in people.items() for words, times in _asked(app, header)}
    finally:
        server.stop()
    every = [one for times in took.values() for one in times]
    slowest = max(took, key=lambda words: percentile(took[words], .95))
    target = LIMIT if bench.database == "postgresql" else None
    return [Figure(f"search among {number:,} alerts, any question, p95", percentile(every, .95), "ms", target),
            Figure("median of all questions", percentile(every, .5), "ms"),
            Figure(f"slowest question, p95: {slowest}", percentile(took[slowest], .95), "ms", target)]


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


def _filled(number: int) -> dict[str, dict[str, str]]:
    """Three teams with services, senders, a thousand incidents and so many alerts; the headers of those who ask: Olga
    sees everything, Charlie what one service of fifty brings."""
    admin = build.user("olga", role="admin")
    teams = [build.team(key, manager=admin, private=key != "shop") for key in ("payments", "vault", "shop")]
    services = [build.service(f"service-{at}", team=teams[0 if at < 40 else 1 if at < 49 else 2]) for at in range(SERVICES)]
    for at in range(SENDERS):
        build.integration(f"sender-{at}", plugin="webhook", team=teams[0])
    for at in range(1000):
        build.incident(f"Incident {at}", service=services[at % SERVICES], status="resolved")
    sqlite = db.engine.dialect.name == "sqlite"
    for start in range(0, number, AT_ONCE):  # a statement has its time, here as anywhere
        some = counted(sqlite).format(start + 1, min(start + AT_ONCE, number))
        with db.engine.begin() as connection:
            connection.execute(text(ROWS.format(senders=SENDERS, services=SERVICES, series=some, **_varied(sqlite))))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE alerts"))
    people = {"olga": admin, "charlie": build.user("charlie")}
    return {name: {"Authorization": f"Bearer {build.token(person)}"} for name, person in people.items()}


def _varied(sqlite: bool) -> dict[str, str]:
    """What the rows differ in, as the database writes it."""
    words = " ".join(f"WHEN {at} THEN '{word}'" for at, word in enumerate(WORDS))
    pairs = ("'env', CASE WHEN n % 10 > 0 THEN 'production' ELSE 'staging' END, 'region', 'eu-' || n % 5, "
             "'host', 'host-' || n % 9973, 'canary', CASE WHEN n % 250000 = 0 THEN 'yes' ELSE 'no' END")
    return {"word": f"CASE n % 10 {words} END", "labels": f"{'json_object' if sqlite else 'jsonb_build_object'}({pairs})",
            "at": f"datetime('{BEGAN}', '+' || n || ' seconds')" if sqlite
            else f"timestamptz '{BEGAN}' + n * interval '1 second'"}


def _asked(app: Flask, header: dict[str, str]) -> Iterator[tuple[str, list[float]]]:
    """Milliseconds of each answer, by question."""
    browser = app.test_client()
    for words in ASKED:
        times = []
        with app.app_context():
            limiter.reset()  # nobody asks so much in a minute
        for _ in range(EACH):
            began = time.perf_counter()
            answer = browser.get(f"/api/v1/alerts?limit=50&{words}", headers=header)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
        yield words, times[2:]


if __name__ == "__main__":
    run("search", measure)
