"""The page of the system: one sentence when all is well, and what to do where something is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
import time_machine

from app.core import clock, hold, life
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import Event, record
from app.core.limits import EXCEEDED
from app.core.periodic import Ran
from app.core.pulse import Pulse, beat
from app.core.redis import client as redis_client
from app.core.redis import probe
from app.core.secrets import key_ids
from app.escalation import service as escalation
from app.incidents.models import Incident
from app.notifications.channel_models import ProviderState
from app.timetable import PERIODIC
from tests import build


@pytest.fixture
def alive(app, monkeypatch):
    """Each process shows life now, and the clock ran everything; time stands still but for `alive.at.shift(…)`."""
    monkeypatch.setattr("app.core.revision.is_newest", lambda: True)  # tables of tests are made without migrations
    ran = Ran()

    def show():
        with transaction():
            beat("clock")
            beat("ticks", ticks=ran.said())
        for number, role in enumerate(("web", "worker", "clock")):
            life.say(redis_client(), f"{role} box:{number}:1")
    with time_machine.travel(clock.now(), tick=False) as at:
        for row in PERIODIC:
            ran.note(row.path, 0.01, "")
        show.ran, show.at = ran, at
        yield show


def shown(browser):
    """The page as the administrator reads it."""
    answer = browser.get("/system")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_when_all_is_well_one_sentence_says_so(app, alive, olga, signed_in, token, client):
    alive()
    text = shown(signed_in(olga))
    assert "Everything works." in text and "3 processes are alive" in text and "SQLite" in text
    said = client.get("/api/v1/system", headers=token(olga)).json
    assert (said["ok"], said["problems"], said["held"], said["outgoing"]) == (True, [], "", {})
    assert {one["role"]: one["lives"] for one in said["processes"]} == dict.fromkeys(("web", "worker", "clock"), True)
    assert {one["state"] for one in said["ticks"]} == {"ok"} and len(said["ticks"]) == len(PERIODIC)


def test_it_is_for_administrators(app, bob, signed_in, token, client):
    for path in ("/system", "/system/settings", "/system/retention"):
        assert signed_in(bob).get(path).status_code == 403
    assert client.get("/api/v1/system", headers=token(bob)).status_code == 403


@pytest.mark.both_databases
def test_a_clock_or_worker_that_stands_still_is_named_with_its_remedy(app, alive, olga, signed_in, client):
    """HRD-30, the page and readiness: within 15 s both say so, and they take it back by themselves."""
    browser = signed_in(olga)
    alive()
    assert client.get("/readyz").status_code == 200
    alive.at.shift(timedelta(seconds=14))
    text, ready = shown(browser), client.get("/readyz")
    for said in (text.replace("<code>", "`").replace("</code>", "`"), " ".join(ready.json["problems"])):
        assert "No worker has given a sign of life for 12 s" in said and "Start `oncall worker`" in said
        assert "The clock last ticked 14 s ago" in said and "Start `oncall clock`" in said
    assert ready.status_code == 503 and "Everything" not in text and "Silent" in text
    alive()
    assert "Everything works." in shown(browser) and client.get("/readyz").status_code == 200


def test_redis_away_is_said_and_the_page_stands(app, alive, olga, signed_in, monkeypatch):
    """HRD-30, the page: nothing of Redis is asked for further."""
    browser = signed_in(olga)
    alive()

    def away(*_args, **_more):
        raise redis.ConnectionError("Connection refused")
    for one in (redis_client(), probe()):
        monkeypatch.setattr(one.connection_pool, "get_connection", away)
    text = shown(browser)
    assert "Redis can&#39;t be reached" in text and "unknown while Redis does not answer" in text


def test_what_wants_to_be_looked_at_is_told_apart_from_what_is_wrong(app, alive, olga, signed_in, token, client):
    """A tick that fails, a provider left out, a storm, limits: each stands on the page with what to do."""
    alive.ran.note("app.ingest.ticks.drain", 0.5, "KeyError: 'x'")
    alive()
    with transaction():
        session.add(ProviderState(account="twilio", channel="sms", failures=3, open_until=clock.now(), last_error="No credit"))
        build_storm = build.incident("Disk full")
        build_storm.storm_until = clock.now()
        session.add(build_storm)
        record(EXCEEDED, "user:7", by=SYSTEM, number=12, limit=500, tier="person", caller="user:7", minute=1)
    text = shown(signed_in(olga))
    for words in ("Everything runs.", "3 things want", "KeyError", "No credit", "under Channels", "Disk full", "12 requests"):
        assert words in text, words
    said = client.get("/api/v1/system", headers=token(olga)).json
    assert said["refusals"] == [{"tier": "person", "requests": 12, "callers": 1, "worst": "user:7"}]
    assert said["ticks"][0]["path"] == "app.ingest.ticks.drain" and said["ticks"][0]["state"] == "failed"


def test_the_keys_in_use_stand_there_with_their_number_of_secrets(app, olga, signed_in, token, client):
    """HRD-24, the page: the key that encrypts, and how many stored secrets are its."""
    build.secret("ops")
    assert client.get("/api/v1/system", headers=token(olga)).json["keys"] == [
        {"name": key_ids()[0], "secrets": 1, "use": "encrypts"}]
    text = shown(signed_in(olga))
    assert key_ids()[0] in text and "1 stored secret<" in text


def test_what_a_restore_holds_is_listed_beside_the_button(app, alive, bob, payments, olga, signed_in, token, client):
    """HRD-32, the list: what would go to whom and what about; released, it is gone."""
    policy = build.policy("payments", (60, [bob]), team=payments)
    incident = build.incident("Disk full", service=build.service("checkout", team=payments, policy=policy))
    with transaction():
        session.merge(Pulse(**hold.row("a backup of yesterday was restored")))
        escalation.start(session.get_one(Incident, incident.id))
    alive()
    browser = signed_in(olga)
    text, said = shown(browser), client.get("/api/v1/system", headers=token(olga)).json
    assert "Would go out at once" in text and "Disk full" in text and 'action="/settings/release"' in text
    first = said["outgoing"]["Messages to people"]["first"][0]
    assert said["held"] == "a backup of yesterday was restored"
    assert first["what"] == "Page by email to Bob" and first["whom"] == "#1 Disk full" and first["url"] == "/incidents/1"
    assert all(one["state"] != "late" for one in said["ticks"])
    assert browser.post("/settings/release").status_code == 303
    assert "Would go out at once" not in shown(browser)
    assert session.query(Event).filter_by(kind="system.released").count() == 1
