"""The heartbeat that goes out while all works, and stops when any part of the chain stands still."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core import clock, hold, life
from app.core.db import session, transaction
from app.core.events import Event
from app.core.pulse import Pulse
from app.core.redis import client
from app.watch import queries
from tests import build

BEAT, ASK = "app.watch.ticks.beat", "app.watch.ticks.ask_for_proof"


@pytest.fixture
def now():
    """A time that passes only when the test says so."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travelled:
        yield travelled


@pytest.fixture
def works(app, olga, http_sink, tick, run_jobs, now, monkeypatch):
    """A system that works: `works(60)` lets as many seconds pass with a clock, a worker and an outbox, less those named."""
    app.config["DEADMAN_URL"] = f"{http_sink.url}/heartbeat/of-another-installation"
    monkeypatch.setattr("app.core.revision.is_newest", lambda: True)  # the tests' tables were made without migrations

    def passing(seconds: int, *, without: str = "") -> int:
        for _ in range(seconds // 30):
            now.shift(30)
            if without != "clock":
                tick("app.core.periodic.note_clock")
                tick(ASK)
            if without != "worker":
                life.say(client(), "worker here:1:1")
                run_jobs()
            tick(BEAT)
        calls, http_sink.calls[:] = len(http_sink.calls), []
        return calls
    return passing


def test_it_goes_out_every_minute_while_the_whole_chain_works(works, http_sink):
    """HRD-38: and to the address that is set, as a plain request."""
    works(30)
    assert works(180) == 3 and queries.watched().beat.trouble == ""


@pytest.mark.parametrize("part", ["clock", "worker"])
def test_it_stops_within_two_minutes_without(works, part):
    """HRD-38: the tick that sends it goes on here, as that of a second clock would whose own chain stands still."""
    assert works(60) == 1
    works(120, without=part)
    assert works(60, without=part) == 0 and queries.watched().beat.trouble
    assert works(60) >= 1


def test_it_stops_while_the_outbox_stands_still(works, monkeypatch):
    """HRD-38: a worker lives and takes jobs, and no event is handed over."""
    assert works(60) == 1
    monkeypatch.setattr("app.core.jobs._enqueue", lambda *_: None)
    works(120)
    assert works(60) == 0 and "was last proved" in queries.watched().beat.trouble


def test_it_stops_while_a_delivery_waits_for_too_long(works, app):
    """HRD-38: whatever else works."""
    assert works(60) == 1
    with transaction():
        session.add(build_delivery(build.integration("slow")))
    works(90)
    assert works(60) == 0 and "A delivery waits" in queries.watched().beat.trouble


def build_delivery(integration):
    """One that nobody works on."""
    from app.ingest.models import Delivery

    return Delivery(integration=integration, body=b"{}", body_hash="x" * 64, received_at=clock.now())


def test_nothing_goes_out_while_all_is_held_after_a_restore(app, works):
    """RUN-05: the pager pages nobody then, so nobody outside is told that it does."""
    assert works(60) == 1
    with transaction():
        session.add(Pulse(**hold.row("a backup was restored")))
    assert works(60) == 0
    assert BEAT in app.extensions["outgoing"] and "app.watch.ticks.test_itself" in app.extensions["outgoing"]


def test_an_address_that_does_not_answer_is_asked_again_soon(works, http_sink):
    http_sink.answers(500, 500)
    works(30)
    assert "answered 500" in queries.watched().beat.trouble
    assert works(60) == 2 and queries.watched().beat.trouble == ""


def test_the_proof_is_one_entry_of_the_log_however_often_it_is_asked_for(app, tick, run_jobs, now):
    """HRD-38: tick, event, reaction in a worker, result with its time; the log does not grow, and no figure counts it."""
    for _ in range(3):
        assert tick(ASK) is True and tick(ASK) is False  # within the half minute nothing is asked anew
        assert session.query(Event).filter_by(dispatched_at=None).count() == 0
        run_jobs()
        assert queries.pulses(queries.PROVED)[queries.PROVED].at == clock.now()
        now.shift(timedelta(seconds=30))
    assert session.query(Event).filter_by(kind="system.proved").count() == 1
