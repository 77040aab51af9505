"""Pages that wait: windows, silences, dependencies and delays. Recorded at once, paged when the hold ends."""

from datetime import UTC, datetime

import pytest
import time_machine

from app.catalog import window_queries
from app.catalog.service import save_service
from app.catalog.window_service import end_window, save_maintenance
from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.events import Event
from app.escalation import service as escalation
from app.escalation.models import Hold, Run
from app.incidents import service
from app.incidents.models import Incident
from tests import build
from tests.pager import firing, incident, messages, pager, post

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def at_noon():
    """Monday, 2 March 2026, 12:00 UTC."""
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


@pytest.fixture
def house(app):
    return pager()


@pytest.fixture
def later(at_noon, tick, run_jobs):
    """`later(60)`: so many seconds pass, and clock and worker do what is due."""
    def pass_by(seconds):
        run_jobs()
        at_noon.shift(seconds)
        tick("app.escalation.ticks.end_holds")
        tick("app.escalation.ticks.start_missing")
        run_jobs()
    return pass_by


def planned(**values):
    """A maintenance window of Checkout, 11:00 to 13:00 UTC today."""
    with transaction():
        return save_maintenance({"key": "upgrade", "name": "Upgrade", "team": "payments", "services": ["checkout"],
                                 "starts": "2026-03-02T11:00", "ends": "2026-03-02T13:00", **values}, by=OPERATOR)


def held():
    session.expire_all()
    return [(hold.kind, hold.reason) for hold in session.query(Hold).filter(Hold.ended_at.is_(None))]


@pytest.mark.both_databases
def test_in_maintenance_nobody_is_paged_until_it_ends(house, client, later):
    """ESC-40, CAT-21: recorded with the window's name; at its end what still fires pages from level 1."""
    planned()
    post(client, house, firing())
    later(60)
    assert held() == [("maintenance", "maintenance Upgrade")] and not messages()
    assert incident().status == "triggered"
    later(3600)
    assert [message.user_id for message in messages()] == [house.bob.id] and not held()
    kinds = [event.kind for event in session.query(Event).filter(Event.subject == "incident:1")]
    assert "escalation.held" in kinds and "escalation.released" in kinds


def test_what_is_over_before_the_window_ends_pages_nobody(house, client, later):
    planned()
    for status in ("firing", "resolved"):
        post(client, house, firing(status=status))
        later(30)
    later(7200)
    assert incident().status == "resolved" and not [one for one in messages() if one.kind == "page"]


def test_ending_a_window_by_hand_pages_what_it_held_at_once(house, client, later):
    """ESC-40: cancel acts within 5 s."""
    window = planned()
    post(client, house, firing())
    later(10)
    with transaction():
        end_window(window, by=OPERATOR)
    later(1)
    assert len(messages()) == 1


def test_a_run_that_began_before_the_window_goes_on(house, client, later, tick, run_jobs):
    """ESC-40"""
    post(client, house, firing())
    later(1)
    planned()
    later(61)
    tick("app.escalation.ticks.advance")
    assert [message.user_id for message in messages()] == [house.bob.id, house.ana.id]


@pytest.mark.parametrize(("values", "waits"), [
    ({"page_critical": True}, False), ({"hold_pages": False}, False), ({"services": [], "labels": {"env": "prod*"}}, True),
    ({"services": [], "labels": {"env": "dev"}}, False), ({"services": [], "integrations": ["prometheus"]}, True),
    ({"services": [], "teams": ["payments"]}, True), ({"labels": {"env": "dev"}}, False)])
def test_a_window_covers_what_it_names(house, client, later, values, waits):
    """Any of the services, teams and integrations, and all of the labels."""
    planned(**values)
    post(client, house, firing(env="production"))
    later(1)
    assert bool(held()) is waits and bool(messages()) is not waits


def test_a_person_pages_by_hand_during_the_window(house, client, later):
    """CAT-20, CAT-21"""
    planned()
    post(client, house, firing())
    later(1)
    with transaction():
        escalation.escalate(incident(), by=Actor(house.bob.ref, "Bob", "web", house.bob.id))
    assert not held() and len(messages()) == 1


def test_a_silence_has_an_owner_a_reason_and_an_end(house, client, later, token):
    """Held with its reason; ended early, it pages."""
    headers = token(house.bob)
    made = client.post("/api/v1/silences", headers=headers, json={
        "reason": "Known, fixed tonight", "team": "payments", "labels": {"title": "High*"}, "for": "2h"}).json
    assert (made["owner"]["email"], made["active"]) == ("bob@example.com", True)
    post(client, house, firing())
    later(1)
    assert held() == [("silence", "silenced: Known, fixed tonight")]
    assert client.delete(f"/api/v1/silences/{made['id']}", headers=headers).json["active"] is False
    later(1)
    assert len(messages()) == 1
    assert client.delete(f"/api/v1/silences/{made['id']}", headers=headers).status_code == 409


