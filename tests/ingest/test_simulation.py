"""What would happen is what happens: same route, same people, same minutes; and nothing of it stays."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.catalog.window_service import save_maintenance
from app.core import clock
from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.ingest import route_store, simulation
from app.notifications.models import Message
from tests import build
from tests.pager import firing, incident, messages, pager, post

NOON = "2026-03-02T12:00:00Z"


@pytest.fixture
def house(app):
    return pager()


@pytest.fixture
def ask(house, client, token):
    """`ask({...})`: what the simulation answers to Ana."""
    headers = token(house.ana)
    return lambda asked, status=200: _checked(client.post("/api/v1/simulate", headers=headers, json=asked), status)


def _checked(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json


def rows():
    """How many rows each table has."""
    session.rollback()
    return {name: session.execute(db.select(db.func.count()).select_from(table)).scalar()
            for name, table in db.metadata.tables.items()} if db.metadata.tables else {}


def seen(pages):
    """(seconds since noon, who, level, channel) of each page."""
    return [(int((clock.parse_instant(one["at"]) - clock.parse_instant(NOON)).total_seconds()), one["user"]["email"],
             one["level"], one["channel"]) for one in pages]


def test_it_takes_nobodys_turn_to_write(house):
    """ESC-41: on SQLite, which has one writer, another writes all the while."""
    writer = db.engine.raw_connection()
    writer.driver_connection.execute("BEGIN IMMEDIATE")
    try:
        said = simulation.simulate(simulation.supposed({"service": "checkout", "at": NOON}, by=OPERATOR), by=OPERATOR)
    finally:
        writer.driver_connection.execute("ROLLBACK")
        writer.close()
    assert [one["user"]["name"] for one in said["pages"]] == ["Bob", "Ana", "Bob", "Ana"] and messages() == []


@pytest.mark.both_databases
def test_a_payload_shows_minute_by_minute_who_would_be_paged_and_stores_nothing(house, ask):
    """ESC-41, CAT-30"""
    before = (session.query(Message).count(), rows())
    said = ask({"integration": "prometheus", "payload": firing(), "at": NOON})
    assert (said["route"]["step"], said["service"]["key"], said["policy"]) == ("default", "checkout", "Payments")
    assert said["incident"] | {"note": ""} == said["incident"] | {"action": "open", "number": None, "note": ""}
    bob, ana = ("bob@example.com", 1, "email"), ("ana@example.com", 2, "email")
    assert seen(said["pages"]) == [(0, *bob), (60, *ana), (180, *bob), (240, *ana)]
    assert "b…@example.com" in {one["address"] for one in said["pages"]}
    assert (session.query(Message).count(), rows()) == before


def test_it_is_what_happens(house, ask, client, run_jobs, tick):
    """ESC-41: the same people, levels and channels at the same times."""
    said = ask({"integration": "prometheus", "payload": firing(), "at": NOON})
    with time_machine.travel(NOON, tick=False) as moved:
        post(client, house, firing())
        for _ in range(5):
            run_jobs()
            moved.shift(60)
            tick("app.escalation.ticks.advance")
    real = [{"at": clock.rfc3339(one.next_at), "user": {"email": one.user.email}, "level": one.level + 1,
             "channel": one.channel} for one in messages()]
    assert seen(real) == seen(said["pages"])


def test_it_would_join_what_is_open(house, ask, client, run_jobs):
    post(client, house, firing())
    run_jobs()
    said = ask({"integration": "prometheus", "payload": firing()})
    assert (said["incident"]["action"], said["incident"]["number"], said["pages"]) == ("join", 1, [])
    over = ask({"integration": "prometheus", "payload": firing(status="resolved")})
    assert over["incident"]["action"] == "resolve" and incident().status == "triggered"


def test_a_stored_delivery_is_played_at_another_time(house, ask, client, run_jobs):
    post(client, house, firing(status="resolved"))
    run_jobs()
    assert ask({"delivery": "1"})["incident"]["action"] == "nothing"
    assert ask({"delivery": "2"}, 404)["status"] == 404


def test_maintenance_routes_and_gaps_are_told(house, ask):
    """ESC-42: a future time knows what is planned; the pages come at its end."""
    with transaction():
        save_maintenance({"key": "upgrade", "name": "Upgrade", "team": "payments", "services": ["checkout"],
                          "starts": "2030-03-02T11:00", "ends": "2030-03-02T13:00"}, by=OPERATOR)
        route_store.save_route({"name": "quiet", "when": {"labels.env": "dev"}, "then": {"suppress": True}}, by=OPERATOR)
    said = ask({"integration": "prometheus", "payload": firing(), "at": "2030-03-02T12:00:00Z"})
    assert (said["incident"]["action"], said["held"]["reason"]) == ("maintenance", "maintenance Upgrade")
    assert said["pages"][0]["at"] == "2030-03-02T13:00:00.000Z" and said["notes"] == []
    quiet = ask({"integration": "prometheus", "payload": firing(env="dev")})
    assert (quiet["incident"]["action"], quiet["route"]["rule"], quiet["pages"]) == ("suppress", "quiet", [])


def test_an_incident_of_a_service_shows_who_can_not_be_reached(house, ask):
    gus = build.user("gus", reachable=False)
    policy = build.policy("alone", (60, [gus]), (60, [house.bob]), team=house.team, default=False, repeat=0)
    build.service("ledger", team=house.team, policy=policy)
    said = ask({"service": "ledger", "severity": "high"})
    assert [(one["level"], one["target"], one["reason"]) for one in said["skipped"][:1]] == [
        (1, "user", "Gus has no proven contact method")]
    assert said["pages"][0]["user"] == {"email": "bob@example.com", "name": "Bob"}


def test_the_past_says_that_it_uses_the_present_configuration(house, ask):
    """ESC-42"""
    at = clock.rfc3339(datetime.now(UTC) - timedelta(days=3))
    assert "configured today" in ask({"service": "checkout", "at": at})["notes"][0]


@pytest.mark.parametrize(("asked", "field"), [
    ({}, "service"), ({"integration": "prometheus"}, "payload"), ({"service": "none"}, "service"),
    ({"service": "checkout", "at": "noon"}, "at"), ({"integration": "prometheus", "payload": "{broken"}, "payload")])
def test_what_can_not_be_supposed_is_refused_at_its_field(ask, asked, field):
    assert ask(asked, 422)["errors"][0]["field"] == field


def test_things_of_a_private_team_are_not_there_for_others(house, client, token):
    """ESC-42"""
    secret = build.team("secret", private=True)
    build.service("vault", team=secret)
    answer = client.post("/api/v1/simulate", headers=token(house.bob), json={"service": "vault"})
    assert (answer.status_code, "There is no service vault" in answer.text) == (422, True)


def test_the_command_line_prints_the_same(house, app):
    result = app.test_cli_runner().invoke(__import__("app.cli", fromlist=["oncall"]).oncall, ["--help"])
    assert result.exit_code == 0 and "simulate" in result.output


def test_the_page_plays_a_pasted_payload(house, signed_in):
    browser = signed_in(house.ana)
    assert "Nothing is sent" in browser.get("/simulate").text
    shown = browser.post("/simulate", data={"mode": "payload", "integration": "prometheus", "payload": json.dumps(firing()),
                                            "at": "2026-03-02T12:00"})
    assert shown.status_code == 200 and "Bob" in shown.text and "Routed to the default service of Prometheus" in shown.text
    refused = browser.post("/simulate", data={"mode": "payload", "integration": "prometheus", "payload": "{broken"})
    assert refused.status_code == 422 and "{broken" in refused.text
