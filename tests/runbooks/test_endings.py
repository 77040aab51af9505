"""What becomes of executions when workers die, people cancel, and time passes."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

from app.core import clock, secrets
from app.core.db import db, session, transaction
from app.runbooks import executions, outcomes
from app.runbooks.models import Execution
from app.runbooks.runner import runner
from tests import build
from tests.fakes import Reply
from tests.runbooks.conftest import facts, run
from tests.servers import eventually


def test_a_worker_that_died_after_the_request_left_is_never_repeated(restart, bob, tick, last, work, http_sink):
    """RB-13: failed, outcome unknown; RB-14: before it left it goes on, once."""
    run(restart("a"), bob)
    run(restart("b"), bob)
    with transaction():
        for one in session.query(Execution):
            one.state, one.started_at, one.deadline_at = "running", clock.now(), clock.now() + timedelta(minutes=5)
            one.lease_until, one.lease_owner = clock.now() - timedelta(seconds=1), "dead:1:1"
            one.calling_at = clock.now() if one.id == 1 else None
    tick("app.runbooks.ticks.decide_lost")
    work()
    assert [(one.state, one.error) for one in session.query(Execution).order_by(Execution.id)] == [
        ("failed", outcomes.UNKNOWN), ("succeeded", "")]
    assert len(http_sink.calls) == 1


def test_cancelling_ends_it_at_once_and_a_later_result_is_noted_as_late(restart, bob, outage, last, app, http_sink, tick):
    """RB-25."""
    http_sink.answer = Reply(200, b"done", delay=0.4)
    run(restart(), bob, outage)
    tick("app.runbooks.ticks.run")
    eventually(lambda: last().calling_at, what="the call")
    session.rollback()
    with transaction():
        executions.cancel(session.get(Execution, 1), by=build.actor(bob))
    assert last().state == "cancelled" and runner().settle()
    assert (last().state, facts(outage.ref)[-1]) == ("cancelled", "late_result")


def test_an_emptied_redis_loses_nothing(restart, bob, work, last, redis_server):
    """RB-14: the clock begins what the lost wake-up did not."""
    run(restart(), bob)
    redis_server.client.flushall()
    work()
    assert last().state == "succeeded"


def test_more_than_there_are_threads_wait_in_order_and_hold_none(restart, bob, tick, last, http_sink, monkeypatch):
    """RB-28: follow-ups have threads of their own."""
    monkeypatch.setattr(runner(), "most", 3)
    http_sink.answer = Reply(200, delay=0.5)
    runbook = restart(concurrency="unlimited")
    for _ in range(8):
        run(runbook, bob)
    tick("app.runbooks.ticks.run")
    eventually(lambda: len(http_sink.calls) == 3, what="three calls")
    last()
    states = [one.state for one in session.query(Execution).order_by(Execution.id)]
    assert states == ["running"] * 3 + ["pending"] * 5
    assert eventually(lambda: last() and session.query(Execution).filter_by(state="succeeded").count() == 8, what="all of them")
    assert runner().settle() and len(http_sink.calls) == 8


def test_two_hundred_that_wait_for_their_targets_hold_nothing(restart, bob, work, last, http_sink, time_machine):
    """RB-28: no thread, no connection; the next one begins at once, and theirs goes on when it is due."""
    time_machine.move_to(clock.now(), tick=False)
    runbook, later = restart(concurrency="unlimited"), clock.now() + timedelta(minutes=5)
    with transaction():
        session.bulk_insert_mappings(Execution, [
            {"key": str(at), "token_hash": str(at), "runbook_id": runbook.id, "version": 1, "started": bob.ref,
             "started_name": "Bob", "state": "running", "phase": "follow", "handle": {"url": http_sink.url, "key": "1"},
             "started_at": clock.now(), "deadline_at": later, "next_at": later} for at in range(200)])
    run(runbook, bob)
    work()
    assert (last().state, len(http_sink.calls)) == ("succeeded", 1)
    session.remove()
    eventually(lambda: not [one for one in threading.enumerate() if re.fullmatch(r"runbook-\d+", one.name)], what="no thread")
    assert db.engine.pool.checkedout() == 0


def test_whoever_started_one_whose_end_nobody_knows_is_told(restart, bob, tick, run_jobs, smtp):
    """RB-13."""
    run(restart(), bob)
    with transaction():
        one = session.query(Execution).one()
        one.state, one.started_at, one.calling_at = "running", clock.now(), clock.now()
        one.lease_until, one.lease_owner = clock.now() - timedelta(seconds=1), "dead:1:1"
    tick("app.runbooks.ticks.decide_lost")
    run_jobs()
    tick("app.notifications.ticks.send")
    assert "outcome unknown" in smtp.to("bob@example.com")[0].text


def test_outputs_are_forgotten_and_the_trail_stays(restart, bob, outage, work, last, tick, http_sink, time_machine):
    """12, retention: run and execution outputs 90 days."""
    http_sink.next_answers.append(Reply(200, b"the output"))
    for key in ("restart", "silent"):  # one of them only told how it went on
        run(restart(key), bob, outage)
        work()
    with transaction():
        last().progress = [{"at": "", "text": "half way"}]
    time_machine.move_to(clock.now() + timedelta(days=91))
    assert tick("app.core.retention.purge")["execution_outputs"] == 2
    assert [(one.output, one.progress) for one in session.query(Execution)] == [("", [])] * 2
    assert "execution_ended" in facts(outage.ref) and tick("app.core.retention.purge") == {}


def test_a_stop_that_can_no_longer_be_asked_for_is_said_once(restart, bob, payments, work, last, http_sink):
    """RB-25: the secret that the target wants is gone."""
    secret = build.secret("ops", team=payments)
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    run(restart(wait_for="follow", config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}}), bob)
    work()
    with transaction():
        session.delete(session.get(type(secret), secret.id))
        executions.cancel(session.get(Execution, 1), by=build.actor(bob))
    for _ in range(3):
        work()
    assert (last().state, last().next_at, len(http_sink.calls)) == ("cancelled", None, 1)
    assert [kind for kind in facts("execution:1") if kind == "cancel_told"] == ["cancel_told"]


def test_a_stop_has_all_its_tries_however_often_it_was_followed(restart, bob, work, last, http_sink, time_machine):
    """RB-25: the looks of the following are not those of the stop."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    http_sink.answer = Reply(200, b'{"status": "running"}')
    run(restart(wait_for="follow"), bob)
    for _ in range(6):
        work()
        time_machine.shift(timedelta(seconds=31))
    with transaction():
        executions.cancel(session.get(Execution, 1), by=build.actor(bob))
    assert (last().phase, last().looks) == ("cancel", 0)


