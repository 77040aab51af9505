"""What goes wrong on the way out, as a table: the state, what comes next, and a sentence that a person can read."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound import Unreachable
from app.identity.models import User
from app.plugin_api import Answer
from tests import build
from tests.fakes import MailServer, Reply, WebServer
from tests.notifications.paged import hook, messages, page, play

SEND = "app.notifications.ticks.send"


@pytest.mark.parametrize(("reply", "state", "attempts", "words"), [
    (Reply(500), "queued", 2, "The answer was 500"), (Reply(429, b"", {"Retry-After": "120"}), "queued", 1, "429"),
    (Reply(404), "failed", 1, "does not exist"), (Reply(410), "failed", 1, "does not exist"),
    (Reply(400), "failed", 1, "The answer was 400"), (Reply(301, b"", {"Location": "/x"}), "queued", 2, "301")])
def test_each_fault_has_its_state_its_next_way_and_its_sentence(
    now: Any, tick: Any, http_sink: WebServer, smtp: MailServer, ana: User, reply: Reply, state: str, attempts: int, words: str,
) -> None:
    """NTF-13, NTF-14, NTF-17: for good goes on at once, twice in a row as well; a wait that was asked for is kept."""
    http_sink.answer = reply
    first, second = hook(ana, http_sink), build.contact(ana, name="mail 2", address="ana.2@example.com")
    build.rules(ana, (0, first), (600, second))
    page(ana)
    tick(SEND)
    play(now, tick, 6, step=6)
    told, other = messages("page")[:2]
    assert (told.state, told.attempts) == (state, attempts) and words in told.error
    assert (other.state == "sent") is (state == "failed" or attempts == 2)


@pytest.mark.parametrize("reason", ["The name of example.com can't be found", "No answer from example.com within 10 s"])
def test_a_name_or_an_answer_that_does_not_come_is_tried_again_and_said(
    now: Any, tick: Any, http_sink: WebServer, smtp: MailServer, ana: User, monkeypatch: pytest.MonkeyPatch, reason: str,
) -> None:
    """NTF-13: DNS and time-outs are faults that pass."""
    def away(*_: Any, **__: Any) -> Answer:
        raise Unreachable(reason)
    monkeypatch.setattr("app.plugin_api.request", away)
    build.rules(ana, (0, hook(ana, http_sink)), (600, build.contact(ana, name="mail 2", address="ana.2@example.com")))
    page(ana)
    tick(SEND)
    play(now, tick, 6, step=6)
    told, other = messages("page")[:2]
    assert (told.state, told.attempts, told.error, other.state) == ("queued", 2, reason, "sent")
