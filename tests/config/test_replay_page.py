"""Playing a period again from the page: in a process of its own, told by person and by incident."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from sqlalchemy import select

from app.config import replays
from app.config.models import Errand
from app.core.db import session
from tests.config.test_replay import MOVED, period

WORK = "app.config.ticks.work"
WINDOW = {"since": "2026-03-02T09:00", "until": "2026-03-02T11:00", "answers": "recorded"}
__all__ = ["period"]


def page_at(minute, who, channel="email"):
    return {"at": f"2026-03-02T10:{minute:02d}:00+00:00", "email": f"{who}@example.com", "channel": channel, "level": 1, "delivery": 1}


def test_the_same_person_by_the_same_channel_at_another_time_has_moved():
    added, removed, moved = replays.told_apart([page_at(5, "ana"), page_at(6, "bob")], [page_at(0, "ana"), page_at(0, "ana", "sms")])
    assert ([one["email"] for one in added], [one["channel"] for one in removed]) == (["bob@example.com"], ["sms"])
    assert [(before["at"][14:16], after["at"][14:16]) for before, after in moved] == [("00", "05")]


@pytest.mark.usefixtures("period")
def test_a_changed_document_is_played_and_told_by_person_and_incident(signed_in, olga, tick):
    """MIG-28, MIG-29: a worker has it done by the very command; the page says who is paged otherwise."""
    browser = signed_in(olga)
    text = yaml.safe_dump({"version": 1, **MOVED})
    answer = browser.post("/configuration/replay", data={**WINDOW, "text": text})
    assert answer.status_code == 303, answer.text
    address = answer.headers["Location"]
    assert "It begins in a moment" in browser.get(address).text
    tick(WORK)
    errand = session.scalar(select(Errand))
    assert (errand.state, errand.error) == ("done", "")
    assert (errand.found["deliveries"], errand.found["same"], errand.found["differing"]) == (3, 1, 1)
    shown = browser.get(address).text
    assert "ledger is down" in shown and "ledger, Calm (" in shown
    assert "Moved" in shown and "Removed" in shown and "1 paged otherwise" in shown


def test_a_replay_that_does_not_end_is_stopped(signed_in, olga, tick, monkeypatch):
    monkeypatch.setattr(replays, "COMMAND", [sys.executable, "-c", "import signal; signal.alarm(20); signal.pause()"])
    monkeypatch.setattr(replays, "LONGEST", 0.1)
    signed_in(olga).post("/configuration/replay", data=WINDOW)
    tick(WORK)
    errand = session.scalar(select(Errand))
    assert errand.state == "failed" and errand.error.startswith("The replay was stopped: it took more than an hour")


@pytest.mark.parametrize(("more", "said"), [
    ({"until": "2026-05-02T11:00"}, "31 days"), ({"since": "x"}, "from when until when"),
    ({"text": "version: 1\nteams: 3\n"}, "pasted.yaml:2:")])
def test_a_period_or_document_that_is_wrong_is_said_at_once(signed_in, olga, more, said):
    answer = signed_in(olga).post("/configuration/replay", data={**WINDOW, **more})
    assert answer.status_code == 422 and said in answer.text
    assert session.scalar(select(Errand.id)) is None


@pytest.mark.usefixtures("period")
def test_machines_play_a_period_again(client, token, olga, tick, monkeypatch):
    """MIG-28: the same for the API; without a document it is held against what really happened."""
    said = {"really": True, "deliveries": 3, "purged": 0, "same": 2, "differences": []}
    monkeypatch.setattr(replays, "_run", lambda command, *_: json.dumps(said))
    head = token(olga)
    begun = client.post("/api/v1/replays", json={"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T11:00:00Z"}, headers=head)
    assert (begun.status_code, begun.json["state"]) == (202, "waiting"), begun.text
    tick(WORK)
    found = client.get(f"/api/v1/replays/{begun.json['id']}", headers=head).json
    assert (found["state"], found["deliveries"], found["same"], found["differing"]) == ("done", 3, 2, 0)


def test_what_the_command_says_when_it_fails_is_told(app, signed_in, olga, tick, monkeypatch):
    monkeypatch.setattr(replays, "COMMAND", [replays.sys.executable, "-c", "import sys; sys.exit('oncall: no such thing')", "x"])
    browser = signed_in(olga)
    address = browser.post("/configuration/replay", data=WINDOW).headers["Location"]
    tick(WORK)
    assert "no such thing" in browser.get(address).text


def test_sums_are_by_person():
    found = {"really": False, "deliveries": 1, "purged": 0, "same": 0, "differences": [{
        "delivery": "1", "title": "Down", "was": {"pages": [page_at(0, "ana"), page_at(1, "bob")]}, "now": None,
        "added": [], "removed": [page_at(0, "ana")]}]}
    assert replays.summed(json.loads(json.dumps(found)))["people"] == [
        {"email": "ana@example.com", "added": 0, "removed": 1, "moved": 0, "same": 0},
        {"email": "bob@example.com", "added": 0, "removed": 0, "moved": 0, "same": 1}]
