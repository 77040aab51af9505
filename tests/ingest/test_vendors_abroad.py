"""A vendor's faults and addresses harm nobody but themselves."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert

from app.core import http
from app.core.db import session, transaction
from app.incidents.models import Alert, Incident
from app.ingest.models import Delivery, Integration
from tests import build
from tests.pager import firing, pager, post
from tests.plugins.conftest import ROOT

HOOK = "/in/token-of-hook-0123456789"


@pytest.fixture
def faulty(app, monkeypatch):
    """A webhook plugin that fails on one title, and returns nonsense for another."""
    pager()
    build.integration("hook", plugin="webhook")
    plugin: Any = app.extensions["plugins"].integrations["webhook"]
    usual = plugin.normalize

    def normalize(inbound: Any, config: Any) -> Any:
        if b"explode" in inbound.body:
            raise ZeroDivisionError("a vendor's fault")
        return None if b"nonsense" in inbound.body else usual(inbound, config)
    monkeypatch.setattr(type(plugin), "normalize", lambda self, inbound, config: normalize(inbound, config))


@pytest.mark.parametrize("word", ["explode", "nonsense"])
def test_a_plugin_that_fails_harms_only_its_own_delivery(faulty, client, run_jobs, word):
    """SRC-30: the others of the batch are done, the fault is counted and shown."""
    for title in ("One", word, "Two"):
        client.post(HOOK, data=json.dumps({"title": title}))
    run_jobs()
    assert {alert.title for alert in session.query(Alert)} == {"One", "Two"}
    bad = session.query(Delivery).filter(Delivery.state != "processed").one()
    assert bad.attempts == 1 and bad.state == "received" and "fault of ours" in bad.note


def test_no_plugin_reaches_the_database_or_the_application(app):
    """SRC-31: by its words: only the plugin API is imported, no session, no engine."""
    words = ("sqlalchemy", "flask", "app.core", "app.ingest", "app.incidents", "sqlite3", "psycopg")
    for path in (ROOT / "plugins").rglob("*.py"):
        lines = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in lines if any(word in line for word in words)], path


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://10.1.2.3/",
                                     "https://localhost/"])
def test_private_addresses_are_refused_with_a_reason(app, address):
    """SRC-36: unless OUTBOUND_ALLOW opens exactly their range."""
    http.configure("")
    with pytest.raises(http.ForbiddenAddress) as refusal:
        http.request("GET", address, timeout=2)
    assert refusal.value.reason


def test_every_address_of_a_vendor_is_a_setting(app):
    """SRC-35: no plugin calls a fixed host that a setting could not replace by a test double's."""
    registry = app.extensions["plugins"]
    for plugin in {plugin for offers in registry.providers.values() for plugin in offers} - {"email", "webhook", "log", "webpush"}:
        names = [name for name, _ in registry.settings if name.startswith(plugin.upper().replace("-", "_"))]
        source = "".join(path.read_text() for path in (ROOT / "plugins" / plugin).glob("*.py"))
        fixed = '"https://' in source.replace("Source:", "")
        assert not fixed or any(name.endswith("_URL") for name in names) or "ENDPOINT" in source, plugin


def test_a_rejected_body_shows_where_it_was_not_understood(app, client, signed_in):
    """SRC-14: line and column stand on the delivery's page, one click from the integration's."""
    house = pager()
    client.post(house.path, data='{"alerts": [\n  {broken}]}')
    browser = signed_in(house.ana)
    assert "/integrations/prometheus/deliveries/1" in browser.get("/integrations/prometheus").text
    assert "line 2 column" in browser.get("/integrations/prometheus/deliveries/1").text


def test_a_thousand_integrations_are_listed_with_exact_counts(app, client, signed_in):
    """SRC-17"""
    house = pager()
    for _ in range(3):
        post(client, house, firing())
    with transaction():
        session.execute(insert(Integration), [
            {"key": f"i{at}", "name": f"Sender {at}", "plugin": "webhook", "token_hash": f"h{at}", "token_sealed": "",
             "token_last4": "0000", "config": {}, "default_severity": "medium", "team_id": house.team.id} for at in range(1000)])
    browser, pages, way = signed_in(house.ana), [], "/integrations"
    while way:
        pages.append(browser.get(way).text)
        way = next((unescape(one) for one in re.findall(r'href="(/integrations\?[^"]*after=[^"]*)"', pages[-1])), "")
    rows = [row for page in pages for row in re.findall(r'id="row-(\d+)"', page)]
    assert len(pages) == 11 and len(rows) == len(set(rows)) == 1001 and any("Sender 999" in page for page in pages)
    assert '<td role="cell" class="r wide-only">3</td>' in browser.get("/integrations?q=Prometheus").text


def test_a_pause_and_a_deletion_leave_open_incidents_to_their_people(app, client, signed_in, run_jobs):
    """SRC-15: they run on; a recovery that can no longer come leaves them to whoever is paged."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    browser = signed_in(house.ana)
    browser.post("/integrations/prometheus/pause")
    browser.post("/integrations/prometheus/delete", data={"name": "Prometheus"})
    assert session.query(Incident).one().status == "triggered"
    assert browser.get("/incidents/1").status_code == 200
