"""Every process goes by the database's clock, whatever its own machine's is set to."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core import clock, skew
from app.core.db import session
from app.core.pulse import Pulse
from app.notifications.models import Message
from tests.pager import firing, pager, post


@pytest.fixture
def follower(app, monkeypatch):
    """What a process does at its start and after its machine's clock was set; afterwards time is the machine's own again."""
    monkeypatch.setattr(clock, "_anchor", None)
    return skew.Follower(app)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ahead", [5, -5, 60, -60])
def test_a_machine_whose_clock_is_wrong_pages_nobody_early_or_twice(follower, app, client, run_jobs, tick, ahead):
    """QUAL-14: Bob is asked at once, Ana a minute later by the database's clock."""
    house = pager()
    right = clock.now()
    with time_machine.travel(right + timedelta(seconds=ahead), tick=True):
        follower.ask()
        assert abs((clock.now() - right).total_seconds()) < abs(ahead) / 2 + 1
        post(client, house, firing())
        run_jobs()
        for _ in range(2):
            tick("app.escalation.ticks.advance")
        assert [message.user.name for message in session.query(Message).filter_by(kind="page")] == ["Bob"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_step_of_the_machines_clock_changes_nothing_here(follower, app):
    """QUAL-14: time goes on from what the database said; the doctor of any machine hears of it."""
    follower.ask()
    before = clock.now()
    with time_machine.travel(before + timedelta(seconds=60), tick=True):
        assert (clock.now() - before).total_seconds() < 30
        assert abs(skew._drift() - follower.drift) > skew.JUMP
        follower.ask()
        assert (clock.now() - before).total_seconds() < 30
    told = session.query(Pulse).filter(Pulse.name.startswith(skew.MACHINE)).one()
    assert 55 < told.detail["skew_s"] < 65


def test_on_one_machine_with_sqlite_its_clock_is_the_databases(app, monkeypatch):
    monkeypatch.setattr(clock, "_anchor", None)
    skew.follow(app)
    assert clock._anchor is None and skew.measured() == 0
