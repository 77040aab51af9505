"""The pages of incidents as people use them: without JavaScript, every action a form, every refusal a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import session, transaction
from app.escalation import service as escalation
from app.escalation.models import Policy
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from tests import build
from tests.incidents.people import by, kinds, rows

SignedIn = Callable[[User], FlaskClient]


def fresh(number: int) -> Incident:
    session.expire_all()
    return session.get_one(Incident, number)


def test_acknowledge_is_one_press_in_the_list_and_leads_back_to_it(signed_in: SignedIn, ana: User,
                                                                  payments: Team) -> None:
    """IPG-08."""
    build.incident(team=payments)
    browser = signed_in(ana)
    assert 'formaction="/incidents/1/acknowledge"' in browser.get("/incidents?q=checkout").text
    answer = browser.post("/incidents/1/acknowledge", data={"back": "/incidents?q=checkout"})
    assert (answer.status_code, answer.location) == (303, "/incidents?q=checkout")
    assert "Acknowledged by Ana" in browser.get("/incidents/1").text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "\\\\evil.example"])
def test_the_way_back_never_leads_elsewhere(signed_in: SignedIn, ana: User, payments: Team, back: str) -> None:
    build.incident(team=payments)
    assert signed_in(ana).post("/incidents/1/acknowledge", data={"back": back}).location == "/incidents/1"


def test_who_comes_second_sees_the_page_with_a_banner(signed_in: SignedIn, ana: User, bob: User, payments: Team) -> None:
    """IPG-09: the button of a page that is a minute old."""
    incident = build.incident(team=payments)
    with transaction():
        service.acknowledge(incident, by=by(bob))
    late = signed_in(ana).post("/incidents/1/acknowledge")
    assert late.status_code == 409
    assert "Already acknowledged by Bob" in late.text
    assert kinds(incident) == ["incident.acknowledged"]


def test_every_action_works_as_a_plain_form(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IPG-32: reassign, ask for help, snooze, priority, note, resolve with note, reopen."""
    incident, browser = build.incident(team=payments), signed_in(ana)
    for path, data in (("acknowledge", {}), ("unacknowledge", {}), ("assign", {"people": "bob@example.com"}),
                       ("responders", {"others": "ana@example.com"}), ("snooze", {"minutes": "60"}),
                       ("priority", {"priority": "P1"}), ("notes", {"body": "looking"}), ("resolve", {"note": "a cable"}),
                       ("reopen", {})):
        assert browser.post(f"/incidents/1/{path}", data=data).status_code == 303, path
    assert [kind.removeprefix("incident.") for kind in kinds(incident)] == [
        "acknowledged", "unacknowledged", "assigned", "responders_added", "snoozed", "priority_changed", "note_added",
        "resolved", "reopened"]
    assert fresh(1).status == "triggered"


