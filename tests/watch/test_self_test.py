"""The signal that the system sends itself: the whole road, and nothing left of it."""

from __future__ import annotations

import json

import pytest
import time_machine
from sqlalchemy import select

from app.core.db import Base, session, transaction
from app.core.events import Event
from app.core.pulse import Pulse
from app.core.redis import client as redis
from app.ingest.models import Delivery
from app.ingest.queries import SELF_TEST
from app.shadow import service as shadow
from app.watch import queries
from tests import build
from tests.pager import messages, pager

TEST = "app.watch.ticks.test_itself"
HIDDEN = {"pulses", "integrations", "contact_methods", "event_seals"}


@pytest.fixture
def now():
    """A time that passes only when the test says so."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travelled:
        yield travelled


def rows() -> dict[str, list[str]]:
    """Every row of every table, but those which the self-test keeps for itself."""
    session.rollback()
    return {table.name: [str(row) for row in session.execute(select(table)).all()]
            for table in Base.metadata.sorted_tables if table.name not in HIDDEN}


@pytest.mark.both_databases
def test_it_takes_the_whole_road_and_leaves_no_trace(app, olga, smtp, tick, run_jobs, now, signed_in, token, client):
    """HRD-38: an incident opens and pages within, all of it undone; it is in no list, count or figure, and nobody hears."""
    pager()
    before, keys = rows(), token(olga)
    tick(TEST)
    assert session.query(Delivery).one().state == "received"
    assert client.get("/api/v1/deliveries", headers=keys).json["items"] == []
    now.shift(2)
    run_jobs()
    assert messages()[0].kind == "self-test" and smtp.mails == []
    tick(TEST)
    found = queries.watched().test
    assert (found.outcome, found.milliseconds) == ("passed", 2000)
    after = rows()
    assert {name: after[name] for name in after if after[name] != before[name]}.keys() <= {"api_tokens", "login_sessions"}
    assert smtp.mails == [] and "self-test" not in json.dumps(client.get("/api/v1/integrations", headers=keys).json)


def test_it_is_measured_every_five_minutes(app, olga, tick, run_jobs, now):
    """HRD-38: each time from the inbox to the hand-over."""
    for seconds in (1, 3):
        tick(TEST)
        now.shift(seconds)
        run_jobs()
        tick(TEST)
        assert queries.watched().test.milliseconds == seconds * 1000
        tick(TEST)
        assert session.query(Delivery).count() == 0
        now.shift(300)


@pytest.fixture
def broken(app, olga, tick, now):
    """Nobody works on the inbox, and the self-test has noticed."""
    tick(TEST)
    redis().flushall()
    now.shift(31)
    tick(TEST)


def test_a_failure_alarms_every_admin_by_every_proven_method_without_redis_or_worker(app, bob, smtp, monkeypatch, olga, tick, now):
    """HRD-38: they are sent by whoever notices. MIG-25: in shadow, too."""
    otto = build.user("otto", role="admin")
    for person, more in ((olga, "olga-2@example.com"), (otto, "otto-2@example.com")):
        build.contact(person, "email", more, name="second")
    with transaction():
        shadow.begin("system", "", reason="moving in", by=build.actor(olga))
    monkeypatch.setattr("app.core.jobs.client", unreachable)
    for seconds in (0, 31, 61, 31):
        now.shift(seconds)
        tick(TEST)
    told = sorted(mail.to for mail in smtp.mails)
    assert told == ["olga-2@example.com", "olga@example.com", "otto-2@example.com", "otto@example.com"]
    assert smtp.mails[0].subject == "The self-test stands still" and "the inbox was not worked on" in smtp.mails[0].text


def unreachable():
    """A Redis that is away."""
    import redis

    raise redis.ConnectionError("away")


def test_when_it_passes_again_they_are_told_once_and_the_log_keeps_both(app, broken, smtp, tick, run_jobs, now):
    """HRD-30: once per failure, once when well again."""
    smtp.forget()
    for _ in range(2):
        now.shift(60)
        tick(TEST)
        run_jobs()
        tick(TEST)
        run_jobs()
        tick("app.notifications.ticks.send")
    assert [mail.subject for mail in smtp.to("olga@example.com")] == ["The self-test works again"]
    kinds = session.scalars(select(Event.kind).where(Event.kind.like("system.part%")).order_by(Event.id)).all()
    assert kinds == ["system.part_failed", "system.part_recovered"]


def test_one_that_nobody_judged_in_time_does_not_count(app, olga, smtp, tick, run_jobs, now):
    """A system that was stopped in the middle of it begins another, and alarms nobody."""
    tick(TEST)
    now.shift(3600)
    tick(TEST)
    run_jobs()
    tick(TEST)
    assert queries.watched().test.outcome == "passed" and smtp.mails == []


def test_a_pipeline_that_fails_is_noticed(app, olga, monkeypatch, tick, run_jobs, now, smtp):
    """HRD-38: a fault on the way, of the routes or the escalation, is a failure of the self-test, with its reason."""
    monkeypatch.setattr("app.escalation.service.advance", lambda *_: 1 / 0)
    tick(TEST)
    run_jobs()
    now.shift(31)
    tick(TEST)
    found = queries.watched().test
    assert found.outcome == "failed" and "its escalation failed" in found.reason
    assert session.scalar(select(Pulse.name).where(Pulse.name == "failing:self-test"))


def test_a_fault_that_passes_alarms_nobody(app, olga, monkeypatch, tick, run_jobs, now, smtp):
    """HRD-38: it is handed over again soon, as a page would be."""
    with monkeypatch.context() as broken:
        broken.setattr("app.notifications.sink.Sink.send", lambda *_: 1 / 0)
        tick(TEST)
        run_jobs()
        tick(TEST)
    now.shift(6)
    tick("app.notifications.ticks.send")
    run_jobs()
    tick(TEST)
    assert queries.watched().test.outcome == "passed" and smtp.mails == []


def test_its_sender_is_in_no_list_and_opens_no_door(app, olga, tick, signed_in, token, client, now):
    """HRD-38: neither on the pages nor in the document that is exported; by its key there is nothing, for administrators neither."""
    tick(TEST)
    browser, keys = signed_in(olga), token(olga)
    said = "".join(browser.get(path).text for path in (
        "/integrations", "/me", "/audit", "/people/1", "/settings/channels", "/settings/plugins/webhook", "/maintenance/-/new", "/insights"))
    said += "".join(client.get(f"/api/v1/{path}", headers=keys).text for path in ("deliveries", "configuration"))
    assert '"integrations"' in said and SELF_TEST not in said and "self-test" not in said.lower()
    number = session.scalar(select(Delivery.id))
    doors = [browser.get(f"/integrations/{SELF_TEST}"), client.get(f"/api/v1/integrations/{SELF_TEST}", headers=keys),
             client.get(f"/api/v1/deliveries/{number}", headers=keys)]
    assert [answer.status_code for answer in doors] == [404, 404, 404]
