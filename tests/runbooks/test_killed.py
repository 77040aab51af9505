"""A worker that is killed (-9): what left is never sent again, what did not leave goes on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from app.core import clock
from app.core.db import db, session
from app.runbooks import calls, outcomes
from app.runbooks.models import Execution
from tests.fakes import Reply
from tests.runbooks.conftest import run
from tests.servers import eventually


@pytest.fixture
def killed(app):
    """`killed(act, when)`: `act` in a process of its own, which is killed as soon as `when` is true here."""
    children = []

    def die(act, when):
        session.remove()
        children.append(os.fork())
        if not children[-1]:
            try:
                with app.app_context():
                    db.engine.dispose(close=False)
                    act()
            finally:
                os._exit(0)
        eventually(when, what="the moment to kill it")
        os.kill(children[-1], signal.SIGKILL)
        os.waitpid(children.pop(), 0)
    yield die
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_killed_after_the_request_left_it_is_failed_and_never_repeated(restart, bob, killed, tick, work, last, http_sink):
    """RB-13: the next worker's start decides it, in less than two minutes."""
    http_sink.answer = Reply(200, delay=20)
    run(restart(), bob)
    killed(lambda: calls.advance(1), lambda: http_sink.calls)
    tick("app.runbooks.ticks.release_dead")
    work()
    assert (last().state, last().error, len(http_sink.calls)) == ("failed", outcomes.UNKNOWN, 1)


def test_killed_before_the_request_left_it_goes_on_once(restart, bob, killed, tick, work, last, http_sink, monkeypatch):
    """RB-14: it was claimed, and nothing had gone out."""
    run(restart(), bob)
    with monkeypatch.context() as patch:
        patch.setattr(calls, "_leaves", lambda _: time.sleep(60))
        killed(lambda: calls.advance(1), lambda: last().lease_owner)
    assert http_sink.calls == []
    tick("app.runbooks.ticks.release_dead")
    work()
    assert (last().state, len(http_sink.calls)) == ("succeeded", 1)


def test_killed_while_it_is_followed_it_is_followed_on(restart, bob, killed, tick, work, last, http_sink, time_machine):
    """RB-13: the known handle is asked again, and nothing is begun again."""
    time_machine.move_to(clock.now(), tick=False)
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    run(restart(wait_for="follow"), bob)
    work()
    http_sink.next_answers.append(Reply(200, b'{"status": "running"}', delay=20))
    time_machine.shift(6)
    killed(lambda: calls.advance(1), lambda: len(http_sink.calls) == 2)
    http_sink.answer = Reply(200, b'{"status": "succeeded"}')
    tick("app.runbooks.ticks.release_dead")
    work()
    assert last().state == "succeeded" and [call.method for call in http_sink.calls] == ["POST", "GET", "GET"]
    assert session.query(Execution).count() == 1
