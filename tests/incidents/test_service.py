"""Commands on incidents: one event for one change, whoever comes second is told who was first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from app.incidents.queries import timeline
from tests import build
from tests.incidents.people import by, kinds
from tests.racing import at_once

COMMANDS: dict[str, Callable[..., Any]] = {
    "acknowledge": service.acknowledge, "unacknowledge": service.unacknowledge, "resolve": service.resolve,
    "reopen": service.reopen, "snooze": lambda one, by: service.snooze(one, clock.now() + timedelta(hours=1), by=by),
    "set the priority of": lambda one, by: service.set_priority(one, "P2", by=by),
}


@pytest.mark.parametrize("status", ["triggered", "acknowledged", "resolved"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_moves_as_the_table_says_or_changes_nothing(app: Flask, bob: User, payments: Team, status: str,
                                                             command: str) -> None:
    """QUAL-18: every state and command through the real commands, by somebody who did not act before."""
    incident = build.incident(team=payments, status=status, acknowledged_name="Ana", resolved_name="Ana",
                              resolved_at=clock.now())
    to = service.rules.after(command, status)
    with transaction():
        if to is None:
            with pytest.raises(Conflict):
                COMMANDS[command](incident, by=by(bob))
        else:
            COMMANDS[command](incident, by=by(bob))
    session.refresh(incident)
    assert incident.status == (to or status)
    assert len(kinds(incident)) == (0 if to is None else 1)


def race(app: Flask, number: int, people: list[User], command: str) -> list[str]:
    """Everybody gives the command at the same moment, each on a connection of their own; what each is told."""
    actors, start = [by(person) for person in people], Barrier(len(people))
    session.rollback()

    def act(actor: Any) -> str:
        with app.app_context():
            start.wait(10)
            try:
                with transaction():
                    COMMANDS[command](session.get_one(Incident, number), by=actor)
                return "done"
            except Conflict as conflict:
                return conflict.detail
            finally:
                session.remove()
    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(act, actors))


@pytest.mark.race(rounds=20)
@pytest.mark.both_databases
@pytest.mark.parametrize(("command", "status"), [("acknowledge", "triggered"), ("resolve", "triggered"), ("reopen", "resolved")])
def test_two_at_once_are_one_event_and_the_second_hears_of_the_first(
        app: Flask, ana: User, bob: User, payments: Team, command: str, status: str) -> None:
    """IPG-09: twenty races of each, two hundred in `make soak`."""
    answers: Counter[str] = Counter()
    for _ in range(20):
        incident = build.incident(team=payments, status=status, resolved_at=clock.now())
        told = race(app, incident.id, [ana, bob], command)
        session.rollback()
        answers["done"] += told.count("done")
        answers["named"] += sum(text.endswith(("by Ana", "by Bob", "it is triggered")) for text in told)
        assert len(kinds(incident)) == 1
    assert answers == {"done": 20, "named": 20}


@pytest.mark.race
@pytest.mark.both_databases
def test_fifty_at_once_stand_once_each_on_a_timeline_that_keeps_its_order(app: Flask, ana: User, bob: User, payments: Team) -> None:
    """IPG-22: whoever reads it between two of them reads the beginning of what it will be."""
    number, actors, read = build.incident(team=payments).id, [by(ana), by(bob)] * 25, []

    def write(at: int) -> None:
        with transaction():
            service.add_note(session.get_one(Incident, number), f"note {at}", by=actors[at])
        read.append([entry.id for entry in timeline(session.get_one(Incident, number))])
    assert at_once(app, *[partial(write, at) for at in range(50)]) == []
    found = timeline(session.get_one(Incident, number))
    assert sorted(entry.data["body"] for entry in found) == sorted(f"note {at}" for at in range(50))
    assert all(before == [entry.id for entry in found][:len(before)] for before in read)


def test_the_same_person_twice_is_one_event(app: Flask, ana: User, payments: Team) -> None:
    """IPG-19."""
    incident = build.incident(team=payments)
    for _ in range(2):
        with transaction():
            service.acknowledge(incident, by=by(ana))
    assert kinds(incident) == ["incident.acknowledged"]


def test_what_was_resolved_comes_back_for_thirty_days(app: Flask, ana: User, payments: Team) -> None:
    """IPG-11: the history stays, and after 30 days it is a new incident's turn."""
    incident = build.incident(team=payments, description="all of it")
    with transaction():
        service.resolve(incident, by=by(ana), note="off and on again")
    with time_machine.travel(clock.now() + timedelta(days=29), tick=False), transaction():
        assert service.reopen(incident, by=by(ana)).status == "triggered"
        service.resolve(incident, by=by(ana))
    with (time_machine.travel(clock.now() + timedelta(days=29 + 31), tick=False), pytest.raises(Conflict),
          transaction()):
        service.reopen(incident, by=by(ana))
    assert kinds(incident) == ["incident.resolved", "incident.reopened", "incident.resolved"]


def test_somebody_outside_may_not_act_until_they_are_asked(app: Flask, ana: User, charlie: User, payments: Team) -> None:
    incident = build.incident(team=payments)
    with pytest.raises(Forbidden), transaction():
        service.acknowledge(incident, by=by(charlie))
    with transaction():
        service.add_responders(incident, [charlie], by=by(ana))
    with transaction():
        assert service.acknowledge(incident, by=by(charlie)).acknowledged_name == "Charlie"


@pytest.mark.parametrize("minutes", [4, 7 * 24 * 60 + 1])
def test_a_snooze_lasts_from_five_minutes_to_seven_days(app: Flask, ana: User, payments: Team, minutes: int) -> None:
    incident = build.incident(team=payments)
    with pytest.raises(Invalid), transaction():
        service.snooze(incident, clock.now() + timedelta(minutes=minutes), by=by(ana))
    assert kinds(incident) == []


def test_nobody_is_given_what_they_may_not_see(app: Flask, ana: User, charlie: User) -> None:
    """ESC-33: a private team's incident stays with those who may see it."""
    incident = build.incident(team=build.team("secret", manager=ana, private=True))
    with pytest.raises(Invalid, match="Charlie may not see"), transaction():
        service.assign(incident, [charlie], by=by(ana))
    assert kinds(incident) == []