@pytest.mark.parametrize(("path", "data", "sentence"), [
    ("snooze", {"minutes": "1"}, "A snooze lasts from 5 minutes to 7 days"), ("snooze", {"until": "soon"}, "not a time"),
    ("assign", {}, "Name at least one person"), ("assign", {"others": "x@example.com"}, "nobody with the address"),
    ("resolve", {"note": "x" * 2001}, "at most 2,000 characters"), ("priority", {"priority": "P9"}, "A priority is P1"),
    ("notes", {"body": " "}, "1 to 10,000 characters"),
])
def test_what_is_wrong_is_said_on_the_form_and_nothing_changes(
        signed_in: SignedIn, ana: User, payments: Team, path: str, data: dict[str, str], sentence: str) -> None:
    incident = build.incident(team=payments)
    answer = signed_in(ana).post(f"/incidents/1/{path}", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert kinds(incident) == []


def test_a_snooze_until_a_time_is_on_the_persons_own_clock(signed_in: SignedIn, ana: User, payments: Team) -> None:
    with transaction():
        session.get_one(User, ana.id).time_zone = "Asia/Tokyo"
    build.incident(team=payments)
    until = (clock.now() + timedelta(hours=9 + 2)).strftime("%Y-%m-%dT%H:%M")
    assert signed_in(ana).post("/incidents/1/snooze", data={"until": until}).status_code == 303
    assert timedelta(minutes=118) < fresh(1).snoozed_until - clock.now() <= timedelta(hours=2)


def test_an_observer_sees_no_buttons_and_may_not_press_them(signed_in: SignedIn, ana: User, charlie: User) -> None:
    """IPG-18: each action by a hand-made request is 403; outside a private team it is 404."""
    team = build.team("payments", manager=ana, observers=[charlie])
    build.incident(team=team)
    build.incident(team=build.team("secret", manager=ana, private=True))
    browser = signed_in(charlie)
    page = browser.get("/incidents/1")
    assert page.status_code == 200 and "Acknowledge</button>" not in page.text and "<textarea" not in page.text
    paths = ("acknowledge", "unacknowledge", "resolve", "reopen", "assign", "responders", "snooze", "priority", "notes",
             "escalate")
    assert {browser.post(f"/incidents/1/{path}").status_code for path in paths} == {403}
    assert {browser.post(f"/incidents/2/{path}").status_code for path in paths} == {404}
    assert browser.get("/incidents/2").status_code == 404 and rows(browser.get("/incidents").text) == [1]


def test_who_was_asked_to_help_may_act(signed_in: SignedIn, ana: User, charlie: User, payments: Team) -> None:
    with transaction():
        service.add_responders(build.incident(team=payments), [charlie], by=by(ana))
    browser = signed_in(charlie)
    assert "Acknowledge</button>" in browser.get("/incidents/1").text
    assert browser.post("/incidents/1/acknowledge").status_code == 303


def test_a_new_incident_is_opened_once_however_often_the_form_is_sent(signed_in: SignedIn, ana: User,
                                                                     payments: Team) -> None:
    """IPG-13, IPG-19."""
    build.service("checkout", team=payments)
    browser, form = signed_in(ana), {"title": "It is slow", "service": "checkout", "severity": "critical"}
    places = {browser.post("/incidents/new", data=form).location for _ in range(2)}
    assert places == {"/incidents/1"}
    assert rows(browser.get("/incidents").text) == [1]


def test_the_same_title_for_another_team_is_another_incident(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IPG-13: and both are paged."""
    build.service("checkout", team=payments)
    build.team("search", manager=ana)
    browser, places = signed_in(ana), [{"service": "checkout"}, {"team": "payments"}, {"team": "search"}]
    assert [browser.post("/incidents/new", data={"title": "It is slow", "severity": "critical", **place}).location
            for place in places] == ["/incidents/1", "/incidents/2", "/incidents/3"]


def test_the_form_of_a_new_incident_says_what_is_missing_and_keeps_what_was_typed(
        signed_in: SignedIn, ana: User, charlie: User, payments: Team) -> None:
    build.service("checkout", team=payments)
    answer = signed_in(ana).post("/incidents/new", data={"title": "It is slow"})
    assert answer.status_code == 422
    assert "Choose a service or a team" in answer.text and 'value="It is slow"' in answer.text
    assert signed_in(charlie).post("/incidents/new", data={"title": "x", "service": "checkout"}).status_code == 403


def test_the_page_says_who_was_paged_who_is_next_and_why_it_came_here(
        signed_in: SignedIn, ana: User, bob: User, payments: Team) -> None:
    build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    incident = build.incident(team=payments, route={"step": "tag", "reason": "Routed to the team with the tag ledger",
                                                    "considered": ["the signal names no service"], "policy": "Payments"})
    with transaction():
        escalation.start(fresh(incident.id))
    html = signed_in(bob).get("/incidents/1").text
    assert re.search(r"Ana<span class=\"sub\">Level 1 · named in the policy", html)
    assert "Bob by mail" in html and "level 2 of 2" in html
    assert "The signal names no service." in html and "Routed to the team with the tag ledger." in html


def test_a_policy_edited_meanwhile_is_told(signed_in: SignedIn, ana: User, bob: User, payments: Team) -> None:
    """ESC-27."""
    policy = build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    incident = build.incident(team=payments)
    with transaction():
        escalation.start(fresh(incident.id))
        session.get_one(Policy, policy.id).version += 1
    assert "changed since" in signed_in(ana).get(f"/incidents/{incident.id}").text


def test_the_timeline_can_be_narrowed_and_has_an_older_part(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IPG-20: page and API agree; the page shows 100 and then the older ones."""
    incident, browser = build.incident(team=payments), signed_in(ana)
    with transaction():
        for number in range(103):
            service.add_note(incident, f"note number {number}", by=by(ana))
        service.acknowledge(incident, by=by(ana))
    html = browser.get("/incidents/1").text
    older = re.search(r'href="(/incidents/1\?before=\d+)"', html)
    assert "note number 102" in html and "note number 3<" not in html and older
    assert "note number 0<" in browser.get(older[1]).text
    assert "wrote a note" not in browser.get("/incidents/1?show=actions").text


def test_the_pages_stay_small(app: Flask, signed_in: SignedIn, ana: User, bob: User, payments: Team) -> None:
    """A full list and an incident with a hundred entries and ten alerts stay below 60 KiB."""
    build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    place = build.service("checkout", team=payments)
    for number in range(30):
        incident = build.incident(f"A title of the usual length {number}", service=place, labels={"region": "eu", "job": "x"})
        with transaction():
            escalation.start(fresh(incident.id))
    for number in range(12):
        build.alert(incident, dedup_key=str(number), labels={"region": "eu", "job": "checkout", "instance": "host-1:9100"})
    with transaction():
        for number in range(100):
            service.set_priority(fresh(incident.id), ("P1", "P2")[number % 2], by=by(ana))
    sizes = [len(signed_in(ana).get(url).data) for url in ("/incidents", f"/incidents/{incident.id}")]
    assert max(sizes) < 60 * 1024, sizes
