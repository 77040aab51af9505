"""The answer against the timer, and several clocks at once."""

from functools import partial

import pytest
import time_machine

from app.core.access import Actor
from app.core.db import session, transaction
from app.core.jobs import function
from app.core.redis import client
from app.escalation.models import Run
from app.incidents import service
from app.incidents.models import Incident
from app.notifications.models import Message
from tests import build
from tests.pager import pager
from tests.racing import at_once

ROUNDS, EACH = 5, 12
HEARD = 1  # of so many rounds, the last, the reactions are played, too: they take longer than all the rest


def opened(house, numbers):
    """Incidents whose first level was paged at noon, so that the second is due a minute later."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False):
        with transaction():
            for _ in numbers:
                function("app.escalation.service.start")(build.incident(team=house.team))


def acknowledged(numbers, person):
    """Each of these incidents is acknowledged by the person, one after the other."""
    for number in numbers:
        with transaction():
            service.acknowledge(session.get_one(Incident, number), by=Actor(person.ref, person.name, "web", person.id))


@pytest.mark.race(rounds=ROUNDS)
@pytest.mark.both_databases
def test_nobody_is_paged_after_the_acknowledge_however_close_the_timer(app, tick, run_jobs):
    """ESC-21, NTF-12: 60 acknowledges a database, in `make soak` 2,400, against timer and senders: a page begins before, or never."""
    house, advance, send = pager("log"), "app.escalation.ticks.advance", "app.notifications.ticks.send"
    for round_ in range(ROUNDS):
        if round_ == ROUNDS - HEARD:
            client().flushall()
        numbers = range(round_ * EACH + 1, (round_ + 1) * EACH + 1)
        opened(house, numbers)
        with time_machine.travel("2026-03-02T12:01:00Z", tick=True):
            assert not at_once(app, partial(acknowledged, numbers[::2], house.bob),
                               partial(acknowledged, numbers[1::2], house.bob), function(advance), function(send))
            tick(advance)
            tick(send)
    run_jobs()
    pages = session.query(Message).join(Incident).filter(Message.kind == "page")
    assert pages.filter(Message.started_at > Incident.acknowledged_at).count() == 0
    assert session.query(Incident).filter_by(status="acknowledged").count() == ROUNDS * EACH
    heard = Run.incident_id > (ROUNDS - HEARD) * EACH
    assert session.query(Run).filter(heard, Run.state == "running").count() == 0


@pytest.mark.race
@pytest.mark.both_databases
def test_three_clocks_page_each_level_once(app):
    """ESC-23: each level once, with any number of clocks."""
    house = pager("log")
    opened(house, range(1, EACH + 1))
    with time_machine.travel("2026-03-02T12:01:30Z", tick=False):
        assert not at_once(app, *[function("app.escalation.ticks.advance")] * 3)
    assert session.query(Message).filter_by(user_id=house.ana.id).count() == EACH
    assert {run.level for run in session.query(Run)} == {1}
