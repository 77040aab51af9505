"""All six targets against servers in trouble: errors, answers that never come, slow ones, nonsense, forged callbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.db import session
from app.runbooks import executions
from app.runbooks.models import Execution
from tests.fakes import Reply
from tests.runbooks.vendors import SIX, reply

each = pytest.mark.parametrize("slug", sorted(SIX))
NEVER = 1.2  # seconds until the server answers; the call is given half a second
# what goes wrong when it is asked to begin: its answers, and the words of the reason
STARTS = {"error": ([Reply(500)] * 4, "500"), "never": ([Reply(200, delay=NEVER)], "did not answer within"),
          "nonsense": ([Reply(200, b"<html>Welcome</html>")] * 2, "outcome unknown")}


def begun(http_sink):
    """The calls that ask to begin; Amazon is also asked whether it took one."""
    return [call for call in http_sink.calls if not call.headers.get("x-amz-target", "").endswith("ListCommands")]


@pytest.fixture
def hasty(app, monkeypatch):
    """Nobody is waited for longer than half a second."""
    monkeypatch.setattr(executions, "timeout_of", lambda _: timedelta(seconds=0.5))
    for target in app.extensions["plugins"].targets.values():
        monkeypatch.setitem(type(target).follow.__globals__, "LOOK_SECONDS", 0.5)


@each
@pytest.mark.parametrize("trouble", ["error", "nonsense"])
def test_a_start_that_goes_wrong_ends_with_its_reason_and_is_not_made_twice(begin, work, last, http_sink, time_machine, slug, trouble):
    """RB-10, RB-15: again only under one key."""
    answers, words = STARTS[trouble]
    begin(slug, answers)
    for _ in range(3):
        time_machine.shift(timedelta(seconds=4))
        work()
    assert last().state == "failed" and words in last().error
    assert len(begun(http_sink)) == (4 if slug == "webhook" and trouble == "error" else 1)
    assert len({call.headers.get("idempotency-key") for call in http_sink.calls}) == 1


@each
def test_a_server_that_never_answers_is_not_asked_to_begin_twice(begin, hasty, last, tick, http_sink, time_machine, slug):
    """RB-09, RB-10: its time ends it, and what nobody knows is said to be so."""
    begin(slug, STARTS["never"][0])
    time_machine.shift(timedelta(seconds=1))
    tick("app.runbooks.ticks.expire")
    state, words = ("timed_out", "") if slug == "webhook" else ("failed", "outcome unknown")
    assert last().state == state and words in last().error and len(begun(http_sink)) == 1


@each
def test_a_slow_server_in_trouble_is_followed_to_the_end_all_the_same(begin, hasty, look, last, http_sink, client, slug,
                                                                    monkeypatch):
    """RB-09, RB-11, RB-15: errors and silence on the way change nothing, nor does a callback that nobody was told of."""
    start, *good = SIX[slug][1]
    monkeypatch.setattr(executions, "timeout_of", lambda _: timedelta(minutes=10))
    begin(slug, [start])
    for trouble in (Reply(500), Reply(429), Reply(200, delay=NEVER)):
        http_sink.next_answers.append(trouble)
        look()
        assert (last().state, last().phase) == ("running", "follow")
    forged = client.post(f"/runbooks/callback/{executions.token_of(last())}", json={"status": "succeeded"})
    assert forged.status_code == 404 and last().state == "running"
    http_sink.next_answers.extend(map(reply, good))
    http_sink.next_answers[0].delay = 0.2
    look(2)
    assert (last().state, session.query(Execution).count()) == ("succeeded", 1)
