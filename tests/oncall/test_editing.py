"""Two managers who save the same schedule at the same moment."""

from __future__ import annotations

import threading
from collections import deque

import pytest

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.oncall.queries import mark_of, on_duty, schedule_document
from app.oncall.service import save_schedule
from tests import build
from tests.oncall.test_service import person


def save(name: str, mark: str, by: Actor) -> list[str]:
    """Put one person on duty alone from now on; what stands and what was wanted, when somebody was faster."""
    layer = {"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "week"},
             "participants": [[f"{name}@example.com"]]}
    try:
        with transaction():
            save_schedule({"key": "primary", "name": name, "layers": [layer]}, by=by, seen=mark, when="now")
    except Conflict as refused:
        return [refused.state["current"]["name"], refused.state["yours"]["name"]]
    return []


@pytest.mark.race
@pytest.mark.both_databases
def test_one_is_told_what_stands_and_the_others_edit_stands_whole(app, payments, ana, bob):
    """SCH-24: the second gets 409 with both versions; nothing is half-applied."""
    primary = build.schedule("primary", team=payments, turns=[[ana]])
    mark, by, barrier = mark_of(schedule_document(primary)), person(ana), threading.Barrier(2)
    told: list[str] = []

    def press(name: str) -> None:
        with app.app_context():
            barrier.wait()
            told.extend(save(name, mark, by))

    racing = [threading.Thread(target=press, args=(name,)) for name in ("bob", "ana")]
    for act in (threading.Thread.start, threading.Thread.join):
        deque(map(act, racing), maxlen=0)
    session.rollback()
    assert sorted(told) == ["ana", "bob"] and primary.name == told[0]
    assert [one.name.lower() for one in (ana, bob) if one.id in on_duty(primary, clock.now()).people] == told[:1]