def test_only_responders_silence_and_only_what_is_theirs(house, client, token):
    charlie = build.user("charlie")
    asked = {"reason": "Too loud", "team": "payments", "services": ["checkout"], "for": "1h"}
    assert client.post("/api/v1/silences", headers=token(charlie), json=asked).status_code == 403
    refused = client.post("/api/v1/silences", headers=token(house.bob), json={**asked, "for": "90d"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "ends")


@pytest.fixture
def chain(house):
    """Checkout depends on Ledger depends on Database; Checkout waits 15 minutes for what it depends on."""
    for key in ("ledger", "database"):
        build.service(key, team=house.team)
    with transaction():
        save_service({"key": "ledger", "depends_on": ["database"]}, by=OPERATOR)
        save_service({"key": "checkout", "depends_on": ["ledger"], "noise": {"dependency_hold": "15m"}}, by=OPERATOR)
    return house


@pytest.mark.both_databases
def test_a_child_waits_while_its_parent_is_down_and_pages_when_the_parent_is_well(chain, client, later):
    """CAT-19: never its record or its resolution; within 2 s after the parent resolved."""
    post(client, chain, firing("Database", severity="high", service="database"))
    later(1)
    post(client, chain, firing("Checkout", severity="high", service="checkout"))
    later(1)
    assert held() == [("dependency", "it depends on Database, where #1 is open")] and len(messages()) == 1
    with transaction():
        service.resolve(session.get_one(Incident, 1), by=OPERATOR)
    later(1)
    assert [message.incident_id for message in messages() if message.kind == "page"] == [1, 2]


@pytest.mark.parametrize(("severity", "waits"), [("critical", False), ("high", True)])
def test_a_child_waits_no_longer_than_its_time_and_never_when_critical(chain, client, later, severity, waits):
    """CAT-20"""
    post(client, chain, firing("Database", severity="high", service="database"))
    later(1)
    post(client, chain, firing("Checkout", severity=severity, service="checkout"))
    later(1)
    assert bool(held()) is waits
    later(15 * 60)
    assert not held() and session.query(Run).filter(Run.incident_id == 2).count() == 1


def test_the_top_of_a_chain_pages_when_all_below_are_held(chain, client, later):
    """CAT-20: nobody waits for what is held itself."""
    with transaction():
        save_maintenance({"key": "db", "name": "Database", "services": ["database"], "starts": "2026-03-02T11:00",
                          "ends": "2026-03-02T13:00"}, by=OPERATOR)
    post(client, chain, firing("Database", severity="high", service="database"))
    later(1)
    post(client, chain, firing("Checkout", severity="high", service="checkout"))
    later(1)
    assert [message.incident_id for message in messages()] == [2]


def test_a_worse_severity_ends_the_wait(chain, client, later):
    """CAT-20"""
    post(client, chain, firing("Database", severity="high", service="database"))
    later(1)
    for severity in ("high", "critical"):
        post(client, chain, firing("Checkout", severity=severity, service="checkout"))
        later(1)
    assert not held() and {message.incident_id for message in messages()} == {1, 2}


@pytest.mark.parametrize(("recovers", "paged"), [(True, 0), (False, 1)])
def test_a_delay_lets_what_passes_by_itself_page_nobody(house, client, later, recovers, paged):
    with transaction():
        save_service({"key": "checkout", "noise": {"delay": "2m"}}, by=OPERATOR)
    post(client, house, firing(severity="high"))
    later(60)
    assert held() == [("delay", "the first page waits, in case it passes by itself")]
    if recovers:
        post(client, house, firing(severity="high", status="resolved"))
    later(61)
    assert len([one for one in messages() if one.kind == "page"]) == paged


def test_the_page_shows_what_is_held_and_ends_it(house, client, later, signed_in):
    planned()
    post(client, house, firing())
    later(1)
    browser = signed_in(house.ana)
    shown = browser.get("/maintenance").text
    assert "Upgrade" in shown and "1 held" in shown and "#1" in shown
    assert "Held: maintenance Upgrade" in browser.get("/incidents/1").text
    browser.post("/maintenance/upgrade/end")
    later(1)
    assert len(messages()) == 1


def test_a_manager_plans_on_the_page_and_nothing_typed_is_lost(house, signed_in):
    browser = signed_in(house.ana)
    typed = {"name": "Sundays", "key": "sundays", "team": "payments", "starts": "2026-03-01T02:00", "time_zone": "Nowhere",
             "ends": "2026-03-01T04:00", "services": "checkout", "unit": "week", "days": ["sun"], "hold_pages": "1"}
    refused = browser.post("/maintenance/-/new", data=typed)
    assert refused.status_code == 422 and "Not a time zone" in refused.text and 'value="Sundays"' in refused.text
    assert browser.post("/maintenance/-/new", data={**typed, "time_zone": "Europe/Berlin"}).status_code == 303
    found = window_queries.maintenance_document(window_queries.maintenance_by_key("sundays"))
    assert found["repeat"] == {"unit": "week", "days": ["sun"]} and found["services"] == ["checkout"]
