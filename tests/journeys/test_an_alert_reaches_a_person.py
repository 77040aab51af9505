"""From an alert to the person on duty, to the next level at its time, to silence, to resolved."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.journeys.system import ANA, BOB, System, firing
from tests.servers import eventually

LATE = 2.0  # a timer may be late by this much, and never early


def next_level_at(system: System, service: str) -> float:
    """When the next level of the service's incident is due, on the wall clock."""
    due = eventually(lambda: system.incident(service)["escalation"]["next_at"], what="a due next level")
    return datetime.fromisoformat(due).timestamp()


def test_the_person_on_duty_has_the_mail_within_two_seconds_and_nobody_else_has(system: System):
    answer = system.post(firing("service-1", "Checkout is down"))
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    mail = system.mailed(ANA, "Checkout is down", within=2)
    assert f"/incidents/{system.incident('service-1')['id']}" in mail.text
    assert system.mails(BOB, "Checkout is down") == []


@pytest.fixture(scope="module")
def due(system: System) -> dict[str, float]:
    """Three problems that Ana hears of at once, so that all wait together; when Bob would hear of each. One is
    acknowledged, one ends by itself."""
    times = {}
    for service, title in (("service-3", "Cart is empty"), ("service-5", "Mail is stuck"), ("service-2", "Ledger is slow")):
        system.deliver(firing(service, title))
        system.mailed(ANA, title)
        times[title] = next_level_at(system, service)
        if service == "service-3":
            answer = system.act(system.incident(service), "acknowledge")
            assert (answer.status_code, answer.json()["status"]) == (200, "acknowledged")
        elif service == "service-5":
            system.deliver(firing(service, title, status="resolved"))
            eventually(lambda: system.incident("service-5")["status"] == "resolved", what="a resolved incident")
    return times


def test_the_next_level_is_paged_exactly_at_its_time(system: System, due: dict[str, float]):
    mail = system.mailed(BOB, "Ledger is slow", within=30)  # what counts is when it came
    assert 0 <= mail.at - due["Ledger is slow"] <= LATE
    assert len(system.mails(ANA, "Ledger is slow")) == 1
    assert "escalation.level_reached" in system.kinds(system.incident("service-2"))


def test_acknowledging_silences_every_later_level(system: System, due: dict[str, float]):
    system.silent_until(due["Cart is empty"] + LATE, BOB, "Cart is empty")
    assert system.incident("service-3")["acknowledged_by"]


def test_the_senders_recovery_resolves_the_incident_and_pages_nobody(system: System, due: dict[str, float]):
    system.silent_until(due["Mail is stuck"] + LATE, BOB, "Mail is stuck")
    assert system.kinds(system.incident("service-5"))[0] == "incident.opened"


def test_acknowledging_twice_is_told_politely_and_recorded_once(system: System):
    system.deliver(firing("service-4", "Search is down"))
    incident = system.incident("service-4")
    assert system.act(incident, "acknowledge").status_code == 200
    assert system.act(incident, "acknowledge").status_code in (200, 409)
    assert system.kinds(incident).count("incident.acknowledged") == 1


def test_resolving_by_hand_ends_it_and_a_new_alert_opens_another(system: System):
    system.deliver(firing("service-6", "Stock is wrong"))
    first = system.incident("service-6")
    assert system.act(first, "resolve").json()["status"] == "resolved"
    system.deliver(firing("service-6", "Stock is wrong again"))
    eventually(lambda: len(system.incidents("service-6")) == 2, what="a second incident")
