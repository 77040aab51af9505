"""One command runs everything: it starts quickly, brings back what dies, and stops when it is told to."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.journeys.system import System
from tests.servers import eventually

BACK_SECONDS = 2 + 5  # two until it is started again, and its own start on a busy machine


@pytest.mark.parametrize("role", ["web", "worker", "clock", "redis"])
def test_a_part_that_dies_is_back(system: System, role: str):
    """HRD-36: whoever comes meanwhile waits for it, and is not turned away."""
    before = set(system.parts(role))
    for part in before:
        part.kill()
    assert httpx.get(f"{system.url}/healthz", timeout=20).status_code == 200
    eventually(lambda: set(system.parts(role)) - before, within=BACK_SECONDS, what=f"another {role}")
    eventually(system.is_ready, within=20, what=f"a system ready again after its {role}")


def test_the_doctor_finds_nothing_and_shows_no_password(system: System):
    found = json.loads(system.oncall("doctor", "--json"))
    assert found["ok"] is True and found["problems"] == []
    assert found["clock_age_s"] < 10


def test_the_figures_are_those_of_all_processes(system: System):
    """HRD-28: whichever of them is asked."""
    said = system.http.get("/metrics").text
    assert all(f'process="{part}"' in said for part in ("web", "worker", "clock")) and "oncall_tick_timestamp_seconds{" in said


def test_applying_the_same_document_again_changes_nothing(system: System):
    from tests.journeys.system import document

    assert "nothing to change" in system.oncall("apply", "-", given=json.dumps(document()))


def test_it_stops_within_ten_seconds_and_starts_again_with_everything(system: System):
    assert system.stop() < 10
    assert system.parts() == []
    system.start()
    assert system.get("/services/service-1")["key"] == "service-1"
