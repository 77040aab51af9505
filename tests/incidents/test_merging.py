"""Merging: what moves, what is refused, what an address then shows, and both given back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden
from app.escalation import service as escalation
from app.identity.models import Team, User
from app.incidents import merging, service
from app.incidents.models import Alert, Incident
from tests import build, pager
from tests.incidents.people import by, kinds

Token = Callable[..., dict[str, str]]


def fresh(number: int) -> Incident:
    session.expire_all()
    return session.get_one(Incident, number)


@pytest.fixture
def two(bob: User, payments: Team) -> tuple[Incident, Incident]:
    """#1 with two alerts, critical; #2 with one, high. Both page."""
    build.policy("payments", (300, [bob]), team=payments)
    made = (build.incident("Cards fail", team=payments, severity="critical"),
            build.incident("Checkout is slow", team=payments, severity="high"))
    for at, (incident, keys) in enumerate(zip(made, (("a", "b"), ("c",)), strict=True)):
        for key in keys:
            build.alert(incident, dedup_key=key, title=f"{at}{key}")
        with transaction():
            escalation.start(fresh(incident.id))
    return made


def test_alerts_go_to_the_other_and_later_signals_count_there(app: Flask, ana: User, two: tuple[Incident, Incident],
                                                             run_jobs: Callable[[], None]) -> None:
    """ESC-38, IPG-16: the run is voided; the worse severity counts."""
    with transaction():
        merging.merge(fresh(1), fresh(2), by=by(ana))
    run_jobs()
    source, target = fresh(1), fresh(2)
    assert (source.status, source.merged_into_id, source.alert_count) == ("resolved", 2, 0)
    assert (target.status, target.severity, target.alert_count) == ("triggered", "critical", 3)
    assert {alert.incident_id for alert in session.query(Alert)} == {2}
    assert escalation.queries.running(1) is None and escalation.queries.running(2) is not None
    assert kinds(source)[-1] == "incident.merged" and "incident.merged_in" in kinds(target)


def test_a_merged_incident_leads_to_the_other_by_page_and_says_so_by_api(
        client: FlaskClient, signed_in: Callable[[User], FlaskClient], ana: User, two: tuple[Incident, Incident],
        token: Token) -> None:
    """IPG-16."""
    browser = signed_in(ana)
    form = browser.get("/incidents/1/merge").text
    assert "2 alerts and 1 person go to the other" in form and "#2 Checkout is slow" in form
    browser.post("/incidents/1/merge", data={"number": "#2"})
    assert browser.get("/incidents/1").location == "/incidents/2?came=1"
    assert "#1 was merged into this one" in browser.get("/incidents/2?came=1").text
    itself = browser.get("/incidents/1?itself=1").text
    assert "Merged into" in itself and "/incidents/1/unmerge" in itself and "/incidents/1/escalate" not in itself
    found = browser.get("/search?q=%231").text
    assert "Take out #1" in found and 'action="/incidents/1/unmerge"' in found and "Reopen" not in found
    assert client.get("/api/v1/incidents/1", headers=token(ana)).json["merged_into"] == 2


@pytest.mark.parametrize(("source", "target"), [(1, 1), (1, 3), (3, 1)])
def test_loops_and_what_is_resolved_are_refused(client: FlaskClient, ana: User, payments: Team, token: Token,
                                               two: tuple[Incident, Incident], source: int, target: int) -> None:
    """IPG-16."""
    build.incident(team=payments, status="resolved", resolved_name="Bob")
    answer = client.post(f"/api/v1/incidents/{source}/merge", json={"into": target}, headers=token(ana))
    assert answer.status_code == 409 and [fresh(one).merged_into_id for one in (1, 2, 3)] == [None] * 3


