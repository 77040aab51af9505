"""What it costs to ask, at every request, who somebody is and whether they ask too often."""

from __future__ import annotations

import tempfile
import time
from base64 import b64encode
from collections.abc import Callable

from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.core.access import access
from app.core.db import db, session, transaction
from app.identity import signin
from app.identity.models import User
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from tests.servers import Redis

PATHS = ("/healthz", "/bench/bare", "/bench/counted", "/bench/known")
PEOPLE, EACH = 8, 80  # each below the limits of a person and of an address


async def measure(bench: Bench) -> list[Figure]:
    """The same small answer by turns, which asks the database one thing, as every page and call does: for anybody,
    uncounted; counted by address; and for a person who is signed in and counted. What the second and third take longer,
    each by its median; and, without a target, how much longer than an answer that never goes to the database."""
    server = Redis()
    try:
        app = _application(bench.address, server.url)
        with app.app_context():
            db.create_all()
        times = _timed(app, int(bench.of(2, PEOPLE, 8 * PEOPLE)))
    finally:
        server.stop()
    idle, bare, counted, known = (percentile(times[path], .5) for path in PATHS)
    return [
        Figure("an answer with one query and nothing else, median", bare, "ms"),
        Figure("added by the limiter, median", counted - bare, "ms"),
        Figure("added by session check and gate, median", known - counted, "ms"),
        Figure("added by both together, median", known - bare, "ms", 2),
        Figure("more than an answer without any query, median", known - idle, "ms"),
        Figure("answer with both p99", percentile(times["/bench/known"], .99), "ms"),
    ]


def _application(database: str, redis: str) -> Flask:
    folder = tempfile.mkdtemp(prefix="oncall-bench-")
    app = create_app({"ONCALL_INSTANCE": folder, "DATABASE_URL": database, "REDIS_URL": redis, "LOG_LEVEL": "WARNING",
                      "BASE_URL": "http://localhost", "SECRET_KEY": "b" * 40,
                      "ENCRYPTION_KEYS": b64encode(b"b" * 32).decode()})
    for name, endpoint, action in (("bare", "probes.bench_bare", "public"), ("counted", "bench_counted", "public"),
                                   ("known", "bench_known", "own.read")):
        app.add_url_rule(f"/bench/{name}", endpoint, _opened(action))
    return app


def _opened(action: str) -> Callable[[], Response]:
    @access(action)
    def small() -> Response:
        return jsonify({"status": session.scalar(text("SELECT 1"))})
    return small


def _timed(app: Flask, people: int) -> dict[str, list[float]]:
    """Milliseconds of each answer by its address."""
    found: dict[str, list[float]] = {path: [] for path in PATHS}
    for number in range(people):
        browser = _signed_in(app, number)
        for _ in range(EACH):
            took = {path: _answered(browser, path) for path in found}
            for path, taken in found.items():
                taken.append(took[path])
    return found


def _answered(browser: FlaskClient, path: str) -> float:
    began = time.perf_counter()
    answer = browser.get(path)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code}")
    return took


def _signed_in(app: Flask, number: int) -> FlaskClient:
    with app.app_context(), transaction():
        user = User(email=f"person-{number}@example.com", name=f"Person {number}", memberships=[])
        session.add(user)
        session.flush()
        token, key = signin.open_login(user, ip="", agent="", road="sso"), user.get_id()
    browser = app.test_client()
    browser.environ_base["REMOTE_ADDR"] = f"10.0.{number // 250}.{number % 250 + 1}"
    with browser.session_transaction() as cookie:
        cookie["login"], cookie["_user_id"] = token, key
    return browser


if __name__ == "__main__":
    run("access", measure)
