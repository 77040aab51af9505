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


@pytest.fixture
def paged(follower, client, run_jobs, tick):
    """`paged(70, 60)`: Bob was paged so many seconds ago by the right clock, and Ana is asked a minute later; who was paged once
    a machine whose clock is so many seconds ahead has looked twice."""
    def looked(ago: float, ahead: float) -> list[str]:
        with time_machine.travel(clock.now() - timedelta(seconds=ago), tick=True):
            post(client, pager(), firing())
            run_jobs()
        with time_machine.travel(clock.now() + timedelta(seconds=ahead), tick=True):
            follower.ask()
            for _ in range(2):
                tick("app.escalation.ticks.advance")
        return [message.user.name for message in session.query(Message).filter_by(kind="page").order_by(Message.id)]
    return looked


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ahead", [60, 3600])
def test_a_machine_whose_clock_is_ahead_pages_nobody_early(paged, ahead):
    """QUAL-14: Ana's turn has not come by the database's clock."""
    assert paged(0, ahead) == ["Bob"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("behind", [5, 60])
def test_a_machine_whose_clock_is_behind_pages_nobody_late_or_twice(paged, behind):
    """QUAL-14: Ana's turn came a second ago by the database's clock."""
    assert paged(61, -behind) == ["Bob", "Ana"]


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
