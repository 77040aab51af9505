"""Targets that report by themselves: signed, once, in time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.core import clock, secrets
from app.core.db import session, transaction
from app.core.events import Event
from app.core.signatures import sign
from app.runbooks import executions
from app.runbooks.models import Execution
from app.runbooks.runner import runner
from tests import build
from tests.fakes import Reply
from tests.racing import at_once
from tests.servers import eventually

SECRET = "signing-secret-of-the-tests"


@pytest.fixture
def begun(restart, bob, payments, work, last, http_sink):
    """`begun()`: one that waits for its callback; gives the path at which it may be told."""
    build.secret("signing", SECRET, team=payments)

    def act(key="restart"):
        runbook = restart(key, wait_for="callback", config={"signing_secret": "{{ secret.signing }}"}, timeout="5m")
        with transaction():
            executions.start(runbook, parameters={"pod": "web-1"}, by=build.actor(bob))
        work()
        return http_sink.calls[-1].json()["callback_url"].removeprefix("http://localhost")
    return act


@pytest.fixture
def report(client):
    """`report(path, status="succeeded")`: what the target posts, rightly signed unless told otherwise."""
    def act(path, *, secret=SECRET, at=None, **said):
        body = json.dumps(said).encode()
        headers = sign(body, secret=secret, at=at or clock.now(), delivery="d") if secret else {}
        return client.post(path, data=body, headers=headers)
    return act


def test_a_report_that_cannot_be_checked_is_to_come_again_and_stands_in_the_log(begun, report, last):
    """RB-11: the signing secret can't be opened, which is our fault and none of the target's."""
    path = begun()
    secrets.configure(secrets.new_key())
    answer = report(path, status="succeeded")
    assert (answer.status_code, last().state) == (503, "running") and "ENCRYPTION_KEYS" in answer.json["detail"]
    assert any("can't be told" in str(event.data) for event in session.query(Event))


def test_progress_and_the_end_come_by_signed_callbacks(begun, report, last, http_sink):
    """RB-11: 2xx to the start call leaves it running; the receiver can verify what it got (RB-16)."""
    path = begun()
    call = http_sink.calls[0]
    assert sign(call.body, secret=SECRET, at=clock.parse_instant("2026-01-01T00:00:00Z"), delivery="d").keys() == {
        "X-OnCall-Timestamp", "X-OnCall-Signature", "X-OnCall-Delivery"} and call.headers["x-oncall-signature"].startswith("v1=")
    assert last().state == "running" and last().next_at is None
    assert report(path, status="running", progress=["draining", f"with {SECRET}"]).status_code == 200
    assert [line["text"] for line in last().progress] == ["draining", "with •••"] and last().state == "running"
    assert report(path, status="succeeded", output={"pods": 3}).status_code == 200
    assert (last().state, last().output) == ("succeeded", '{"pods": 3}')


def test_a_failure_by_callback(begun, report, last):
    """RB-11."""
    assert report(begun(), status="failed", output="disk full").status_code == 200
    assert (last().state, last().error) == ("failed", "disk full")


@pytest.mark.parametrize(("how", "status"), [
    ({"secret": ""}, 401), ({"secret": "another"}, 401), ({"at": -301}, 401), ({"at": 61}, 401), ({"at": -299}, 200), ({"at": 59}, 200)])
def test_a_wrong_or_stale_signature_changes_nothing_but_a_note(begun, report, last, how, status, time_machine):
    """RB-11, HRD-11: to the second."""
    path = begun()
    time_machine.move_to(clock.now(), tick=False)
    shift = {"at": clock.now() + timedelta(seconds=how["at"])} if "at" in how else {}
    answer = report(path, status="succeeded", **how | shift)
    assert answer.status_code == status and answer.mimetype in ("application/json", "application/problem+json")
    assert (last().state == "running") is (status == 401)
    assert session.query(Event).filter_by(kind="runbook.callback_refused").count() == (status == 401)


def test_a_replay_another_executions_address_and_a_late_one_are_refused(begun, report, last):
    """RB-11: 409 and 404; one report counts once, and two executions may say the same in the same second."""
    first, at = begun("first"), clock.now()
    second = begun("second")
    said = {"status": "running", "progress": "half", "at": at}
    assert [report(path, **said).status_code for path in (first, first, second)] == [200, 409, 200]
    assert report("/runbooks/callback/no-such-token", status="succeeded").status_code == 404
    assert report(first, status="succeeded").status_code == 200
    assert report(first, status="failed").status_code == 409
    assert session.get(Execution, 1).state == "succeeded" and len(session.get(Execution, 1).progress) == 1
    assert session.query(Event).filter_by(kind="runbook.late_result").count() == 1


def test_a_signature_written_another_way_is_the_same_report(begun, client, last):
    """RB-11: in capitals, in a list, with spaces around."""
    path, body = begun(), b'{"status": "running", "progress": "half"}'
    headers = sign(body, secret=SECRET, at=clock.now(), delivery="d")
    said, at = headers["X-OnCall-Signature"], headers["X-OnCall-Timestamp"]
    ways = [(said, at), ("v1=" + said[3:].upper(), at), (f"v1=00,{said}", at), (said, f" {at} ")]
    answers = [client.post(path, data=body, headers={"X-OnCall-Signature": one, "X-OnCall-Timestamp": when}) for one, when in ways]
    assert [answer.status_code for answer in answers] == [200, 409, 409, 409] and len(last().progress) == 1


@pytest.mark.parametrize("said", [{}, {"status": "done"}, {"status": "running", "more": 1}])
def test_a_report_that_says_nothing_usable_is_422(begun, report, last, said):
    assert report(begun(), **said).status_code == 422 and last().state == "running"


def test_a_callback_that_is_quicker_than_the_answer_counts(restart, bob, payments, tick, last, http_sink, report):
    """RB-12."""
    build.secret("signing", SECRET, team=payments)
    http_sink.answer = Reply(200, delay=0.5)
    runbook = restart(wait_for="callback", config={"signing_secret": "{{ secret.signing }}"})
    with transaction():
        executions.start(runbook, parameters={"pod": "web-1"}, by=build.actor(bob))
    tick("app.runbooks.ticks.run")
    eventually(lambda: http_sink.calls, what="the call")
    path = http_sink.calls[0].json()["callback_url"].removeprefix("http://localhost")
    assert report(path, status="succeeded", output="quick").status_code == 200
    assert runner().settle() and (last().state, last().output, len(last().attempts)) == ("succeeded", "quick", 1)


@pytest.mark.race
@pytest.mark.both_databases
def test_of_two_final_callbacks_at_once_one_wins(begun, report, last, app, client):
    """RB-12."""
    path, answers = begun(), []

    def tell(status):
        return lambda: answers.append(report(path, status=status).status_code)
    assert at_once(app, tell("succeeded"), tell("failed")) == []
    assert sorted(answers) == [200, 409] and last().state in ("succeeded", "failed")
    assert session.query(Event).filter_by(kind="runbook.execution_ended").count() == 1


def test_waiting_for_a_callback_counts_towards_the_time(begun, tick, last, time_machine):
    """RB-09, RB-28: it holds no thread, and ends when its time is over."""
    time_machine.move_to(clock.now(), tick=False)
    begun()
    assert not any(runner().running.values())
    time_machine.shift(timedelta(seconds=301))
    tick("app.runbooks.ticks.expire")
    assert (last().state, last().seconds) == ("timed_out", 300.0)


def test_a_known_handle_is_followed_on_after_a_crash(restart, bob, work, last, http_sink, tick, time_machine):
    """RB-13, RB-15: the generic webhook is followed at its Location, and stopped there."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    http_sink.answer = Reply(200, b'{"status": "running", "progress": "half"}')
    with transaction():
        executions.start(restart(wait_for="follow"), parameters={"pod": "web-1"}, by=build.actor(bob))
    work()
    with transaction():
        found = session.get(Execution, 1)
        found.lease_until, found.lease_owner = clock.now() - timedelta(seconds=1), "dead:1:1"
    tick("app.runbooks.ticks.decide_lost")
    work()
    assert last().state == "running" and http_sink.calls[-1].path == "/jobs/1" and last().progress[0]["text"] == "half"
    http_sink.answer = Reply(200, b'{"status": "succeeded", "output": "ok"}')
    time_machine.shift(timedelta(seconds=31))
    work()
    assert (last().state, last().output) == ("succeeded", "ok")