def test_unmerging_gives_both_back_for_a_day(ana: User, two: tuple[Incident, Incident], run_jobs: Callable[[], None]) -> None:
    """IPG-16, ESC-38: what ended meanwhile stays ended."""
    with transaction():
        merging.merge(fresh(1), fresh(2), by=by(ana))
    with pytest.raises(Conflict), transaction():
        service.reopen(fresh(1), by=by(ana))
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False), pytest.raises(Conflict), transaction():
        merging.unmerge(fresh(1), by=by(ana))
    with transaction():
        merging.unmerge(fresh(1), by=by(ana))
    run_jobs()
    assert [(fresh(one).status, fresh(one).alert_count) for one in (1, 2)] == [("triggered", 2), ("triggered", 1)]
    assert escalation.queries.running(1) is not None
    with pytest.raises(Conflict), transaction():
        merging.unmerge(fresh(1), by=by(ana))


def chained(ana: User, payments: Team) -> None:
    """#1 (alerts a, b) goes into #2 (c), which goes into #3 (d)."""
    build.alert(build.incident("All is slow", team=payments, severity="low"), dedup_key="d")
    for source, target in ((1, 2), (2, 3)):
        with transaction():
            merging.merge(fresh(source), fresh(target), by=by(ana))


def kept() -> dict[int, str]:
    """The alerts of each incident, which counts as many."""
    found: dict[int, str] = {}
    for alert in session.query(Alert).order_by(Alert.dedup_key):
        found[alert.incident_id] = found.get(alert.incident_id, "") + alert.dedup_key
    assert all(fresh(number).alert_count == len(found.get(number, "")) for number in (1, 2, 3))
    return found


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_a_chain_of_merges_each_gets_its_own_alerts_back(
        signed_in: Callable[[User], FlaskClient], ana: User, payments: Team, two: tuple[Incident, Incident],
        order: tuple[int, int]) -> None:
    """IPG-16: also where what it went into was itself merged; the last one's page offers both."""
    chained(ana, payments)
    assert kept() == {3: "abcd"}
    browser = signed_in(ana)
    page = browser.get("/incidents/3").text
    assert "by way of #2" in page and 'action="/incidents/1/unmerge"' in page and 'action="/incidents/2/unmerge"' in page
    browser.post(f"/incidents/{order[0]}/unmerge")
    assert kept() == ({1: "ab", 3: "cd"} if order[0] == 1 else {2: "abc", 3: "d"})
    browser.post(f"/incidents/{order[1]}/unmerge")
    assert kept() == {1: "ab", 2: "c", 3: "d"} and {fresh(number).status for number in (1, 2, 3)} == {"triggered"}


def test_what_went_its_own_way_since_is_not_given_back_with_another(ana: User, payments: Team,
                                                                    two: tuple[Incident, Incident]) -> None:
    """IPG-16: #1 left #2 in #3 and went into #3 by itself; #2 comes back without it, and every timeline says who left."""
    chained(ana, payments)
    for step in (lambda: merging.unmerge(fresh(1), by=by(ana)), lambda: merging.merge(fresh(1), fresh(3), by=by(ana)),
                 lambda: merging.unmerge(fresh(2), by=by(ana))):
        with transaction():
            step()
    assert kept() == {2: "c", 3: "abd"}
    assert all("incident.unmerged_from" in kinds(fresh(number)) for number in (2, 3))


def test_who_may_act_on_one_only_merges_neither(charlie: User, ana: User, two: tuple[Incident, Incident]) -> None:
    build.incident(team=build.team("search", manager=charlie))
    for source, target in ((3, 1), (1, 3)):
        with pytest.raises(Forbidden), transaction():
            merging.merge(fresh(source), fresh(target), by=by(charlie))


def test_an_alert_leads_to_each_raw_payload(client: FlaskClient, signed_in: Callable[[User], FlaskClient],
                                           tick: Callable[[str], object], app: Flask) -> None:
    told = pager.pager()
    pager.post(client, told, pager.firing())
    pager.post(client, told, pager.firing(severity="warning"))
    tick("app.ingest.ticks.drain")
    browser = signed_in(told.bob)
    html = browser.get("/incidents/1/alerts/1").text
    places = re.findall(r'href="(/integrations/prometheus/deliveries/\d+)"', html)
    assert len(places) == 2 and "HighErrorRate" in browser.get(places[0]).text