def test_one_whose_secret_cannot_be_opened_ends_with_the_reason(restart, bob, payments, work, last, http_sink):
    """RB-13: it is not due again and again."""
    build.secret("ops", team=payments)
    run(restart(config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}}), bob)
    with transaction():
        secrets.configure(secrets.new_key())
    work()
    assert last().state == "failed" and "ENCRYPTION_KEYS" in last().error and http_sink.calls == []


def test_a_step_that_breaks_waits_for_the_clock(restart, bob, work, monkeypatch):
    """RB-28: it does not go round and round."""
    tries = []
    monkeypatch.setattr("app.runbooks.runner.calls.advance", lambda key: tries.append(key) or 1 / 0)
    run(restart(), bob)
    work()
    assert tries == [1]


def test_one_that_cannot_be_ended_keeps_no_other_from_its_end(restart, bob, tick, last, monkeypatch):
    """RB-09."""
    for key in ("a", "b"):
        run(restart(key), bob)
    with transaction():
        for one in session.query(Execution):
            one.state, one.deadline_at = "running", clock.now() - timedelta(seconds=1)
    end = outcomes.time_over
    monkeypatch.setattr(outcomes, "time_over", lambda one: 1 / 0 if one.id == 1 else end(one))
    tick("app.runbooks.ticks.expire")
    assert last().state == "timed_out" and session.get(Execution, 1).state == "running"
