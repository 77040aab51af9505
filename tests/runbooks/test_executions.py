"""Executions: one road to run, exact calls, an end in time, and a trail."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden
from app.core.events import Event
from app.incidents.models import Incident
from app.runbooks import service
from app.runbooks.models import Execution, Runbook
from app.runbooks.requests import masked
from app.runbooks.runner import runner
from tests import build
from tests.fakes import Reply
from tests.racing import at_once
from tests.runbooks.conftest import NASTY, facts, run


def test_what_was_approved_is_sent_once_with_defaults_and_key(restart, outage, bob, work, last, http_sink):
    """RB-07, RB-10, RB-17, RB-19: exact values, a number stays a number, all on the incident's timeline."""
    http_sink.answer = Reply(200, b'{"done": true}')
    run(restart(payload={"pod": "{{ params.pod }}", "grace": "{{ params.grace }}", "title": "{{ incident.title }}"}), bob, outage)
    work()
    [call] = http_sink.calls
    assert call.json() == {"pod": "web-1", "grace": 30, "title": NASTY} and call.headers["idempotency-key"] == last().key
    assert (last().state, last().output) == ("succeeded", '{"done": true}')
    assert facts(outage.ref) == ["execution_queued", "execution_started", "execution_ended"]


def test_whoever_is_not_a_responder_there_cannot_run_it(restart, outage, bob, charlie, payments, olga):
    """RB-05: observers, other teams; a team's own runbook only for its own incidents."""
    olaf = build.user("olaf")
    build.team("watchers", observers=[olaf])
    others = build.incident("Else", team=build.team("others", manager=charlie))
    own, everybodys = restart(), restart("global", team=None)
    assert all(isinstance(run(own, person, outage), Forbidden) for person in (charlie, olaf))
    assert isinstance(run(everybodys, charlie, outage), Forbidden) and isinstance(run(own, olga, others), Forbidden)
    assert run(everybodys, charlie, others).state == run(own, bob, outage).state == "pending"


def test_a_draft_and_a_deprecated_one_run_by_no_road(restart, bob, ana):
    """RB-02, RB-26."""
    assert isinstance(run(restart("draft", approver=None), bob), Conflict)
    old = restart("old")
    with transaction():
        service.deprecate(old, by=build.actor(ana))
    assert isinstance(run(old, bob), Conflict)


def test_approved_at_the_click_and_edited_before_the_worker_starts(restart, bob, ana, olga, work, last, http_sink):
    """RB-03: it ends failed and no byte goes out, also when the edit was approved meanwhile."""
    runbook = restart()
    run(runbook, bob)
    with transaction():
        service.save_runbook({"key": "restart", "timeout": "1m"}, by=build.actor(ana))
        service.approve(runbook, by=build.actor(olga))
    work()
    assert (last().state, last().error, http_sink.calls) == ("failed", "no longer approved", [])


def test_a_right_that_was_lost_meanwhile_counts(restart, bob, work, last, http_sink):
    """State table of 13: approval and rights are checked again."""
    run(restart(), bob)
    with transaction():
        session.delete(bob.memberships[0])
    work()
    assert last().state == "failed" and "may no longer" in last().error and http_sink.calls == []


@pytest.mark.parametrize(("answers", "calls", "state"), [
    ((500, 500, 200), 3, "succeeded"), ((500,) * 5, 4, "failed"), ((400,), 1, "failed"), ((401,), 1, "failed"),
    ((429, 200), 2, "succeeded"), ((302,), 1, "failed")])
def test_attempts_share_one_key_and_have_their_gaps(restart, bob, work, last, http_sink, time_machine, answers, calls, state):
    """RB-10: gaps of 1, 2 and 4 s; other 4xx and redirects never again; the answer is kept."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.next_answers.extend(Reply(status, b"because") for status in answers)
    run(restart(), bob)
    for gap in (0, 1, 2, 4, 8):
        time_machine.shift(timedelta(seconds=gap - 0.1))
        before = len(http_sink.calls)
        work()
        assert gap == 0 or len(http_sink.calls) == before
        time_machine.shift(timedelta(seconds=0.1))
        work()
    assert (len(http_sink.calls), last().state) == (calls, state)
    assert len({call.headers["idempotency-key"] for call in http_sink.calls}) == 1
    assert state == "succeeded" or "because" in last().error


def test_the_time_runs_while_retries_wait(restart, bob, work, last, http_sink, tick, time_machine):
    """RB-09: nothing outlasts it; it ends exactly then."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.answer = Reply(503)
    run(restart(timeout="5s"), bob)
    for _ in range(12):
        work()
        tick("app.runbooks.ticks.expire")
        time_machine.shift(timedelta(seconds=0.5))
    assert (last().state, last().seconds, len(http_sink.calls)) == ("timed_out", 5.0, 3)


