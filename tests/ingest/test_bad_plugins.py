"""A plugin that fails in whatever way affects only its own deliveries: they wait and say why, all others go on."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from app.core import limited
from app.core.db import session
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, pager, post

BAD = "/in/token-of-bad-0123456789"


class Bad:
    """The webhook plugin, but for how it reads a body."""

    def __init__(self, plugin: Any, does: Any) -> None:
        self.plugin, self.does = plugin, does

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plugin, name)

    def normalize(self, inbound: Any, config: Any) -> Any:
        """What the test wants."""
        return self.does()


def computes_for_ever() -> None:
    while True:
        pass


def waits_for_ever() -> None:
    threading.Event().wait()


def ends_the_process() -> None:
    raise SystemExit


@pytest.fixture
def bad(app, monkeypatch):
    """`bad(does)`: an integration whose plugin does that with every body."""
    monkeypatch.setattr(limited, "SECONDS", 0.5)
    monkeypatch.setattr(limited, "_hangs", {})
    registry = app.extensions["plugins"]

    def made(does: Any) -> str:
        monkeypatch.setitem(registry.integrations, "webhook", Bad(registry.integrations["webhook"], does))
        build.integration("bad", plugin="webhook")
        return BAD
    return made


def deliveries(state: str) -> list[Delivery]:
    session.expire_all()
    return session.query(Delivery).filter_by(state=state).order_by(Delivery.id).all()


@pytest.mark.parametrize(("does", "said"), [
    (computes_for_ever, "The plugin webhook did not come back within 0.5 s"),
    (waits_for_ever, "The plugin webhook did not come back within 0.5 s"),
    (ends_the_process, "wanted to end the process"), (lambda: 1 / 0, "ZeroDivisionError"),
    (lambda: None, "TypeError"), (lambda: ["rubbish"], "AttributeError"), (lambda: 7, "TypeError")])
def test_its_deliveries_wait_with_the_reason_and_those_of_others_are_worked_on(bad, client, run_jobs, smtp, does, said):
    """QUAL-16: raises, hangs, returns rubbish; the drain goes on, and the fault stands on the delivery."""
    house = pager()
    assert client.post(bad(does), json={"title": "x"}).status_code == 202
    assert post(client, house, firing()).status_code == 202
    run_jobs()
    waiting, = deliveries("received")
    assert said in waiting.note and waiting.attempts == 1
    assert len(deliveries("processed")) == 1 and len(smtp.to("bob@example.com")) == 1


def test_one_that_hangs_again_and_again_is_left_alone_for_a_minute(bad, client, run_jobs):
    """QUAL-16: its further deliveries wait without being tried, and lose none of their tries."""
    address = bad(waits_for_ever)
    for number in range(5):
        assert client.post(address, json={"title": f"Problem {number}"}).status_code == 202
    run_jobs()
    assert [one.attempts for one in deliveries("received")] == [1, 1, 0, 0, 0]  # the first hung once more, in the batch
    assert "left alone for a minute" in deliveries("received")[2].note


def test_after_that_they_are_worked_on_in_the_order_in_which_they_came(bad, client, run_jobs, monkeypatch, tick):
    """ING-10: what arrives meanwhile does not overtake what waits, so that no end comes before its beginning."""
    address, order = bad(waits_for_ever), []
    for number in range(5):
        assert client.post(address, json={"title": f"Problem {number}"}).status_code == 202
    run_jobs()
    assert client.post(address, json={"title": "Later"}).status_code == 202
    run_jobs()
    assert len(deliveries("received")) == 6
    monkeypatch.setattr(limited, "_hangs", {})
    monkeypatch.setattr(Bad, "normalize", lambda self, inbound, config: order.append(inbound.body) or [])
    run_jobs()
    tick("app.ingest.ticks.drain")
    assert [json.loads(body)["title"] for body in order] == ["Problem 2", "Problem 3", "Problem 4", "Later"]


def test_a_thread_that_computed_for_ever_is_ended(monkeypatch):
    """QUAL-16: it takes no more of the machine."""
    monkeypatch.setattr(limited, "SECONDS", 0.2)
    before = set(threading.enumerate())
    with pytest.raises(limited.Hangs):
        limited.limited("theirs", computes_for_ever)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
