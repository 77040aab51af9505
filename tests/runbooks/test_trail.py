"""What people see of an execution while it goes on: on the incident, on the runbook, and in every open browser."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock, jobs
from app.core.db import pending, session, transaction
from app.core.events import Event, sentence
from app.core.feed import View
from app.incidents.live import FEEDS as OF_INCIDENTS
from app.runbooks import executions
from app.runbooks.live import FEEDS
from tests import build
from tests.fakes import Reply
from tests.runbooks.conftest import facts, run

SECRET = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}, "pod": {"type": "string"}}}
PAGES = {"/runbooks": {}, "/runbooks/<key>": {"key": "restart"}, "/executions/<number>": {"number": "1"},
         "/incidents/<id>": {"id": 1}}


@pytest.fixture
def told(monkeypatch):
    """`told()`: the open pages that were told to look again since it was asked last, at the moment of the commit."""
    heard = []
    monkeypatch.setattr(jobs.live, "publish", lambda _, topics, kinds: heard.append({
        "topics": sorted(topics), "kinds": sorted(kinds)}))
    feeds = {feed.path: feed for feed in (*FEEDS, *OF_INCIDENTS)}

    def ask():
        due = {path for path, arguments in PAGES.items() if View(feeds[path], arguments).due(heard)}
        heard.clear()
        return due
    return ask


def test_every_step_is_on_the_incident_and_the_runbook_by_its_person_and_masked(restart, outage, bob, work, http_sink, time_machine):
    """RB-19: queued, begun, a call that failed, the result with its duration."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.answers(500)
    runbook = restart(parameters=SECRET, payload={"pin": "{{ params.pin }}"})
    run(runbook, bob, outage, parameters={"pin": "swordfish", "pod": "web-1"}, reason="it hangs")
    work()
    time_machine.shift(timedelta(seconds=2))
    work()
    assert facts(outage.ref) == ["execution_queued", "execution_started", "attempt_failed", "execution_ended"]
    found = [event for event in session.query(Event).order_by(Event.id) if "execution" in event.data]
    assert all({runbook.ref, "runbook/restart", "executions", "execution:1"} <= set(event.also) for event in found)
    assert found[0].actor_name == "Bob" and found[0].data["parameters"] == {"pin": "•••", "pod": "web-1"}
    assert [sentence(event) for event in found][::3] == ["Bob runs Restart (it hangs)", "Restart succeeded after 2.0 s"]
    assert "swordfish" not in str([event.data for event in found])


def test_open_pages_are_told_at_every_step(restart, outage, bob, work, told, http_sink):
    """RB-19: with the commit; the library, the runbook, the execution and the incident."""
    runbook = restart()
    told()
    run(runbook, bob, outage)
    assert told() == set(PAGES)
    work()
    assert told() == set(PAGES)


def test_progress_is_live_on_the_execution_and_stands_in_no_log(restart, bob, work, told, http_sink, time_machine):
    """RB-19: it comes too often to be a fact."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    http_sink.answer = Reply(200, b'{"status": "running", "progress": "half way"}')
    run(restart(wait_for="follow"), bob)
    work()
    told(), session.rollback()
    before = session.query(Event).count()
    time_machine.shift(timedelta(seconds=6))
    work()
    assert told() == {"/executions/<number>"} and session.query(Event).count() == before


def test_what_runs_stands_behind_no_page(restart, bob):
    """RB-28: a start wakes workers by a queue that comes after that of the pages."""
    runbook = restart()
    with transaction():
        executions.start(runbook, parameters={"pod": "web-1"}, by=build.actor(bob))
        assert {queue for path, queue in pending().wakes if path == executions.TICK} == {"default"}
