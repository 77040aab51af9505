"""Many incidents at once, taken back within ten seconds, and lists kept under a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import session, transaction
from app.escalation import service as escalation
from app.identity.models import Team, User
from app.incidents.models import Alert, Incident
from app.notifications.models import Message
from tests import build
from tests.incidents.people import kinds, rows

Browser = Callable[[User], FlaskClient]
Token = Callable[..., dict[str, str]]


def states() -> list[str]:
    session.expire_all()
    return [one.status for one in session.query(Incident).order_by(Incident.id)]


@pytest.fixture
def ten(ana: User, bob: User, payments: Team) -> list[Incident]:
    """Eight of Payments that page, one resolved, one of a team that is not Bob's."""
    build.policy("payments", (300, [bob]), team=payments)
    made = [build.incident(f"Number {at}", team=payments) for at in range(1, 9)]
    for incident in made:
        build.alert(incident, dedup_key=str(incident.id))
        with transaction():
            escalation.start(session.get_one(Incident, incident.id))
    made.append(build.incident(team=payments, status="resolved", resolved_name="Ana", resolved_at=clock.now()))
    return [*made, build.incident(team=build.team("search", manager=ana))]


def test_of_ten_eight_are_resolved_two_are_named_and_undo_brings_back_the_eight(
        signed_in: Browser, bob: User, ten: list[Incident], run_jobs: Callable[[], None]) -> None:
    """IPG-12: asked first, one note each, nobody is paged again."""
    browser, form = signed_in(bob), {"what": "resolve", "id": [str(one.id) for one in ten]}
    pages = session.query(Message).filter_by(kind="page").count()
    asked = browser.post("/incidents/bulk", data=form)
    assert asked.status_code == 200 and "Resolve 10 incidents" in asked.text and "resolved" not in states()[:8]
    place = browser.post("/incidents/bulk", data={**form, "sure": "1", "note": "all the same"}).location
    run_jobs()
    html = browser.get(place).text
    assert "8 resolved" in html and "#9: Already resolved by Ana" in html and "#10: Your role does not" in html
    assert states() == ["resolved"] * 9 + ["triggered"]
    browser.post("/incidents/undo", data={"move": re.search(r'name="move" value="(\d+)"', html)[1]})  # type: ignore[index]
    run_jobs()
    assert states() == ["triggered"] * 8 + ["resolved", "triggered"]
    assert {alert.status for alert in session.query(Alert)} == {"firing"}
    assert session.query(Message).filter_by(kind="page").count() == pages
    assert all(escalation.queries.running(number) for number in range(1, 9))


def test_after_ten_seconds_it_stays(client: FlaskClient, bob: User, ten: list[Incident], token: Token) -> None:
    """IPG-12."""
    done = client.post("/api/v1/incidents/bulk", json={"action": "acknowledge", "incidents": ["1", 2]}, headers=token(bob)).json
    assert done["done"] == ["1", "2"] and done["undo_until"]
    with time_machine.travel(clock.now() + timedelta(seconds=13), tick=False):
        late = client.post("/api/v1/incidents/undo", json={"id": done["id"]}, headers=token(bob))
    assert late.status_code == 409 and states()[:2] == ["acknowledged"] * 2


def test_what_was_changed_since_is_left_alone(client: FlaskClient, ana: User, bob: User, ten: list[Incident],
                                             token: Token) -> None:
    done = client.post("/api/v1/incidents/bulk", json={"action": "acknowledge", "incidents": [1, 2]}, headers=token(bob)).json
    client.post("/api/v1/incidents/2/priority", json={"priority": "P1"}, headers=token(ana))
    back = client.post("/api/v1/incidents/undo", json={"id": done["id"]}, headers=token(bob)).json
    assert back["done"] == ["1"] and [one["id"] for one in back["refused"]] == ["2"]
    assert states()[:2] == ["triggered", "acknowledged"]


