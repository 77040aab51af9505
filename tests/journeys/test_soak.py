"""Two hours of load while a random process dies every fifteen seconds (QUAL-09, the kill test); for `make soak`."""

from __future__ import annotations

import os
import random
import time

import httpx
import pytest

from tests.journeys.system import ANA, System, firing
from tests.journeys.test_crashes import crash
from tests.servers import eventually

SECONDS = float(os.environ.get("SOAK_SECONDS", "7200"))
BETWEEN_KILLS = 15.0
ROLES = ("web", "worker", "clock", "redis", "flushall")


def load(system: System) -> tuple[list[str], int]:
    """Problems come, one in three is acknowledged, all end; processes die meanwhile. The titles, and the kills."""
    titles, kills, began = [], 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        service, title = f"service-{len(titles) % 20}", f"Soaked problem {len(titles):05}"
        system.deliver(firing(service, title))
        titles.append(title)
        if time.monotonic() - began > kills * BETWEEN_KILLS:
            crash(system, random.choice(ROLES))
            kills += 1
        system.mailed(ANA, title, within=30)
        if random.random() < 0.3:
            acknowledge(system, service)
        system.deliver(firing(service, title, status="resolved"))
        eventually(lambda at=service: is_over(system, at), within=30, what=f"an end of {title}")
    return titles, kills


def acknowledge(system: System, service: str) -> None:
    """Ana takes it, however often the web process dies meanwhile."""
    def taken() -> bool:
        try:
            return system.act(system.incidents(service)[0], "acknowledge").status_code in (200, 409)
        except (httpx.TransportError, AssertionError):
            return False
    eventually(taken, within=30, every=0.2, what="an answer to the acknowledge")


def is_over(system: System, service: str) -> bool:
    """Whether the newest incident of the service is resolved; not known while the web process is away."""
    try:
        return bool(system.incidents(service)[0]["status"] == "resolved")
    except (httpx.TransportError, AssertionError):
        return False


@pytest.mark.soak
def test_hours_of_killed_processes_lose_nothing_and_repeat_little(system: System):
    titles, kills = load(system)
    missing = [title for title in titles if not system.mails(ANA, title)]
    pages = [mail for title in titles for mail in system.mails(ANA, title) if "esolved" not in mail.subject]
    print(f"{len(titles)} problems, {kills} kills, {len(pages) - len(titles)} extra copies")
    assert not missing
    assert len(pages) - len(titles) <= kills
