"""Facts are told after their commit, whatever of the machinery that tells them fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
import time_machine
from sqlalchemy.exc import OperationalError

from app.core import clock, jobs
from app.core.db import session, transaction
from app.core.events import Event
from app.incidents.service import acknowledge
from tests import build
from tests.notifications.paged import as_actor


@pytest.fixture
def heard(app, monkeypatch):
    """The facts that the only listener heard; it fails at each whose id is in `heard.fails`."""
    class Heard(list):
        fails: set[int] = set()

        def hear(self, event):
            self.append(event.id)
            if event.id in self.fails:
                self.fails.remove(event.id)
                raise RuntimeError("just now")
    told = Heard()
    monkeypatch.setitem(app.extensions, "subscriptions", (jobs.On("incident.acknowledged", "the.listener"),))
    monkeypatch.setattr(jobs, "function", lambda path: told.hear)
    return told


def away():
    raise redis.ConnectionError("away")


def test_without_redis_a_reaction_that_failed_is_tried_again_and_holds_up_no_other(app, ana, payments, heard, monkeypatch):
    """HRD-05: nothing that was committed goes untold."""
    monkeypatch.setattr(jobs, "client", away)
    for _ in range(2):
        with transaction():
            acknowledge(build.incident(team=payments), by=as_actor(ana))
    first, second = session.scalars(Event.__table__.select().with_only_columns(Event.id).where(
        Event.kind == "incident.acknowledged").order_by(Event.id))
    heard.fails = {first}
    with time_machine.travel(clock.now() + timedelta(seconds=6), tick=False):
        assert [jobs.redispatch() for _ in range(3)] == [1, 1, 0]
    assert heard == [first, second, first]


def test_of_many_that_wait_each_is_looked_at_though_the_first_all_fail(app, ana, payments, heard, monkeypatch):
    monkeypatch.setattr(jobs, "client", away)
    monkeypatch.setattr(jobs, "CHUNK", 1)  # five at a time
    for _ in range(7):
        with transaction():
            acknowledge(build.incident(team=payments), by=as_actor(ana))
    ids = list(session.scalars(Event.__table__.select().with_only_columns(Event.id).where(
        Event.kind == "incident.acknowledged").order_by(Event.id)))
    heard.fails = set(ids[:5])
    with time_machine.travel(clock.now() + timedelta(seconds=6), tick=False):
        assert jobs.redispatch() == 2 and heard == ids


def test_what_is_committed_is_done_though_it_can_not_be_marked_as_told(client, token, ana, payments, monkeypatch):
    """Its sender must not hear that it failed and send it again: the sweep tells it once more."""
    def full(_ids):
        raise OperationalError("UPDATE events", {}, Exception("disk full"))
    monkeypatch.setattr(jobs, "_mark", full)
    answer = client.post("/api/v1/incidents", json={"title": "Down", "team": "payments"}, headers=token(ana))
    assert answer.status_code == 201, answer.text