def test_nobody_takes_back_what_another_did(client: FlaskClient, ana: User, bob: User, ten: list[Incident],
                                           token: Token) -> None:
    done = client.post("/api/v1/incidents/bulk", json={"action": "acknowledge", "incidents": [1]}, headers=token(bob)).json
    assert client.post("/api/v1/incidents/undo", json={"id": done["id"]}, headers=token(ana)).status_code == 404


def test_many_go_into_one_or_sleep_or_are_given_to_somebody(client: FlaskClient, ana: User, bob: User, ten: list[Incident],
                                                           token: Token) -> None:
    for body in ({"action": "merge", "incidents": [1, 2], "into": 3}, {"action": "snooze", "incidents": [4], "minutes": 30},
                 {"action": "assign", "incidents": [5], "assignees": ["ana@example.com"]}):
        answer = client.post("/api/v1/incidents/bulk", json=body, headers=token(bob))
        assert answer.status_code == 200 and not answer.json["refused"], answer.text
    assert states()[:5] == ["resolved", "resolved", "triggered", "triggered", "triggered"]
    assert client.post("/api/v1/incidents/bulk", json={"action": "merge", "incidents": [6]}, headers=token(bob)).status_code == 422


def test_a_saved_view_keeps_its_filters_and_outlives_its_team(signed_in: Browser, ana: User, bob: User, payments: Team) -> None:
    """IPG-07: a team's view is its members'; what it no longer finds is told, the rest still counts."""
    build.incident(team=payments, severity="critical")
    build.incident(team=payments, severity="low")
    query = "severity=critical&team=payments"
    place = signed_in(bob).post("/incidents/views", data={"name": "Worst of ours", "query": query, "team": "payments"}).location
    assert place == "/incidents?severity=critical&team=payments&view=1"
    html = signed_in(ana).get("/incidents").text
    assert "Worst of ours" in html and rows(signed_in(ana).get(place).text) == [1]
    with transaction():
        session.get_one(Team, payments.id).key = "gone"
    html = signed_in(ana).get(place).text
    assert "There is no team payments; the view is shown without it" in html and rows(html) == [1]


def test_a_view_is_its_owners_alone(client: FlaskClient, ana: User, bob: User, payments: Team, token: Token) -> None:
    made = client.post("/api/v1/incidents/views", json={"name": "Mine", "query": "?q=disk&cursor=x"}, headers=token(bob)).json
    assert made["query"] == "q=disk" and client.get("/api/v1/incidents/views", headers=token(ana)).json == []
    assert client.delete(f"/api/v1/incidents/views/{made['id']}", headers=token(ana)).status_code == 404
    assert client.delete(f"/api/v1/incidents/views/{made['id']}", headers=token(bob)).status_code == 204


@pytest.mark.parametrize(("text", "found"), [
    ("#1", ["Resolve… #1", "Snooze… #1", "#1 Disk of db-1 is full"]), ("disk", ["#1 Disk of db-1 is full", "Disk Watch"]),
    ("bob", ["Bob"]), ("payments", ["Payments"]), ("zzz", [])])
def test_the_palette_finds_incidents_actions_services_people_and_teams(
        client: FlaskClient, ana: User, bob: User, payments: Team, token: Token, text: str, found: list[str]) -> None:
    build.incident("Disk of db-1 is full", team=payments)
    build.incident("Secret disk", team=build.team("secret", manager=ana, private=True))
    build.service("disk-watch", team=payments)
    told = client.get("/api/v1/search", query_string={"q": text}, headers=token(bob)).json
    assert [one["text"] for one in told] == found


def test_the_search_page_works_as_a_form(app: Flask, signed_in: Browser, bob: User, payments: Team) -> None:
    """IPG-32: an action found is a button that does it."""
    incident = build.incident("Disk is full", team=payments)
    browser = signed_in(bob)
    html = browser.get("/search?q=%231").text
    assert 'action="/incidents/1/acknowledge"' in html and 'data-hit href="/schedules"' not in html
    assert 'data-hit href="/schedules"' in browser.get("/search").text
    browser.post("/incidents/1/acknowledge")
    assert kinds(incident) == ["incident.acknowledged"]
