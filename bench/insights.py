"""Times the pages of figures over very many incidents: `python -m bench.insights [--small]`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from time import perf_counter

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import insert

from app import create_app
from app.catalog.models import Service
from app.core import clock
from app.core.db import db, session, transaction
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.insights.models import IncidentFact, PageFact
from app.insights.rules import SEVERITIES, instant

MANY, SMALL, AT_ONCE, DAYS, TARGET = 1_000_000, 50_000, 20_000, 400, 300
TEAMS, SERVICES, SOURCES, PEOPLE = 20, 200, 50, 100
PASSWORD, ASKED = "correct horse battery staple", 12
PAGES = ("/insights", "/insights/response", "/insights/load", "/insights/noise", "/insights/delivery",
         "/insights/incidents?figure=never", "/insights?team=team-3&severity=high", "/insights?days=400")


@contextmanager
def stored(number: int) -> Iterator[FlaskClient]:
    """A browser signed in to an application on SQLite that holds so many incidents of 400 days."""
    with TemporaryDirectory() as folder:
        app = create_app({"ONCALL_INSTANCE": folder, "DATABASE_URL": f"sqlite:///{folder}/bench.db",
                          "REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": "bench" * 8, "LOG_LEVEL": "ERROR",
                          "BASE_URL": "http://localhost",
                          "ENCRYPTION_KEYS": "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtMDA="})
        with app.app_context():
            db.create_all()
            with transaction():
                session.add_all(_organisation())
            for start in range(0, number, AT_ONCE):
                _some(start, min(AT_ONCE, number - start), number)
        yield _signed_in(app.test_client())


def _signed_in(browser: FlaskClient) -> FlaskClient:
    browser.get("/login")
    with browser.session_transaction() as cookie:
        token = cookie["csrf"]
    answer = browser.post("/login", data={"email": "p1@example.com", "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 303, answer.text
    return browser


def _organisation() -> Iterator[object]:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    yield from (User(id=one, email=f"p{one}@example.com", name=f"Person {one}", password_hash=hashed,
                     role="admin" if one == 1 else "member") for one in range(1, PEOPLE + 1))
    yield from (Team(id=one, key=f"team-{one}", name=f"Team {one}") for one in range(1, TEAMS + 1))
    yield from (Service(id=one, key=f"service-{one}", name=f"Service {one}", team_id=one % TEAMS + 1)
                for one in range(1, SERVICES + 1))


def _some(start: int, count: int, of: int) -> None:
    """The next incidents in the order of time, their facts and, of every other, a page."""
    chance, now = random.Random(start), int(clock.now().timestamp())
    facts, incidents, pages = [], [], []
    for number in range(start + 1, start + count + 1):
        opened, service = now - DAYS * 86400 * (of - number) // of, chance.randrange(1, SERVICES + 1)
        answer = chance.choice((None, int(chance.expovariate(1 / 180))))
        facts.append({
            "incident_id": number, "opened": opened, "team_id": service % TEAMS + 1, "service_id": service,
            "integration_id": chance.randrange(1, SOURCES + 1), "severity": chance.choice(SEVERITIES), "urgency": "high",
            "dedup_key": f"key-{chance.randrange(2000)}", "acknowledged": answer,
            "resolved": (answer or 0) + int(chance.expovariate(1 / 2400)), "automatic": False, "unaided": answer is None,
            "noise": False, "flapping": False, "level": chance.choice((1, 1, 1, 2)), "pages": 1,
            "answered_level": None if answer is None else 1})
        incidents.append({"id": number, "title": f"Incident {number}", "status": "resolved", "opened_at": instant(opened),
                          "triggered_at": instant(opened), "team_id": service % TEAMS + 1, "service_id": service})
        if number % 2:
            pages.append({"message_id": number, "incident_id": number, "user_id": chance.randrange(1, PEOPLE + 1),
                          "team_id": service % TEAMS + 1, "at": opened + 5})
    with transaction():
        for model, rows in ((Incident, incidents), (IncidentFact, facts), (PageFact, pages)):
            session.execute(insert(model), rows)


def main() -> None:
    """Prints one line a page; exits 1 when one is slower than the target."""
    number, missed = SMALL if "--small" in sys.argv else MANY, False
    begun = perf_counter()
    with stored(number) as browser:
        print(f"{number:,} incidents set up in {perf_counter() - begun:.0f} s")
        for path in PAGES:
            took = []
            for _ in range(ASKED):
                begun = perf_counter()
                assert browser.get(path).status_code == 200, path
                took.append((perf_counter() - begun) * 1000)
            p95 = sorted(took)[-1]
            late = p95 > TARGET
            missed |= late
            print(f"{path:44} median {sorted(took)[ASKED // 2]:8.1f} ms   slowest of {ASKED} {p95:8.1f} ms   "
                  f"target {TARGET} ms   {'TOO SLOW' if late else 'ok'}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
