"""The log is read by those whose business it is, row by row as it was written."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session, transaction
from app.core.events import Event, Kind, record, sentence
from app.identity.service import save_team, save_user
from app.incidents import service as incidents
from app.incidents.models import Incident
from tests import build

SAID = Kind("story.said", "{actor} said {what}", ("what", "before", "after"))


def say(what, subject="log", *, by=SYSTEM, **more):
    """One event."""
    with transaction():
        record(SAID, subject, by=by, what=what, **more)


def acting(person, ip="192.0.2.7"):
    """The person at their screen."""
    return Actor(person.ref, person.name, "web", person.id, ip=ip)


def said(browser, query=""):
    """What the page shows of our events, newest first."""
    page = browser.get(f"/api/v1/events?kind=story.*{query}").json["items"]
    return [fact["data"]["what"] for fact in page]


def test_each_row_opens_to_what_was_before_and_after(signed_in, olga, ana):
    """IDN-42, and the page's own promise."""
    with transaction():
        save_user({"email": ana.email, "name": "Ana Maria", "time_zone": "Europe/Berlin"}, by=acting(olga))
    shown = signed_in(olga).get("/audit").text
    for words in ("Olga changed Ana Maria", "192.0.2.7", "Europe/Berlin", 'scope="row">time_zone</th>'):
        assert words in shown
    assert '>role</th>' not in shown and "password_hash" not in shown


@pytest.mark.both_databases
def test_filters_narrow_by_person_kind_subject_team_time_and_address(app, signed_in, olga, ana, payments):
    browser, start = signed_in(olga), clock.now()
    say("one", "user:9", by=acting(ana))
    say("two", payments.ref, by=acting(olga, ip="198.51.100.4"))
    with time_machine.travel(start + timedelta(days=3)):
        say("three", "team:99")
    later = clock.rfc3339(start + timedelta(days=2))
    asked = {"&person=ANA@example.com": ["one"], "&subject=user:9": ["one"], "&team=payments": ["two"],
             "&address=192.0.2.7": ["one"], "&address=198.51.*": ["two"], f"&from={later}": ["three"],
             f"&to={later}": ["two", "one"], "&person=nobody@example.com": [], "&actor=system": ["three"],
             "": ["three", "two", "one"], "&team=unknown": []}
    assert {query: said(browser, query) for query in asked} == asked
    page = browser.get("/audit?person=ana@example.com&kind=story.*").text
    assert "Ana said one" in page and "said two" not in page and "by ana@example.com" in page


def test_a_filter_that_can_not_be_read_shows_nothing_and_says_so(signed_in, olga):
    page = signed_in(olga).get("/audit?from=yesterday").text
    assert "from is not a time like" in page and "No entry fits" in page
    assert signed_in(olga).get("/audit.csv?from=yesterday").status_code == 422


@pytest.mark.both_databases
def test_managers_see_their_teams_in_one_correctly_paged_list(signed_in, ana, bob, olga, payments):
    """IDN-42: what happened to both teams, their members and incidents; each once, and nothing of others."""
    second, other = build.team("search", manager=ana), build.team("others", manager=olga)
    found = {team.key: build.incident(team=team) for team in (payments, second, other)}
    for incident in found.values():
        with transaction():
            incidents.acknowledge(session.get_one(Incident, incident.id), by=acting(olga))
    for number in range(30):
        say(number, (payments, second, other)[number % 3].ref)
    browser, seen, cursor = signed_in(ana), [], ""
    while cursor is not None:
        page = browser.get("/api/v1/events", query_string={"limit": 7, **({"cursor": cursor} if cursor else {})}).json
        seen, cursor = seen + page["items"], page["next"]
    assert [one["data"]["what"] for one in seen if one["kind"] == "story.said"] == [
        number for number in reversed(range(30)) if number % 3 < 2]
    assert [one["subject"] for one in seen if one["kind"] == "incident.acknowledged"] == [
        found["search"].ref, found["payments"].ref]
    assert len({one["id"] for one in seen}) == len(seen) and said(browser, "&team=others") == []


def test_observers_and_responders_do_not_read_the_log(app, signed_in, ana, bob, charlie, payments):
    """IDN-42: nor are they shown the way."""
    eve = build.user("eve")
    build.team("watched", observers=[eve])
    for person in (bob, charlie, eve):
        browser = signed_in(person)
        for path in ("/audit", "/audit.csv", "/api/v1/events"):
            assert browser.get(path).status_code == 403
        assert 'href="/audit"' not in browser.get("/teams").text
    assert 'href="/audit"' in signed_in(ana).get("/teams").text


def test_the_export_holds_exactly_the_filtered_rows(signed_in, olga, ana, monkeypatch):
    monkeypatch.setattr("app.identity.audit.BATCH", 3)
    for number in range(10):
        say(f"=HYPERLINK({number})", by=acting(ana))
    say("other", by=acting(olga))
    browser = signed_in(olga)
    answer = browser.get("/audit.csv?person=ana@example.com&kind=story.*")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert "attachment" in answer.headers["Content-Disposition"] and answer.mimetype == "text/csv"
    assert [json.loads(row["data"])["what"] for row in rows] == [f"=HYPERLINK({at})" for at in reversed(range(10))]
    assert {row["actor_name"] for row in rows} == {"Ana"} and not any(
        cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    exported = browser.get("/audit.json?person=ana@example.com&kind=story.*").json
    assert exported == browser.get("/api/v1/events?person=ana@example.com&kind=story.*").json["items"]


def test_the_page_says_whether_the_chain_is_whole(signed_in, olga, tick):
    """IDN-40"""
    for number in range(5):
        say(number)
    tick("app.core.chain.seal")
    browser = signed_in(olga)
    assert "5 entries are sealed in a chain" in browser.get("/audit").text
    with transaction():
        session.execute(text("UPDATE events SET actor_name = 'Mallory' WHERE id = 4"))
    assert "The log was tampered with" in browser.get("/audit").text


def test_nothing_changes_or_deletes_an_event(app):
    """IDN-40: no route does more than read."""
    rules = [rule for rule in app.url_map.iter_rules() if "audit" in rule.rule or rule.rule == "/api/v1/events"]
    assert len(rules) == 4 and all(rule.methods <= {"GET", "HEAD", "OPTIONS"} for rule in rules)


def test_a_thousand_refusals_are_one_event(signed_in, token, bob, payments, tick):
    """IDN-39, HRD-04: who, what and from where, with the count; written within the next minute."""
    browser, start = signed_in(bob), clock.now()
    for _ in range(20):
        assert browser.get("/audit").status_code == 403
    assert browser.post("/teams/payments", data={"name": "Mine"}).status_code == 403
    browser.get("/api/v1/me")
    with time_machine.travel(start + timedelta(minutes=2)):
        tick("app.identity.ticks.note_refusals")
        tick("app.identity.ticks.note_refusals")
    found = session.scalars(select(Event).where(Event.kind == "access.refused").order_by(Event.id)).all()
    assert sorted((one.actor, one.data["what"], one.data["number"]) for one in found) == [
        (bob.ref, "GET /audit", 20), (bob.ref, "POST /teams/<key>", 1)]
    assert found[0].ip == "127.0.0.1" and sentence(found[0]).startswith("Bob was refused ")


def test_what_changed_nothing_writes_nothing(app, olga, payments):
    """IDN-39"""
    with transaction():
        save_team({"key": "payments", "name": "Payments"}, by=acting(olga))
        save_user({"email": olga.email, "name": "Olga"}, by=acting(olga))
    assert session.scalars(select(Event)).all() == []
