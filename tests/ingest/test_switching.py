"""Plugins on and off: what comes meanwhile is held, and nothing needs a restart (SRC-33, SRC-34)."""

from __future__ import annotations

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.ingest import switching
from app.ingest.models import Delivery, Integration
from tests.pager import firing, incident, pager, post


@pytest.fixture
def switch(app):
    """`switch("alertmanager", off=True)`; afterwards everything is on again, also for what this process remembers."""
    def to(slug: str, *, off: bool) -> None:
        with transaction():
            switching.switch(slug, off=off, by=OPERATOR)
        app.extensions["plugins"].watch.forget()
    yield to
    app.extensions["plugins"].watch.known, app.extensions["plugins"].watch.until = frozenset(), 1e12
    session.rollback()
    app.extensions["plugins"].watch.forget()


@pytest.mark.both_databases
def test_what_comes_for_a_plugin_that_is_off_is_held_and_then_worked_on(client, switch, run_jobs, smtp):
    """SRC-33: 202 and held; switched on, it pages; no restart."""
    house = pager()
    switch("alertmanager", off=True)
    assert post(client, house, firing()).status_code == 202
    run_jobs()
    held = session.query(Delivery).one()
    assert (held.state, "switched off" in held.note) == ("held", True) and not smtp.to("bob@example.com")
    switch("alertmanager", off=False)
    run_jobs()
    assert incident().status == "triggered" and smtp.to("bob@example.com")


def test_what_waited_when_it_was_switched_off_is_held_too(client, switch, run_jobs):
    """SRC-33"""
    house = pager()
    post(client, house, firing())
    switch("alertmanager", off=True)
    run_jobs()
    assert session.query(Delivery).one().state == "held"


def test_a_method_of_a_plugin_that_is_off_is_skipped_with_its_reason(client, switch, run_jobs):
    """SRC-33: like a failed one: the next level is paged, or the admins are."""
    house = pager()
    switch("email", off=True)
    post(client, house, firing())
    run_jobs()
    from tests.pager import messages

    assert {message.state for message in messages()} == {"failed"}
    assert all(message.error for message in messages())


def test_an_integration_whose_plugin_is_gone_holds_and_goes_on_once_it_is_back(client, app, run_jobs, tick):
    """SRC-34: readable, marked broken, 202 and held; installed again, it is worked on within the sweep."""
    house = pager()
    with transaction():
        session.query(Integration).one().plugin = "gone"
    assert post(client, house, firing()).status_code == 202
    run_jobs()
    assert session.query(Delivery).one().state == "held"
    with transaction():
        session.query(Integration).one().plugin = "alertmanager"
    assert tick("app.ingest.switching.release_held") == 1
    run_jobs()
    assert incident().status == "triggered"


@pytest.mark.both_databases
def test_what_another_plugin_reads_waits_for_that_one(client, switch, run_jobs, tick):
    """SRC-33: not for the integration's own, which is on."""
    house = pager()
    post(client, house, firing())
    with transaction():
        session.query(Delivery).one().parts = {"reader": "webhook"}
    switch("webhook", off=True)
    run_jobs()
    assert tick("app.ingest.switching.release_held") == 0
    switch("webhook", off=False)
    assert session.query(Delivery).one().state == "received"


def test_what_a_pause_holds_stays_held(client, signed_in, tick):
    """ING-35: the sweep lets nothing go that a person holds."""
    house = pager()
    signed_in(house.ana).post("/integrations/prometheus/pause")
    post(client, house, firing())
    assert tick("app.ingest.switching.release_held") == 0
    assert session.query(Delivery).one().state == "held"


def test_an_admin_switches_on_the_page_and_nobody_else_does(app, signed_in, olga, bob, switch):
    """SRC-33, SRC-37: the page says what it holds, what it breaks, and how it is set."""
    browser = signed_in(olga)
    assert signed_in(bob).post("/settings/plugins/twilio/off").status_code == 403
    app.extensions["plugins"].watch.until = 1e12  # what this process knows is a second old
    browser.post("/settings/plugins/twilio/off")
    page = browser.get("/settings/plugins/twilio").text
    assert "It is switched off" in page and "Switch on" in page and "keeps the contract" in page
    assert "TWILIO_AUTH_TOKEN" in page and "not set" in page
    browser.post("/settings/plugins/twilio/on")
    assert "Switch off" in browser.get("/settings/plugins/twilio").text
    assert browser.get("/settings/plugins/nothing").status_code == 404


def test_machines_list_and_switch_plugins(app, client, token, olga, bob, switch):
    """SRC-33 by the API."""
    assert client.get("/api/v1/plugins", headers=token(bob)).status_code == 403
    assert client.post("/api/v1/plugins/datadog/off", headers=token(olga)).json["state"] == "off"
    app.extensions["plugins"].watch.forget()
    found = {one["slug"]: one for one in client.get("/api/v1/plugins", headers=token(olga)).json["items"]}
    assert (found["datadog"]["state"], found["alertmanager"]["state"]) == ("off", "on")
    assert client.post("/api/v1/plugins/datadog/on", headers=token(olga)).json["state"] == "on"


def test_while_the_database_is_away_what_was_known_counts(app, switch, monkeypatch):
    """A switch that can't be read switches nothing."""
    switch("datadog", off=True)
    watch = app.extensions["plugins"].watch
    assert "datadog" in watch()
    monkeypatch.setattr("app.core.plugin_switches.QUERY", "SELECT nothing FROM nowhere")
    watch.forget()
    assert "datadog" in watch()
