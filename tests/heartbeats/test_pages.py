"""The pages, the API and the document of heartbeats."""

from __future__ import annotations

from app.core.db import session
from app.heartbeats.models import Heartbeat
from app.ingest.models import Integration
from tests import build
from tests.config.documents import apply, diff, lines

DOCUMENT = {"teams": [{"key": "payments", "name": "Payments"}], "heartbeats": [
    {"key": "nightly-backup", "name": "Nightly backup", "team": "payments", "every": "1d", "grace": "30m",
     "token": "a-fixed-token-0123456789"}]}


def test_a_manager_adds_one_and_gets_an_address_and_a_guide(app, signed_in, ana, payments):
    """The grace that is left out is a fifth of the interval; the address opens."""
    browser = signed_in(ana)
    answer = browser.post("/heartbeats/-/new", data={"key": "backup", "name": "Backup", "team": "payments", "every": "1h"})
    page = browser.get(answer.headers["Location"]).text
    assert session.query(Heartbeat).one().grace == 720
    assert "http://localhost/heartbeat/" in page and "crontab" in page


def test_each_wrong_value_is_said_beside_its_field(app, signed_in, ana, payments):
    """422, nothing is made, what was typed stays."""
    answer = signed_in(ana).post("/heartbeats/-/new", data={
        "key": "backup", "name": "My backup", "team": "payments", "every": "5s", "grace": "8d"})
    assert answer.status_code == 422 and 'value="My backup"' in answer.text
    assert "The interval is 30s to 30d" in answer.text and "The grace is 0s to 7d" in answer.text
    assert session.query(Heartbeat).count() == 0


def test_responders_see_the_address_and_observers_only_its_end(app, signed_in, bob, charlie, payments):
    """ING-12."""
    build.heartbeat("nightly", team=payments)
    assert "token-of-nightly" in signed_in(bob).get("/heartbeats/nightly").text
    page = signed_in(charlie).get("/heartbeats/nightly").text
    assert "token-of-nightly" not in page and "…6789" in page


def test_a_private_teams_heartbeats_are_nobody_elses(app, signed_in, ana, charlie):
    """Neither in the list nor by address."""
    build.heartbeat("vault", team=build.team("secret", manager=ana, private=True))
    browser = signed_in(charlie)
    assert "vault" not in browser.get("/heartbeats").text.lower()
    assert browser.get("/heartbeats/vault").status_code == 404


def test_muting_needs_a_reason_and_can_be_taken_back(app, signed_in, ana, payments):
    """Who, until when and why stand on the page."""
    build.heartbeat("nightly", team=payments)
    browser = signed_in(ana)
    assert browser.post("/heartbeats/nightly/mute", data={"for": "1d", "reason": ""}).status_code == 422
    browser.post("/heartbeats/nightly/mute", data={"for": "1d", "reason": "moving house"})
    assert "by Ana: moving house" in browser.get("/heartbeats/nightly").text
    browser.post("/heartbeats/nightly/unmute")
    assert "moving house" not in browser.get("/heartbeats/nightly").text


def test_a_new_address_ends_the_old_one_and_deletion_ends_both(app, client, signed_in, ana, payments):
    """The integration behind it goes with it."""
    build.heartbeat("nightly", team=payments)
    browser, old = signed_in(ana), "/heartbeat/token-of-nightly-0123456789"
    assert client.get(old).status_code == 200
    browser.post("/heartbeats/nightly/token")
    assert client.get(old).status_code == 404
    browser.post("/heartbeats/nightly/delete")
    assert session.query(Heartbeat).count() == session.query(Integration).count() == 0


def test_the_document_makes_them_once_and_exports_no_token(app, client):
    """Applied twice it changes nothing; the integration behind it is in no list."""
    assert "created heartbeat nightly-backup" in lines(apply(DOCUMENT))
    assert lines(diff(DOCUMENT)) == []
    assert client.get("/heartbeat/a-fixed-token-0123456789").status_code == 200
    from app.config.service import export

    exported = export()
    assert exported["heartbeats"][0]["every"] == "1d" and "fixed-token" not in str(exported)
    assert not exported.get("integrations")


def test_machines_create_read_and_mute_them(app, client, token, ana, payments):
    """The fields of the document by the API; state and mute beside it."""
    header = token(ana)
    made = client.post("/api/v1/heartbeats", headers=header, json={"key": "sensor", "team": "payments", "every": "5m"})
    assert (made.status_code, made.json["grace"]) == (201, "1m")
    assert client.get("/api/v1/heartbeats/sensor/state", headers=header).json["state"] == "waiting"
    muted = client.post("/api/v1/heartbeats/sensor/mute", headers=header, json={"for": "1h", "reason": "tests"})
    assert muted.json["state"] == "muted"
    assert client.post("/api/v1/heartbeats/sensor/unmute", headers=header).json["state"] == "waiting"
