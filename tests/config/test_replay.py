"""A period played again: the same configuration gives no difference, a changed one exactly the pages that change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from app.config.document import load
from app.config.replay import replay
from app.core.db import Base, session, transaction
from app.incidents.models import Incident
from app.incidents.service import acknowledge
from app.ingest.models import Delivery
from tests import build
from tests.incidents.people import by

pytestmark = pytest.mark.both_databases
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
MOVED = {"services": [{"key": "ledger", "name": "Ledger", "team": "payments", "policy": "calm"}]}


@pytest.fixture
def period(app, client, ana, bob, payments, tick):
    """Two problems of two services came; Ana took the first after six minutes."""
    policy = build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    build.policy("calm", (300, [bob]), team=payments, default=False)
    with time_machine.travel(START, tick=False) as now:
        for key in ("checkout", "ledger"):
            build.service(key, team=payments, policy=policy)
        build.integration("sender", team=payments)
        for key in ("checkout", "ledger", "ledger"):
            client.post("/in/token-of-sender-0123456789", json={"title": f"{key} is down", "service": key, "dedup_key": key})
        tick("app.ingest.ticks.drain")
        now.shift(timedelta(minutes=6))
        with transaction():
            acknowledge(session.get(Incident, 1), by=by(ana))
    return START - timedelta(hours=1), START + timedelta(hours=1)


def changed(document):
    return load([("changed.yaml", json.dumps({"version": 1, **document}).encode())])


def rows():
    return {name: session.scalar(select(func.count()).select_from(table)) for name, table in Base.metadata.tables.items()}


def test_the_same_configuration_pages_the_same(period):
    """MIG-27: and nothing live is written, MIG-29."""
    before = rows()
    found = replay(*period, None)
    assert (found.deliveries, found.same, found.differences, found.purged) == (3, 2, [], 0)
    assert rows() == before


def test_a_service_with_another_policy_changes_its_own_incidents_alone(period):
    """MIG-28: the same repeats count; what is added and removed is named page by page."""
    found = replay(*period, changed(MOVED))
    difference, = found.differences
    assert (difference.title, difference.was.policy, difference.now.policy, found.same) == ("ledger is down", "Payments", "Calm", 1)
    assert {page.email for page in difference.added} == {"bob@example.com"}
    assert (difference.removed[0].email, difference.removed[0].at) == ("ana@example.com", START)


def test_pages_end_when_somebody_answered_then(period):
    """`recorded`: Bob was paged at minute 5, and no repeat follows Ana's answer at minute 6; `never`: they go on."""
    document = changed({"services": [{"key": "checkout", "name": "Checkout", "team": "payments", "policy": "calm"}]})
    recorded, = replay(*period, document).differences
    assert [(page.email, page.level) for page in recorded.removed] == [("ana@example.com", 1), ("bob@example.com", 2)]
    never, = replay(*period, document, answers="never").differences
    assert len(never.removed) > len(recorded.removed)


def test_a_route_that_opens_nothing_takes_its_incidents_away(period):
    """The side that opens nothing is said."""
    found = replay(*period, changed({"routes": [{"name": "quiet", "when": {"title": "ledger*"}, "then": {"suppress": True}}]}))
    difference, = found.differences
    assert (difference.title, difference.now, found.same) == ("ledger is down", None, 1)
    assert difference.removed and not difference.added


def test_a_body_that_is_no_longer_kept_is_counted(period):
    """MIG-29: purged bodies are named."""
    with transaction():
        session.get(Delivery, 1).body = b""
    found = replay(*period, None)
    assert (found.deliveries, found.purged) == (2, 1)
