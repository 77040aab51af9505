"""What people and senders do to a running incident at one moment, and how alerts are found afterwards."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from app.catalog.models import Service
from app.core import clock
from app.core.db import session
from app.core.jobs import function
from app.incidents.models import Alert, Incident
from app.ingest import ticks
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, incident, messages, pager, post, run
from tests.racing import at_once


def two_workers_drain(app: Any) -> None:
    """Both begin at one moment; afterwards the test sees what they left."""
    barrier = threading.Barrier(2)

    def drain() -> None:
        with app.app_context():
            barrier.wait()
            function("app.ingest.ticks.drain")()
    session.rollback()
    threads = [threading.Thread(target=drain) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.rollback()
    session.expire_all()


@pytest.mark.race(rounds=4)
@pytest.mark.both_databases
def test_firing_and_recovery_at_one_moment_end_lawfully(app, client):
    """ESC-07: two workers drain; never an open incident without an open alert, nor the reverse."""
    house = pager()
    for turn in range(4):
        for status in ("firing", "resolved") if turn % 2 else ("resolved", "firing"):
            post(client, house, firing(status=status))
        two_workers_drain(app)
        open_incidents = {one.id for one in session.query(Incident).filter(Incident.status != "resolved")}
        open_alerts = {one.incident_id for one in session.query(Alert).filter(Alert.status == "firing")}
        assert open_incidents == open_alerts


@pytest.mark.both_databases
def test_two_deliveries_that_each_open_several_incidents_never_wait_in_a_circle(app, client, monkeypatch):
    """One joins the storm of Checkout and then opens on Ledger, the other the other way round: all are there at the first
    try, since both wait for the number of incidents before anything else."""
    failed: list[int] = []
    alone = ticks._one_by_one
    monkeypatch.setattr(ticks, "_one_by_one", lambda number: failed.append(number) or alone(number))
    house = pager()
    build.incident("Storm", service=session.query(Service).one(), storm_until=clock.now() + timedelta(hours=1))
    build.service("ledger", team=house.team, noise={"storm": False})
    for key in ("one", "two"):
        build.integration(key, plugin="webhook", team=house.team)
    for turn in range(4):
        for key, order in (("one", ("checkout", "ledger")), ("two", ("ledger", "checkout"))):
            items = [{"title": f"{key} {turn} {at}", "service": order[at % 2]} for at in range(6)]
            client.post(f"/in/token-of-{key}-0123456789", data=json.dumps(items))
        two_workers_drain(app)
    assert failed == [] and {(row.state, row.attempts) for row in session.query(Delivery)} == {("processed", 1)}
    assert session.query(Alert).count() == 48


def test_taking_it_is_acknowledging_and_assigning_at_once_and_escalating_gives_it_back(app, client, token, run_jobs):
    """ESC-34: "take" in one step; "escalate now" pages the next level, also from acknowledged."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    taken = client.post("/api/v1/incidents/1/acknowledge", headers=token(house.bob)).json
    assert taken["status"] == "acknowledged" and taken["assignees"][0]["email"] == "bob@example.com"
    assert client.post("/api/v1/incidents/1/escalate", headers=token(house.bob)).json["status"] == "triggered"
    run_jobs()
    assert messages()[-1].user.email == "ana@example.com" and run().level == 1


def test_whoever_is_asked_to_help_answers_and_a_no_is_told(app, client, token, run_jobs, smtp):
    """ESC-35: paged without changing assignee, timers or state; declining is told to who asked."""
    house = pager()
    dora = build.user("dora")
    post(client, house, firing())
    run_jobs()
    before = run().next_at
    answer = client.post("/api/v1/incidents/1/add-responders", headers=token(house.ana), json={"people": ["dora@example.com"]})
    assert answer.status_code == 200, answer.text
    run_jobs()
    assert smtp.to("dora@example.com") and (incident().status, run().next_at) == ("triggered", before)
    client.post("/api/v1/incidents/1/answer", headers=token(dora), json={"answer": "declined"})
    run_jobs()
    assert any("declined" in mail.text for mail in smtp.to("ana@example.com"))


@pytest.fixture
def alerts(app, client, run_jobs):
    """The pager's team with nine alerts of three kinds, seen at one instant."""
    house = pager()
    build.integration("hook", plugin="webhook", team=house.team)
    items = [{"title": f"{word} {at}", "id": f"{word}{at}", "severity": severity, "service": "checkout"}
             for word, severity in (("disk", "critical"), ("queue", "low"), ("login", "high")) for at in range(3)]
    client.post("/in/token-of-hook-0123456789", data=json.dumps(items))
    run_jobs()
    return house


ASKED = (
    ("", 9), ("q=DISK", 3), ("severity=low&severity=high", 6), ("severity=critical&q=disk 1", 1), ("integration=hook", 9),
    ("integration=prometheus", 0), ("service=checkout&team=payments&status=firing&q=queue", 3), ("status=resolved", 0),
    ("from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", 0))


@pytest.mark.both_databases
def test_filters_and_text_combine(alerts, client, token):
    """ESC-45, ALERT-04"""
    header = token(alerts.ana)
    found = {query: len(client.get(f"/api/v1/alerts?{query}", headers=header).json["items"]) for query, _ in ASKED}
    assert found == dict(ASKED)


@pytest.mark.both_databases
def test_few_that_lie_far_back_are_found_page_by_page(alerts, client, token, monkeypatch):
    """ESC-45: only some rows are looked through in order, then the filters say where to look; none is seen twice."""
    monkeypatch.setattr("app.core.paging.WALKED", 2)
    for query, number in (("severity=critical", 3), ("q=di", 3), ("from=2020-01-01T00:00:00Z&q=disk", 3), ("status=firing", 9)):
        seen, cursor = [], ""
        while cursor is not None:
            found = client.get(f"/api/v1/alerts?limit=2&{query}&cursor={cursor}", headers=token(alerts.ana)).json
            seen += [int(one["id"]) for one in found["items"]]
            cursor = found["next"]
        assert (query, seen) == (query, sorted(set(seen), reverse=True)) and len(seen) == number


def test_the_cursor_is_stable_while_alerts_arrive(alerts, client, token, run_jobs):
    """ESC-45: with equal times and new ones in between each is seen once; a limit above 200 is 422."""
    header, seen, cursor = token(alerts.ana), [], ""
    while True:
        found = client.get(f"/api/v1/alerts?limit=2&cursor={cursor}", headers=header).json
        seen += [one["dedup_key"] for one in found["items"]]
        client.post("/in/token-of-hook-0123456789", json={"title": f"new {len(seen)}"})
        run_jobs()
        cursor = found["next"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 9
    assert client.get("/api/v1/alerts?limit=201", headers=header).status_code == 422


@pytest.mark.race
@pytest.mark.both_databases
def test_two_presses_of_replay_at_once_process_once(app, client, signed_in):
    """ING-30"""
    house, said = pager(), []
    client.post(house.path, data="{broken")
    cookie = signed_in(house.ana).get_cookie("oncall").decoded_value

    def press():
        window = app.test_client()
        window.set_cookie("oncall", cookie)
        said.append(window.post("/integrations/prometheus/deliveries/1/replay").status_code)
    assert at_once(app, press, press) == [] and sorted(said) == [303, 409]
