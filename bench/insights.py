"""How long the pages of figures and their tables take over a million incidents: `python -m bench.insights`."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from app.catalog.models import Service
from app.core import clock
from app.core.db import db, session, transaction
from app.core.schema import migrate
from app.identity import signin
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.insights import days, sums, ticks
from app.insights.models import DeliverySum, IncidentFact, PageFact, ReadUntil
from app.insights.rules import DAY, HOUR, SEVERITIES, instant
from app.notifications.models import ContactMethod, Message
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.search import application
from tests import build
from tests.servers import Redis

LIMIT, EACH, AT_ONCE, DAYS = 300, 20, 20_000, 400
TEAMS, SERVICES, SOURCES, PEOPLE = 20, 200, 50, 100
CHANNELS = (("email", "smtp", "sent"), ("sms", "twilio", "delivered"), ("webpush", "webpush", "sent"),
            ("voice", "twilio", "failed"))
PAGES = (
    "/insights", "/insights?days=90", "/insights?days=400", "/insights?team=team-3&severity=high",
    "/insights?days=400&severity=high", "/insights?days=400&time_zone=Asia/Kolkata&service=service-7",
    "/insights/response", "/insights/response?days=400", "/insights/response?days=400&team=team-3",
    "/insights/response.csv?days=400",
    "/insights/load", "/insights/load?days=400&team=team-3", "/insights/noise", "/insights/noise?days=400",
    "/insights/delivery", "/insights/delivery?days=400", "/insights/delivery?days=400&team=team-3",
    "/insights/incidents?figure=never", "/insights/incidents?figure=noise&days=400&severity=critical")
TABLES = ("/insights/load.csv", "/insights/noise.csv", "/insights/delivery.csv?days=90",
          "/insights/incidents.csv?days=7&team=team-3")


async def measure(bench: Bench) -> list[Figure]:
    """Each page and table some times, as an administrator, who sees most; the target is for the slowest of them."""
    server, number = Redis(), int(bench.of(20_000, 1_000_000, 1_000_000))
    try:
        app = application(bench.address, server.url)
        with app.app_context():
            migrate()
            fill(number)
        browser = signed_in(app)
        gc.collect()
        gc.freeze()  # what filling left behind, as `core/prefork` does with what was loaded
        times = int(bench.of(5, EACH, EACH))
        took = {path: asked(browser, path, times) for path in (*PAGES, *TABLES)}
        whole = _downloaded(browser)
    finally:
        server.stop()
    return [*(Figure(f"{path}, p95", percentile(times, .95), "ms", LIMIT) for path, times in took.items()),
            Figure(f"all of {number:,} incidents as a table", whole, "s", 60)]


def signed_in(app: Flask) -> FlaskClient:
    """A browser of the first person, who is an administrator."""
    with app.app_context(), transaction():
        user = session.get_one(User, 1)
        token, key = signin.open_login(user, ip="", agent="", road="sso"), user.get_id()
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["login"], cookie["_user_id"] = token, key
    return browser


def asked(browser: FlaskClient, path: str, times: int = EACH) -> list[float]:
    """Milliseconds of each answer, but for two to warm up."""
    took = []
    for _ in range(times + 2):
        began = time.perf_counter()
        answer = browser.get(path)
        assert answer.status_code == 200 and answer.data, f"{path}: {answer.status_code}"
        took.append((time.perf_counter() - began) * 1000)
    return took[2:]


def _downloaded(browser: FlaskClient) -> float:
    began = time.perf_counter()
    answer = browser.get("/insights/incidents.csv?days=400", buffered=False)
    assert answer.status_code == 200, answer.status_code
    for _ in answer.response:
        pass
    return time.perf_counter() - began


def fill(number: int) -> None:
    """An organisation, and so many incidents of 400 days with all that is kept of them."""
    with transaction():
        for model, rows in _organisation():
            session.execute(insert(model), rows)
        session.add_all([ReadUntil(name="log"), ReadUntil(
            name="hours", value=int((clock.now() - sums.CLOSED_AFTER).timestamp()) // HOUR)])
    for team in range(1, TEAMS + 1):
        people = [session.get_one(User, one) for one in range(team, PEOPLE + 1, TEAMS)]
        build.schedule(f"schedule-{team}", team=session.get_one(Team, team), turns=[[one] for one in people])
    for start in range(0, number, AT_ONCE):
        _keep(_incidents(start, min(AT_ONCE, number - start), number))
    for rows in _sums(number):
        _keep({DeliverySum: rows})
    while ticks.close_hours():
        pass
    _keep(_messages(number))
    today = int(clock.now().timestamp()) // DAY
    with transaction():
        days.stale(range(today - DAYS, today + 1))
    while ticks.pack_days():
        pass
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if db.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))


def _keep(rows: dict[Any, list[dict[str, Any]]]) -> None:
    with transaction():
        for model, some in rows.items():
            session.execute(insert(model), some)


def _organisation() -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    yield User, [{"id": one, "email": f"p{one}@example.com", "name": f"Person {one}",
                  "role": "admin" if one == 1 else "member"} for one in range(1, PEOPLE + 1)]
    yield ContactMethod, [{"id": one, "user_id": one, "name": "mail", "channel": "email", "address": "x",
                           "proven_at": clock.now()} for one in range(1, PEOPLE + 1)]
    yield Team, [{"id": one, "key": f"team-{one}", "name": f"Team {one}"} for one in range(1, TEAMS + 1)]
    yield Service, [{"id": one, "key": f"service-{one}", "name": f"Service {one}", "team_id": one % TEAMS + 1}
                    for one in range(1, SERVICES + 1)]
    yield Integration, [{"id": one, "key": f"source-{one}", "plugin": "webhook", "name": f"Source {one}",
                         "token_hash": str(one), "token_sealed": "", "token_last4": ""} for one in range(1, SOURCES + 1)]


def _incidents(start: int, count: int, of: int) -> dict[Any, list[dict[str, Any]]]:
    """The next incidents in the order of time, their facts and, of every other, a page."""
    chance, now = random.Random(start), int(clock.now().timestamp())
    found: dict[Any, list[dict[str, Any]]] = {Incident: [], IncidentFact: [], PageFact: []}
    for number in range(start + 1, start + count + 1):
        opened, service = now - DAYS * 86400 * (of - number) // of, chance.randrange(1, SERVICES + 1)
        answer, severity = chance.choice((None, int(chance.expovariate(1 / 180)))), chance.choice(SEVERITIES)
        team, urgency = service % TEAMS + 1, chance.choice(("high", "low"))
        found[IncidentFact].append({
            "incident_id": number, "opened": opened, "team_id": team, "service_id": service,
            "integration_id": chance.randrange(1, SOURCES + 1), "severity": severity, "urgency": urgency,
            "dedup_key": f"key-{chance.randrange(2000)}", "acknowledged": answer,
            "resolved": (answer or 0) + int(chance.expovariate(1 / 2400)), "automatic": False, "unaided": answer is None,
            "noise": False, "flapping": False, "level": chance.choice((1, 1, 1, 2)), "pages": 1,
            "answered_level": None if answer is None else 1})
        found[Incident].append({
            "id": number, "title": f"Incident {number}", "status": "resolved", "opened_at": instant(opened),
            "triggered_at": instant(opened), "team_id": team, "service_id": service, "severity": severity,
            "urgency": urgency})
        if number % 2:
            found[PageFact].append({"message_id": number, "incident_id": number, "team_id": team, "at": opened + 5,
                                    "user_id": team + TEAMS * chance.randrange(PEOPLE // TEAMS)})
    return found


def _messages(of: int) -> dict[Any, list[dict[str, Any]]]:
    """The messages of the last two days, which no sum has yet: three for each incident."""
    chance, rows = random.Random(1), []
    for number in range(of - of * 2 // DAYS + 1, of + 1):
        at = clock.now() - DAYS * timedelta(days=1) * (of - number) / of
        for channel, provider, state in chance.sample(CHANNELS, 3):
            rows.append({"kind": "page", "incident_id": number, "user_id": 1, "method_id": 1, "channel": channel,
                         "address": "x", "provider": provider, "state": state, "queued_at": at, "next_at": at, "attempts": 1,
                         "sent_at": None if state == "failed" else at + timedelta(seconds=chance.randrange(40)),
                         "error": "The number is not in service" if state == "failed" else ""})
    return {Message: rows}


def _sums(of: int) -> Iterator[list[dict[str, Any]]]:
    """The sums of all hours before, as so many incidents make them: a row for each team and channel; of few incidents
    those of some hours only, so that a row stands for three messages, as it does of a million."""
    chance, until = random.Random(2), sums.reached()[1] * HOUR
    rows = DAYS * 24 * TEAMS * len(CHANNELS)
    each = max(1, rows // of)
    number = max(1, 3 * of * each // rows)
    some: list[dict[str, Any]] = []
    for hour in range(until - DAYS * 86400 // HOUR * HOUR, until, each * HOUR):
        for team in range(1, TEAMS + 1):
            for channel, provider, state in CHANNELS:
                waits = {str(chance.randrange(40)): 1 for _ in range(number)} if state != "failed" else {}
                some.append({"hour": hour, "team_id": team, "channel": channel, "provider": provider, "state": state,
                             "reason": "" if waits else "The number is not in service", "number": number, "attempts": number,
                             "queued": waits, "arrived": waits if state == "delivered" else {}, "first": waits, "span": 1,
                             "firsts": len(waits), "late": sum(int(one) > 30 for one in waits)})
        if len(some) >= AT_ONCE:
            yield some
            some = []
    yield some


if __name__ == "__main__":
    run("insights", measure)
