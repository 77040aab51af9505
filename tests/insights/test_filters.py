"""Filters: each page takes those that it counts by, and names of hidden things stay hidden."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.core.db import session, transaction
from app.incidents.models import Incident
from app.insights import rollups, service
from app.insights.filters import NAMES, TAKES
from app.insights.models import IncidentFact
from tests import build
from tests.insights.conftest import NOW
from tests.insights.test_figures import REFRESH, happened
from tests.oncall.test_service import person


@pytest.mark.parametrize("kind", ["response", "load", "noise", "delivery"])
def test_machines_are_told_of_a_filter_that_would_change_nothing(checkout, get, kind):
    """Of every name: taken, or refused at it."""
    for name in NAMES:
        value = {"severity": "high", "urgency": "high", "person": "ana@example.com"}.get(name, "payments")
        if name not in TAKES[kind]:
            assert [one["field"] for one in get(kind, 422, **{name: value})["errors"]] == [name]
        elif name not in ("service", "integration"):
            assert get(kind, **{name: value})["filters"] == {name: value}


def test_pages_offer_what_they_take_and_tabs_carry_no_more(checkout, signed_in, ana):
    """A severity says nothing of messages; a person nothing of incidents."""
    browser = signed_in(ana)
    shown = browser.get("/insights/delivery?severity=high&team=payments").text
    assert "Severity: high" not in shown and 'name="severity"' not in shown and 'name="tag"' not in shown
    shown = browser.get("/insights/load?person=ana@example.com&team=payments").text
    assert 'name="person"' in shown and 'name="urgency"' not in shown
    [tab] = [part for part in shown.split("<a ") if part.startswith('href="/insights/delivery?')]
    assert "team=payments" in tab and "person" not in tab


def test_names_of_hidden_services_are_in_no_group_and_no_table(checkout, get, signed_in, tick, olga, ana):
    """INS-07: Payments' incident about a service of a private team; what belongs to nobody can be chosen."""
    hush = build.service("hush", team=build.team("quiet", manager=olga, private=True))
    build.integration("nobodys", plugin="alertmanager")
    with transaction():
        one = happened(checkout, NOW - timedelta(hours=1))
        session.get_one(Incident, one.id).service_id = hush.id
    tick(REFRESH)
    assert [each["name"] for each in get("response")["by_service"]] == ["hidden"]
    browser = signed_in(ana)
    assert ",Payments,,medium," in (table := browser.get("/insights/incidents.csv").text) and "hush" not in table.lower()
    shown = browser.get("/insights").text
    assert "hush" not in shown.lower() and "nobodys" in shown


def test_a_mark_stands_while_the_facts_are_made_anew(checkout, tick, ana):
    """INS-14: the row that was read is gone when the mark is written."""
    with transaction():
        one = happened(checkout, NOW - timedelta(hours=1))
    tick(REFRESH)
    with transaction():
        fact = session.get_one(IncidentFact, one.id)
        session.execute(delete(IncidentFact), execution_options={"synchronize_session": False})
        assert service.mark_noise(session.get_one(Incident, one.id), "a deploy", by=person(ana)).reason == "a deploy"
        session.expunge(fact)


def test_who_makes_all_anew_holds_the_place_in_the_log(checkout, tick, monkeypatch):
    """INS-25: in each batch, before the facts are made."""
    with transaction():
        happened(checkout, NOW - timedelta(hours=1))
    calls, mark, keep = [], rollups.mark, rollups.keep
    monkeypatch.setattr(rollups, "mark", lambda name: calls.append(name) or mark(name))
    monkeypatch.setattr(rollups, "keep", lambda ids: calls.append("keep") or keep(ids))
    said = []
    rollups.rebuild(lambda done, of: said.append((done, of)))
    assert calls[:3] == ["log", "log", "keep"] and said == [(1, 1)]


def test_a_manager_asks_for_a_person_although_there_are_other_teams(checkout, client, token, ana, bob, charlie):
    """INS-13: of a second team she sees the sums; who manages none is refused."""
    build.schedule("primary", team=checkout.team, turns=[[bob]])
    build.team("others", manager=charlie)
    said = client.get("/api/v1/insights/load?person=bob@example.com", headers=token(ana))
    assert said.status_code == 200
    assert {one["key"]: [each["name"] for each in one["people"]] for one in said.json["teams"]} == {"others": [], "payments": ["Bob"]}
    assert client.get("/api/v1/insights/load?person=ana@example.com", headers=token(bob)).status_code == 403


def test_a_tag_chooses_what_it_chooses_in_the_catalogue(checkout, get, tick):
    """Whole tags, whatever their letters; a sign of a pattern is a sign."""
    with transaction():
        session.merge(checkout).tags = ["tier_1"]
        happened(checkout, NOW - timedelta(hours=1))
    tick(REFRESH)
    assert [get("response", tag=tag)["incidents"] for tag in ("Tier_1", "tier_1", "tier", "tierx1")] == [1, 1, 0, 0]
