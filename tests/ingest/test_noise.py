"""Grouping, storms and flapping: fewer incidents, nothing lost, nobody forgotten."""

from datetime import UTC, datetime

import pytest
import time_machine

from app.catalog.service import save_service
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Alert, Incident
from tests.pager import firing, messages, pager, post


@pytest.fixture
def house(app):
    return pager()


@pytest.fixture
def later(tick, run_jobs):
    """`later(60)`: so many seconds pass, and clock and worker do what is due."""
    with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False) as moved:
        def pass_by(seconds):
            run_jobs()
            moved.shift(seconds)
            tick("app.ingest.endings.calm_down")
            tick("app.ingest.endings.end_recovered")
            run_jobs()
        yield pass_by


def quiets(**settings):
    with transaction():
        save_service({"key": "checkout", "noise": settings}, by=OPERATOR)


def story():
    """(number, state, alerts) of each incident."""
    session.expire_all()
    return [(one.id, one.status, one.alert_count) for one in session.query(Incident).order_by(Incident.id)]


@pytest.mark.both_databases
def test_alerts_soon_after_each_other_are_one_incident_when_the_service_groups_by_window(house, client, later):
    """ESC-09: the later one joins with an entry; after the window another opens."""
    quiets(group="window", window="10m")
    for name, wait in (("A", 60), ("B", 601), ("C", 1)):
        post(client, house, firing(name))
        later(wait)
    assert story() == [(1, "triggered", 2), (2, "triggered", 1)]


def test_alerts_of_equal_labels_are_one_incident_when_the_service_groups_by_labels(house, client, later):
    """ESC-09: a worse one raises it and pages again."""
    quiets(group="labels", labels=["cluster"])
    for name, cluster, severity in (("A", "x", "high"), ("B", "y", "high"), ("C", "x", "critical")):
        post(client, house, firing(name, severity=severity, cluster=cluster))
        later(1)
    assert story() == [(1, "triggered", 2), (2, "triggered", 1)]
    assert [message.kind for message in messages() if message.incident_id == 1] == ["page", "page"]


def test_a_service_that_does_not_group_opens_one_incident_for_each_problem(house, client, later):
    for name in "AB":
        post(client, house, firing(name))
    later(1)
    assert story() == [(1, "triggered", 1), (2, "triggered", 1)]


@pytest.mark.both_databases
def test_a_storm_is_twenty_incidents_and_one_that_gathers_the_rest(house, client, later):
    """ESC-10: all stored; the worst severity; paged at its opening, at the raise and at 100."""
    alerts = [firing(f"A{at}", severity="critical" if at == 60 else "low")["alerts"][0] for at in range(125)]
    post(client, house, {**firing(), "alerts": alerts})
    later(1)
    assert story()[-1] == (21, "triggered", 105) and len(story()) == 21 and session.query(Alert).count() == 125
    assert session.get_one(Incident, 21).severity == "critical"
    reasons = [message.reason for message in messages() if message.incident_id == 21]
    assert len(reasons) == 3 and "100 alerts in this storm" in reasons


def test_a_storm_ends_after_five_quiet_minutes_and_new_problems_open_their_own(house, client, later):
    post(client, house, {**firing(), "alerts": [firing(f"A{at}")["alerts"][0] for at in range(30)]})
    later(120)
    post(client, house, firing("Late"))
    later(240)
    assert len(story()) == 21 and story()[-1][2] == 11
    post(client, house, firing("Other"))
    later(1)
    assert len(story()) == 22


@pytest.mark.both_databases
def test_a_flapping_problem_makes_four_incidents_and_the_fourth_stays_until_it_is_quiet(house, client, later):
    """ESC-11: marked, paged once, over 15 minutes after the last firing."""
    for _ in range(7):
        for status in ("firing", "resolved"):
            post(client, house, firing(status=status))
            later(60)
    assert story() == [*((at, "resolved", 1) for at in (1, 2, 3)), (4, "triggered", 1)]
    assert len([one for one in messages() if one.incident_id == 4 and one.kind == "page"]) == 1
    later(14 * 60)
    assert story()[-1] == (4, "resolved", 1)


@pytest.mark.both_databases
def test_a_recovery_waits_as_the_service_says_in_case_it_comes_back(house, client, later):
    """ESC-08: what fires again within the delay goes on as the same incident; else the integration resolves it."""
    quiets(resolve_delay="5m")
    for status, wait in (("firing", 60), ("resolved", 299), ("firing", 400), ("resolved", 290), ("resolved", 9)):
        post(client, house, firing(status=status))
        later(wait)
    assert story() == [(1, "triggered", 1)]
    later(1)
    assert story() == [(1, "resolved", 1)]
    assert (session.get_one(Incident, 1).resolved_by or "").startswith("integration:") and session.query(Alert).one().count == 2


def test_a_problem_that_still_fires_after_flapping_stays_open(house, client, later):
    for status in [*("firing", "resolved") * 3, "firing"]:
        post(client, house, firing(status=status))
        later(10)
    later(15 * 60)
    assert story()[-1] == (4, "triggered", 1) and session.get_one(Incident, 4).flapping_until is None


def test_what_is_reopened_flaps_too(house, client, later):
    """ESC-06, ESC-11: one incident, paged four times and then no more."""
    quiets(reopen_within="30m")
    for _ in range(7):
        for status in ("firing", "resolved"):
            post(client, house, firing(status=status))
            later(60)
    assert story() == [(1, "triggered", 4)] and session.get_one(Incident, 1).flapping_until is not None


def test_a_service_may_want_every_opening(house, client, later):
    quiets(flapping=False)
    for _ in range(5):
        for status in ("firing", "resolved"):
            post(client, house, firing(status=status))
            later(10)
    assert len(story()) == 5
