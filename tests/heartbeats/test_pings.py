"""What a heartbeat hears, what it misses, and whom that pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.heartbeats import service
from app.heartbeats.models import Heartbeat
from app.incidents.models import Incident
from tests import build
from tests.pager import incident, messages, pager

START = "2026-03-02T10:00:00+00:00"
ADDRESS = "/heartbeat/token-of-nightly-0123456789"


@pytest.fixture
def house(app):
    """The pager, with a heartbeat of one minute and half a minute of grace, at ten o'clock."""
    with time_machine.travel(START, tick=False) as at:
        found = pager()
        build.heartbeat("nightly", team=found.team)
        found.at = at
        yield found


@pytest.fixture
def later(house, tick, run_jobs):
    """`later(30)`: so many seconds pass, then the clock and a worker take their turn."""
    def passed(seconds):
        house.at.shift(timedelta(seconds=seconds))
        tick("app.heartbeats.pings.expire")
        run_jobs()
    return passed


def heartbeat() -> Heartbeat:
    session.expire_all()
    return session.query(Heartbeat).one()


@pytest.mark.both_databases
def test_a_miss_pages_at_the_deadline_and_a_ping_resolves(house, client, later, run_jobs, smtp):
    """ING-37: 60 s and 30 s of grace: nothing at 89 s, an alert at 90 s with the last output; the next ping ends it."""
    assert client.post(ADDRESS, data="backed up 12 GB").text == "OK"
    later(89)
    assert session.query(Incident).count() == 0
    later(1)
    assert incident().title == "Nightly did not report in time" and "backed up 12 GB" in incident().description
    assert incident().opened_by.startswith("integration:") and smtp.to("bob@example.com")
    client.get(ADDRESS)
    run_jobs()
    assert (incident().status, incident().resolved_name) == ("resolved", "heartbeat Nightly")


def test_pings_in_time_fire_nothing(house, client, later):
    """The deadline is counted from the last call."""
    for _ in range(4):
        client.head(ADDRESS)
        later(80)
    assert session.query(Incident).count() == 0 and heartbeat().state == "alive"


def test_a_ping_that_came_while_the_clock_was_away_is_honoured(house, client, later):
    """ING-38: over the deadline, but it reported before anybody looked: nothing fires."""
    client.get(ADDRESS)
    house.at.shift(timedelta(minutes=30))
    client.get(ADDRESS)
    later(5)
    assert session.query(Incident).count() == 0


def test_two_clocks_fire_once(house, client, later):
    """ING-38: the second finds nothing that is due."""
    client.get(ADDRESS)
    later(600)
    later(1)
    assert incident().alert_count == 1 and len([one for one in messages() if one.kind == "page"]) == 1


def test_what_never_reported_waits_and_is_listed_as_waiting(house, later, signed_in):
    """ING-39: nothing fires before the first call."""
    later(86400)
    assert session.query(Incident).count() == 0
    assert "Waiting for its first call" in signed_in(house.bob).get("/heartbeats").text


@pytest.mark.parametrize("end", ["fail", "1", "255"])
def test_a_failure_fires_at_once_and_only_by_post(house, client, run_jobs, end):
    """ING-39: `/fail` and exit codes; a link preview makes nothing fail."""
    assert client.get(f"{ADDRESS}/{end}").status_code == 405
    client.post(f"{ADDRESS}/{end}", data="disk full")
    run_jobs()
    assert incident().title == "Nightly failed" and "disk full" in incident().description


def test_an_exit_code_of_zero_is_alive_and_the_start_gives_the_duration(house, client):
    """`/start`, then `/0` 40 s later; `/log` keeps what is said and changes nothing."""
    client.post(f"{ADDRESS}/start")
    house.at.shift(timedelta(seconds=40))
    client.post(f"{ADDRESS}/0", data="done")
    client.post(f"{ADDRESS}/log", data="a word more")
    assert (heartbeat().state, heartbeat().recent[-1]["took"], heartbeat().last_output) == ("alive", 40, "a word more")
    assert client.post(f"{ADDRESS}/256").status_code == client.post(f"{ADDRESS}/nonsense").status_code == 404


def test_a_muted_one_does_not_fire_until_the_mute_is_over(house, client, later, signed_in):
    """ING-39: it says until when; what lasts longer fires afterwards."""
    client.get(ADDRESS)
    with transaction():
        service.mute(heartbeat(), clock.now() + timedelta(hours=1), reason="moving", by=OPERATOR)
    client.post(f"{ADDRESS}/fail")
    later(600)
    assert session.query(Incident).count() == 0 and "moving" in signed_in(house.bob).get("/heartbeats/nightly").text
    later(3001)
    assert incident().title == "Nightly failed"


def test_the_last_thirty_are_kept_and_the_output_is_cut(house, client):
    """10 KiB of the body, 30 entries."""
    for _ in range(32):
        client.post(ADDRESS, data="x" * 20_000)
    assert len(heartbeat().recent) == 30 and len(heartbeat().last_output) == 10 * 1024


def test_an_unknown_address_is_answered_404(house, client):
    """Whoever guesses hears nothing more."""
    assert client.get("/heartbeat/not-a-token-0123456789").status_code == 404


def test_vendors_senders_ping_by_name(house, client):
    """ING-42, ING-43: with the key of an integration of the team; another team's heartbeat is not there."""
    build.integration("nightly", team=house.team)
    key = {"Authorization": "GenieKey token-of-nightly-0123456789"}
    answer = client.get("/v2/heartbeats/nightly/ping", headers=key)
    assert (answer.status_code, answer.json["result"]) == (202, "PONG - Heartbeat received")
    assert client.post("/integrations/v1/webhook/token-of-nightly-0123456789/heartbeat/").status_code == 200
    assert len(heartbeat().recent) == 2
    build.heartbeat("foreign", team=build.team("others"))
    assert client.put("/v2/heartbeats/foreign/ping", headers=key).status_code == 404


def test_one_that_cannot_be_told_late_keeps_no_other_from_paging(house, client, later):
    """What "nightly" remembers is damaged: the hourly one pages in the same look, and nightly once it is mended."""
    build.heartbeat("hourly", team=house.team)
    for name in ("nightly", "hourly"):
        client.post(f"/heartbeat/token-of-{name}-0123456789")
    with transaction():
        session.execute(update(Heartbeat).where(Heartbeat.key == "nightly").values(recent=[{}]))
    later(91)
    assert [one.title for one in session.query(Incident)] == ["Hourly did not report in time"]
    with transaction():
        session.execute(update(Heartbeat).where(Heartbeat.key == "nightly").values(recent=[]))
    later(61)
    assert {one.title for one in session.query(Incident)} == {
        "Hourly did not report in time", "Nightly did not report in time"}
