"""Processes are killed and Redis is emptied at random moments: every accepted alert still reaches both levels."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import pytest

from tests.journeys.system import ANA, BOB, System, firing
from tests.servers import eventually

ROUNDS = 4


def crash(system: System, role: str) -> None:
    """Kill one process of a part, or empty Redis."""
    if role == "flushall":
        system.flush_redis()
    else:
        random.choice(eventually(lambda: system.parts(role), what=f"a running {role}")).kill()


def storm(system: System, services: range, disturb: Callable[[], None]) -> list[str]:
    """One alert for each service, each followed by a disturbance at a random moment; the titles."""
    titles = []
    for at in services:
        titles.append(f"Disturbed problem {at}")
        system.deliver(firing(f"service-{at}", titles[-1]))
        system.pause(random.uniform(0, 0.4))
        disturb()
    return titles


@pytest.mark.parametrize(("role", "first"), [("web", 21), ("worker", 25), ("clock", 29), ("redis", 33), ("flushall", 37)])
def test_nothing_is_lost_and_little_is_said_twice(system: System, role: str, first: int):
    """ING-01, ESC-22, ESC-23: every delivery that was answered 202 is processed once, and its incident paged."""
    services = range(first, first + ROUNDS)
    titles = storm(system, services, lambda: crash(system, role))
    for title in titles:
        system.mailed(ANA, title, within=20)
        system.mailed(BOB, title, within=20)
    eventually(system.is_ready, within=20, what=f"a system that has recovered from its lost {role}")
    assert [len(system.incidents(f"service-{at}")) for at in services] == [1] * ROUNDS
    copies = [len(system.mails(person, title)) for person in (ANA, BOB) for title in titles]
    assert sum(copies) - len(copies) <= ROUNDS


@pytest.mark.soak
@pytest.mark.parametrize(("role", "says"), [("clock", "The clock last ticked"), ("worker", "No worker has")])
def test_a_part_that_hangs_is_named_within_15_seconds(system: System, role: str, says: str):
    """HRD-30, HRD-29: by /readyz, which is well again by itself."""
    hanging = system.parts(role)
    for part in hanging:
        part.send(signal.SIGSTOP)
    try:
        eventually(lambda: says in system.http.get("/readyz").text, within=15, every=0.5, what=f"a word about the {role}")
    finally:
        for part in hanging:
            part.send(signal.SIGCONT)
    eventually(system.is_ready, within=20, what="a system that is ready again")


def test_no_page_follows_a_committed_acknowledge_whoever_dies(system: System):
    system.deliver(firing("service-41", "Quiet please"))
    system.mailed(ANA, "Quiet please")
    assert system.act(system.incident("service-41"), "acknowledge").status_code == 200
    for role in ("worker", "clock", "redis"):
        crash(system, role)
    eventually(system.is_ready, within=20, what="a recovered system")
    system.silent_for(6, BOB, "Quiet please")