def test_a_slow_target_is_cut_at_its_time(restart, bob, last, http_sink, tick):
    """RB-09: within a second of it, with the call cut."""
    http_sink.answer = Reply(200, delay=30)
    run(restart(timeout="5s"), bob)
    tick("app.runbooks.ticks.run")
    assert runner().settle(8)
    assert last().state == "timed_out" and abs(last().seconds - 5) < 1 and last().attempts[0]["ms"] < 6000


def test_one_runs_at_a_time_for_an_incident_and_the_second_is_shown_the_first(restart, outage, bob, payments):
    """RB-21: per_incident, single, unlimited."""
    other = build.incident("Else", team=payments)
    first = run(restart(), bob, outage)
    refused = run(first.runbook, bob, outage)
    assert refused.state == {"execution": str(first.id), "url": f"/executions/{first.id}"}
    assert run(first.runbook, bob, other).state == "pending"
    single = restart("single", concurrency="single")
    assert run(single, bob, outage).state == "pending" and isinstance(run(single, bob, other), Conflict)
    many = restart("many", concurrency="unlimited")
    assert [run(many, bob, outage).state for _ in range(3)] == ["pending"] * 3


def test_one_form_key_is_one_execution(restart, bob, outage):
    """RB-20: a double click, a resubmitted form."""
    runbook = restart(concurrency="unlimited")
    assert run(runbook, bob, outage, form_key="f1").id == run(runbook, bob, outage, form_key="f1").id
    assert session.query(Execution).count() == 1


@pytest.mark.race(rounds=50)
@pytest.mark.both_databases
def test_two_requests_with_one_form_key_make_one_execution(restart, bob, app):
    """RB-20: both are shown the same, 50 times at the same instant."""
    runbook_id, shown = restart(concurrency="unlimited").id, []

    def press(turn):
        shown.append(run(session.get(Runbook, runbook_id), bob, form_key=f"form-{turn}").id)
    for turn in range(50):
        assert at_once(app, *[partial(press, turn)] * 2) == []
    assert len(shown) == 100 and len(set(shown)) == 50 == session.query(Execution).count()


@pytest.mark.race(rounds=50)
@pytest.mark.both_databases
def test_at_the_same_instant_exactly_one_starts(restart, bob, payments, app):
    """RB-21: two at once, for 50 incidents one after the other."""
    with transaction():
        numbers = [build.incident(team=payments).id for _ in range(50)]
    runbook_id, wins = restart().id, []

    def contend(number):
        found = run(session.get(Runbook, runbook_id), bob, session.get(Incident, number))
        wins.append(isinstance(found, Execution))
    for number in numbers:
        assert at_once(app, *[partial(contend, number)] * 2) == []
    assert (wins.count(True), wins.count(False)) == (50, 50)


def test_a_resolved_incident_starts_nothing_and_one_that_resolves_stops_nothing(restart, outage, bob, work, last):
    """RB-22: its result is still on the timeline."""
    runbook = restart()
    run(runbook, bob, outage)
    with transaction():
        session.get(Incident, outage.id).status = "resolved"
    work()
    assert last().state == "succeeded" and facts(outage.ref)[-1] == "execution_ended"
    assert isinstance(run(runbook, bob, session.get(Incident, outage.id)), Conflict)


def test_secrets_and_secret_parameters_are_masked_wherever_they_come_back(restart, bob, outage, payments, work, last, http_sink):
    """RB-18: outputs that echo them, events, rows."""
    build.secret("ops", "hunter2-hunter2", team=payments)
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    http_sink.answer = Reply(200, b'{"auth": "Bearer hunter2-hunter2", "pin": "swordfish"}')
    run(restart(parameters=schema, payload={"pin": "{{ params.pin }}"}, config={
        "headers": {"Authorization": "Bearer {{ secret.ops }}"}}), bob, outage, parameters={"pin": "swordfish"})
    work()
    assert http_sink.calls[0].headers["authorization"] == "Bearer hunter2-hunter2"
    assert http_sink.calls[0].json() == {"pin": "swordfish"}
    found = json.dumps([event.data for event in session.query(Event)]) + last().output + str(last().parameters)
    assert "hunter2" not in found and "swordfish" not in found and last().output == '{"auth": "Bearer •••", "pin": "•••"}'


def test_what_no_database_takes_is_left_out_of_an_answer(restart, bob, work, last, http_sink):
    """RB-18: and a secret that such a sign stands in is masked all the same."""
    http_sink.answer = Reply(200, b'a\0b')
    run(restart(), bob)
    work()
    assert (last().state, last().output) == ("succeeded", "ab")
    assert masked("\ud800 swo\0rdfish", ("swordfish",)) == "? •••"
