"""Acknowledged and forgotten: whoever has it is asked, silence pages again; what comes back soon reopens (ESC-37, ESC-06)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.catalog.service import save_service
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.escalation.models import AcknowledgeTimer
from app.incidents.models import Incident
from app.notifications.models import ContactMethod
from tests import build
from tests.pager import firing, incident, messages, pager, post

NOON = "2026-03-02T12:00:00Z"


@pytest.fixture
def house(app):
    """The pager at noon; Checkout asks after ten minutes, and reopens within half an hour."""
    with time_machine.travel(NOON, tick=False) as at:
        found = pager()
        found.at = at
        with transaction():
            save_service({"key": "checkout", "noise": {"acknowledge_timeout": "10m", "reopen_within": "30m"}}, by=OPERATOR)
        yield found


@pytest.fixture
def later(house, tick, run_jobs):
    """`later(600)`: so many seconds pass, then the clock and a worker take their turn."""
    def passed(seconds: int = 0) -> None:
        house.at.shift(timedelta(seconds=seconds))
        tick("app.escalation.answers.look")
        run_jobs()
    return passed


@pytest.fixture
def taken(house, client, token, later):
    """Bob was paged and has it; `taken()` is he saying so once more."""
    post(client, house, firing())
    later()
    def say() -> None:
        assert client.post("/api/v1/incidents/1/acknowledge", headers=token(house.bob)).status_code == 200
        later()
    say()
    return say


def said() -> list[str]:
    return [event.kind for event in session.query(Event).filter(Event.subject == "incident:1").order_by(Event.id)]


@pytest.mark.both_databases
def test_silence_pages_again_from_level_one(house, taken, later, smtp):
    """ESC-37: asked at the time, five minutes later triggered and paged; the timeline says both."""
    later(599)
    assert "escalation.still_asked" not in said()
    later(1)
    assert smtp.to("bob@example.com")[-1].text.count("still on it") == 1 and incident().status == "acknowledged"
    later(300)
    assert incident().status == "triggered" and incident().acknowledged_by is None
    assert {"escalation.still_asked", "escalation.acknowledge_lapsed", "incident.unacknowledged"} <= set(said())
    assert [one.kind for one in messages()].count("page") == 2 and not session.query(AcknowledgeTimer).count()


def test_still_on_it_begins_the_time_anew(house, taken, later):
    """ESC-37: acknowledging once more by any road is the answer."""
    later(600)
    taken()
    assert "incident.acknowledge_renewed" in said()
    later(599)
    assert said().count("escalation.still_asked") == 1 and incident().status == "acknowledged"
    later(1)
    assert said().count("escalation.still_asked") == 2


@pytest.mark.parametrize(("after", "answers"), [(120, True), (400, False)])
def test_the_question_rings_no_longer_once_it_is_answered_or_lapsed(house, taken, later, after, answers):
    """ESC-37: Bob's later rule says it no more."""
    method = session.query(ContactMethod).filter_by(user_id=house.bob.id).one()
    build.rules(house.bob, (0, method), (after, method))
    later(600)
    if answers:
        taken()
    later(300)
    later(150)
    assert [one.state for one in messages() if one.kind == "request"] == ["sent", "cancelled"]


def test_an_answer_that_no_worker_has_heard_of_counts(house, taken, later, client, token):
    """ESC-37: committed within the five minutes, it lapses no more."""
    later(600)
    house.at.shift(timedelta(seconds=290))
    client.post("/api/v1/incidents/1/acknowledge", headers=token(house.bob))
    later(10)
    assert incident().status == "acknowledged" and "escalation.acknowledge_lapsed" not in said()


def test_a_service_that_asks_no_more_pages_nobody_for_it(house, taken, later):
    later(600)
    with transaction():
        save_service({"key": "checkout", "noise": {"acknowledge_timeout": "0m"}}, by=OPERATOR)
    later(300)
    assert incident().status == "acknowledged" and not session.query(AcknowledgeTimer).count()


def test_what_is_resolved_meanwhile_asks_nobody(house, taken, later, client, token):
    client.post("/api/v1/incidents/1/resolve", headers=token(house.bob))
    later(601)
    assert "escalation.still_asked" not in said()


def test_the_page_says_when_and_has_the_button(house, taken, later, signed_in):
    """ESC-37 on the page: first when it is asked, then "still on it"."""
    browser = signed_in(house.bob)
    assert "is asked: still on it?" in browser.get("/incidents/1").text
    later(600)
    page = browser.get("/incidents/1").text
    assert "Paged again, unless somebody is still on it" in page and "Still on it</button>" in page.replace("\n", "")


@pytest.mark.parametrize(("value", "fine"), [("4m", False), ("5m", True), ("1d", True), ("25h", False), ("0m", True)])
def test_the_time_is_within_its_numbers(house, value, fine):
    """Numbers: 5 min to 24 h, or off."""
    with transaction():
        if fine:
            save_service({"key": "checkout", "noise": {"acknowledge_timeout": value}}, by=OPERATOR)
        else:
            with pytest.raises(Invalid):
                save_service({"key": "checkout", "noise": {"acknowledge_timeout": value}}, by=OPERATOR)


@pytest.mark.both_databases
@pytest.mark.parametrize(("seconds", "number"), [(1800, 1), (1801, 2)])
def test_what_comes_back_soon_reopens_its_incident(house, client, later, seconds, number):
    """ESC-06: within the time the old one is paged again, after it a new one names the former."""
    post(client, house, firing())
    later()
    post(client, house, firing(status="resolved"))
    later()
    later(seconds)
    post(client, house, firing())
    later()
    session.expire_all()
    newest = session.query(Incident).order_by(Incident.id.desc()).first()
    assert (newest.id, newest.status) == (number, "triggered")
    assert [one.kind for one in messages()].count("page") == 2


def test_a_person_is_paged_at_once_beside_the_policy(house, signed_in, later, smtp):
    """ESC-35: "page a person now" from the page: Ana is not on duty and is paged within the same minute."""
    browser = signed_in(house.ana)
    answer = browser.post("/incidents/new", data={"title": "Help", "service": "checkout", "severity": "high",
                                                  "person": "ana@example.com"})
    assert answer.status_code == 303
    later()
    assert smtp.to("bob@example.com")
    assert browser.post("/incidents/new", data={"title": "x", "service": "checkout", "person": "nobody@x"}).status_code == 422
