"""A team is archived: its things are put away with it or go to another, and no signal is refused."""

from __future__ import annotations

import pytest

from app.catalog.models import Service, Window
from app.catalog.window_service import save_maintenance
from app.connections.models import Connection
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.escalation.models import Policy
from app.heartbeats.models import Heartbeat
from app.identity.models import Team
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.oncall.models import Schedule
from app.runbooks.models import Runbook, Secret
from app.status_pages.models import StatusPage
from app.webhooks.models import Webhook
from app.webhooks.service import save_webhook
from app.workflows.models import Workflow
from tests import build
from tests.pager import firing, incident, messages, pager, post
from tests.workflows.stories import hook, workflow


@pytest.fixture
def house(app):
    """The pager, a heartbeat, and a second team that could take over."""
    found = pager()
    build.heartbeat("nightly", team=found.team)
    build.team("search", manager=build.user("charlie"))
    return found


def owners():
    """Who owns each thing now, by the name of its table."""
    session.expire_all()
    return {(model.__tablename__, session.get_one(Team, thing.team_id).key)
            for model in (Service, Schedule, Policy, Integration, Heartbeat) for thing in session.query(model)}


def test_archiving_asks_what_becomes_of_the_things(house, signed_in, olga):
    """IDN-28: the page names them before anything happens."""
    browser = signed_in(olga)
    assert 'href="/teams/payments/archive"' in browser.get("/teams/payments").text
    asked = browser.get("/teams/payments/archive").text
    for words in ("Checkout", "Primary", "Nightly", "It is put away with the team", 'value="search"'):
        assert words in asked
    assert session.get_one(Team, house.team.id).archived_at is None
    assert "It owns nothing" in browser.get("/teams/search/archive").text


def test_another_team_takes_everything_over(house, signed_in, olga, client, run_jobs):
    """IDN-28: in one go; a signal that comes then pages by what was handed over."""
    assert signed_in(olga).post("/teams/payments/archive", data={"to": "search"}).status_code == 303
    assert {team for _, team in owners()} == {"search"} and len(owners()) == 5
    assert post(client, house, firing()).status_code == 202
    run_jobs()
    assert incident().team.key == "search" and messages()[0].user_id == house.bob.id
    said = session.query(Event).filter(Event.kind.in_(("service.changed", "team.archived"))).all()
    assert {event.actor_name for event in said} == {"Olga"}


def test_put_away_signals_fall_to_the_next_way_and_history_stays(house, signed_in, olga, client, run_jobs):
    """IDN-28: at once, never refused: nobody is left, so the catch-all pages the admin."""
    post(client, house, firing())
    run_jobs()
    browser = signed_in(olga)
    assert browser.post("/teams/payments/archive", data={"to": ""}).status_code == 303
    answer = post(client, house, firing("Another"))
    run_jobs()
    assert answer.status_code == 202 and {team for _, team in owners()} == {"payments"}
    second = session.query(Incident).order_by(Incident.id.desc()).first()
    assert second.team_id is None and [one.user_id for one in messages() if one.incident_id == second.id] == [olga.id]
    for path in ("/incidents/1", "/teams/payments", "/services/checkout", "/schedules/primary"):
        assert browser.get(path).status_code == 200


@pytest.mark.parametrize("heir", ["payments", "nobody", "gone"])
def test_an_heir_that_can_not_be_changes_nothing(house, signed_in, olga, token, heir):
    """IDN-28: itself, unknown, or archived itself; by page and API."""
    build.team("gone", archived_at=session.get_one(Team, house.team.id).created_at)
    refused = signed_in(olga).post("/teams/payments/archive", data={"to": heir})
    assert refused.status_code == 422 and "could take it over" in refused.text
    answer = signed_in(olga).post("/api/v1/teams/payments/archive", json={"to": heir}, headers=token(olga))
    assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "to"
    assert session.get_one(Team, house.team.id).archived_at is None


def test_machines_archive_and_restore_a_team(house, client, token, olga):
    """IDN-28: admins only."""
    path = "/api/v1/teams/payments"
    assert client.post(f"{path}/archive", headers=token(house.ana)).status_code == 403
    moved = client.post(f"{path}/archive", json={"to": "search"}, headers=token(olga)).json["moved"]
    assert moved["services"] == ["Checkout"] and moved["heartbeats"] == ["Nightly"] and moved["integrations"] == ["Prometheus"]
    assert client.post(f"{path}/restore", headers=token(olga)).status_code == 204
    assert session.get_one(Team, house.team.id).archived_at is None


@pytest.fixture
def automated(house, olga):
    """What else a team has: a workflow that runs a runbook with a secret, and all that goes outside."""
    build.secret("ops", team=house.team)
    build.connection("slack", team=house.team, config={"token": "sealed"})
    build.status_page("shop", team=house.team)
    build.runbook("restart", team=house.team, approver=olga, services=["checkout"],
                  config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}})
    workflow("flow", {"id": "run", "kind": "runbook", "runbook": "restart", "parameters": {}}, team="payments")
    with transaction():
        save_webhook({"key": "hook", "name": "Hook", "url": "https://x.example/", "events": ["incident.*"], "team": "payments"},
                     by=OPERATOR)
        save_maintenance({"key": "patch", "name": "Patch day", "starts": "2199-01-01T00:00", "ends": "2199-01-01T01:00",
                          "services": ["checkout"], "team": "payments"}, by=OPERATOR)


def test_what_acts_and_what_is_seen_outside_goes_along(automated, house, signed_in, client, token, olga):
    """IDN-28: the page says what becomes of each, the answer too; a runbook has to be approved there."""
    asked = signed_in(olga).get("/teams/payments/archive").text
    for words in ("Restart", "Flow", "Hook", "ops", "Shop", "Patch day", "Slack", "they become drafts", "so switch them off first"):
        assert words in asked
    said = client.post("/api/v1/teams/payments/archive", json={"to": "search"}, headers=token(olga)).json
    assert said["becomes"]["runbooks"].startswith("They become drafts") and said["moved"]["secrets"] == ["ops"]
    session.expire_all()
    owners = {session.query(model).one().team.key for model in (
        Secret, Connection, StatusPage, Runbook, Workflow, Webhook, Window)}
    assert owners == {"search"} and session.query(Runbook).one().state == "draft"


def test_what_can_not_be_there_is_named(house, signed_in, olga):
    build.connection("slack", team=house.team)
    refused = signed_in(olga).post("/teams/payments/archive", data={"to": "search"})
    assert refused.status_code == 422 and "Slack can’t go there: Bot token is needed" in refused.text
    assert {team for _, team in owners()} == {"payments"}


@pytest.mark.parametrize("theirs", [True, False])
def test_a_secret_that_would_mean_another_stops_the_whole(automated, house, signed_in, olga, theirs):
    """IDN-28: no value goes to an address that it was not stored for."""
    heir = session.query(Team).filter_by(key="search").one()
    if theirs:
        build.secret("ops", team=heir)
    else:
        build.secret("hook")
        build.secret("hook", team=heir)
        workflow("tell", hook("a", "https://x.example/", with_={"headers": {"X": "{{ secret.hook }}"}}), team="payments")
    refused = signed_in(olga).post("/teams/payments/archive", data={"to": "search"})
    assert refused.status_code == 422 and ("the secret ops" if theirs else "Tell would send the secret hook") in refused.text
    assert session.query(Service).one().team.key == "payments"

