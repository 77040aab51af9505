"""Incidents for machines: lists that lose nothing, refusals that say why, permission before the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.db import session, transaction
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from tests import build
from tests.incidents.people import by

Token = Callable[..., dict[str, str]]
INCIDENTS = "/api/v1/incidents"


def numbers(answer: Any) -> list[int]:
    return [item["number"] for item in answer.json["items"]]


def test_45_incidents_come_as_20_20_5_while_ten_new_ones_arrive(client: FlaskClient, ana: User, payments: Team,
                                                               token: Token) -> None:
    """IPG-01."""
    old = [build.incident(team=payments).id for _ in range(45)]
    pages: list[list[int]] = []
    cursor = ""
    while not pages or cursor:
        answer = client.get(f"{INCIDENTS}?limit=20&cursor={cursor}", headers=token(ana))
        pages, cursor = [*pages, numbers(answer)], answer.json["next"]
        [build.incident(team=payments) for _ in range(10)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [number for page in pages for number in page] == sorted(old, reverse=True)


def test_values_of_a_filter_are_or_and_filters_are_and(client: FlaskClient, ana: User, payments: Team,
                                                      token: Token) -> None:
    """IPG-02."""
    search = build.team("search", manager=ana)
    for severity in ("critical", "high", "low"):
        build.incident(f"Disk {severity}", team=payments, severity=severity)
    build.incident("Disk high", team=search, severity="high")
    build.incident("Other", team=payments, severity="high")
    found = client.get(f"{INCIDENTS}?severity=critical&severity=high&team=payments&q=disk&status=triggered",
                       headers=token(ana))
    assert numbers(found) == [2, 1]


@pytest.mark.both_databases
@pytest.mark.parametrize("text", ["#1", "1", "Größe", "GRÖSSE 3", "röß", "Zahlung", "eu-west", "wörtlich", "im Alarm", "100%"])
def test_text_finds_number_title_service_label_note_and_alert(client: FlaskClient, ana: User, payments: Team,
                                                             token: Token, text: str) -> None:
    """IPG-04, with umlauts and parts of words."""
    place = build.service("zahlungen", team=payments)
    one = build.incident("Die Größe ist 100% GRÖSSE 3", service=place, labels={"region": "eu-west"})
    build.alert(one, title="steht im Alarm")
    with transaction():
        service.add_note(one, "wörtlich so", by=by(ana))
    build.incident("Anderes", team=payments)
    assert numbers(client.get(INCIDENTS, query_string={"q": text}, headers=token(ana))) == [one.id]


@pytest.mark.parametrize("query", ["status=open", "severity=worst", "team=nowhere", "service=nothing", "sort=up",
                                   "assignee=nobody@example.com", "from=soon", "limit=201", "cursor=x"])
def test_a_value_that_means_nothing_is_named(client: FlaskClient, ana: User, token: Token, query: str) -> None:
    """IPG-04: a message, not an empty list by surprise."""
    answer = client.get(f"{INCIDENTS}?{query}", headers=token(ana))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_a_key_of_a_hidden_team_is_as_unknown_as_any_other(client: FlaskClient, ana: User, charlie: User,
                                                          token: Token) -> None:
    build.incident(team=build.team("secret", manager=ana, private=True))
    assert client.get(f"{INCIDENTS}?team=secret", headers=token(charlie)).status_code == 422
    assert numbers(client.get(INCIDENTS, headers=token(charlie))) == []
    assert client.get(f"{INCIDENTS}/1", headers=token(charlie)).status_code == 404


def test_the_second_hears_who_was_first_and_how_it_stands(client: FlaskClient, ana: User, bob: User, payments: Team,
                                                         token: Token) -> None:
    """IPG-09."""
    build.incident(team=payments)
    assert client.post(f"{INCIDENTS}/1/acknowledge", headers=token(bob)).json["acknowledged_by"] == "Bob"
    late = client.post(f"{INCIDENTS}/1/acknowledge", headers=token(ana))
    assert (late.status_code, late.mimetype) == (409, "application/problem+json")
    assert late.json["detail"] == "Already acknowledged by Bob"
    assert late.json["state"]["status"] == "acknowledged"


def test_permission_is_judged_before_the_body(client: FlaskClient, ana: User, charlie: User, payments: Team,
                                             token: Token) -> None:
    """IPG-13, IPG-18: nonsense from somebody outside is 403, from somebody inside 400 or 422."""
    build.incident(team=payments)
    for path in ("resolve", "snooze", "assign", "add-responders", "notes", "priority"):
        codes = [client.post(f"{INCIDENTS}/1/{path}", data=body, headers=token(person)).status_code
                 for person, body in ((charlie, "{"), (ana, "{"), (ana, '{"x": 1}'))]
        assert codes == [403, 400, 422], path
    assert client.post(INCIDENTS, data="{", headers=token(charlie)).status_code == 403


def test_a_token_to_read_may_not_act(client: FlaskClient, ana: User, payments: Team, token: Token) -> None:
    build.incident(team=payments)
    reader = token(ana, scopes=["incidents:read"])
    assert client.get(INCIDENTS, headers=reader).status_code == 200
    assert client.post(f"{INCIDENTS}/1/acknowledge", headers=reader).status_code == 403
    assert client.get("/api/v1/alerts", headers=token(ana, scopes=["schedules:read"])).status_code == 403


def test_an_incident_by_hand_is_assigned_and_filled_in(client: FlaskClient, ana: User, bob: User, payments: Team,
                                                      token: Token) -> None:
    """IPG-13."""
    build.service("checkout", team=payments)
    made = client.post(INCIDENTS, headers=token(ana), json={
        "title": "Checkout is slow", "service": "Checkout", "assignees": ["bob@example.com"]})
    assert made.status_code == 201
    assert made.json["assignees"] == [{"email": "bob@example.com", "name": "Bob"}]
    assert (made.json["team"]["key"], made.json["status"], made.json["urgency"]) == ("payments", "triggered", "high")
    assert set(made.json["escalation"]) == {"level", "next_at", "repeats_left"}


def test_the_timeline_tells_all_of_it_oldest_first(client: FlaskClient, ana: User, payments: Team, token: Token) -> None:
    """IPG-20."""
    build.incident(team=payments)
    for path, body in (("acknowledge", None), ("notes", {"body": "looking"}), ("priority", {"priority": "P2"}),
                       ("unacknowledge", None), ("resolve", {"note": "was a cable"}), ("reopen", None)):
        assert client.post(f"{INCIDENTS}/1/{path}", json=body, headers=token(ana)).status_code == 200
    told = client.get(f"{INCIDENTS}/1/timeline", headers=token(ana)).json
    assert [entry["kind"].removeprefix("incident.") for entry in told] == [
        "acknowledged", "note_added", "priority_changed", "unacknowledged", "resolved", "reopened"]
    assert told[4]["data"]["note"] == "was a cable"
    assert told[0]["actor"]["name"] == "Ana"


def test_alerts_are_as_visible_as_their_incidents(client: FlaskClient, ana: User, charlie: User, payments: Team,
                                                 token: Token) -> None:
    build.alert(build.incident(team=payments), title="open to all")
    build.alert(build.incident(team=build.team("secret", manager=ana, private=True)), dedup_key="b", title="hidden")
    seen = [[one["title"] for one in client.get("/api/v1/alerts", headers=token(person)).json["items"]]
            for person in (ana, charlie)]
    assert seen == [["hidden", "open to all"], ["open to all"]]
    assert client.get("/api/v1/alerts/2", headers=token(charlie)).status_code == 404
    assert client.get("/api/v1/alerts?team=payments&status=firing", headers=token(ana)).json["items"][0]["count"] == 1


@pytest.mark.both_databases
def test_managers_read_the_log_of_their_teams_and_admins_all_of_it(
        client: FlaskClient, ana: User, bob: User, olga: User, payments: Team, token: Token) -> None:
    other = build.incident(team=build.team("search", manager=olga))
    mine = build.incident(team=payments)
    for incident, person in ((mine, bob), (other, olga)):
        with transaction():
            service.acknowledge(session.get_one(Incident, incident.id), by=by(person))
    seen = [[fact["subject"] for fact in client.get("/api/v1/events?kind=incident.*", headers=token(person)).json["items"]]
            for person in (ana, olga)]
    assert seen == [[mine.ref], [other.ref, mine.ref]]
    assert client.get("/api/v1/events", headers=token(bob)).status_code == 403
