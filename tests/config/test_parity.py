"""What another product recorded beside what happened here: each problem, each page, each reason."""

from __future__ import annotations

import csv
import io
import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from app.config import parity
from app.config.models import Errand
from app.config.parity_rules import Case, paired, percentage
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.importing import Paged
from app.notifications.models import Message
from tests import build
from tests.config.documents import apply
from tests.config.records import RECORDS
from tests.config.test_importing import EXPORTS, NOW

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
each_source = pytest.mark.parametrize("source", sorted(RECORDS))


def case(id, at=0, *, title="Disk full", key="", pages=()):
    """A problem that began `at` seconds after the start; pages are (email, seconds)."""
    return Case(id, title, START + timedelta(seconds=at), frozenset(filter(None, [key])), frozenset({title.casefold()}),
                tuple(Paged(f"{who}@example.com", START + timedelta(seconds=after), "sms") for who, after in pages))


def told(there, here):
    return [(pair.where, pair.apart, pair.same_people, pair.cause) for pair in paired(there, here, lambda _: "it did not come")]


def test_the_same_key_or_title_within_two_minutes_is_the_same_problem():
    """MIG-30: the nearest belong together, a key counts for more than a title."""
    there, here = [case("P1", key="k"), case("P2", 60)], [case("#1", 30, title="Another", key="k"), case("#2", 179)]
    assert [(pair.there.id, pair.here.id) for pair in paired(there, here, str)] == [("P1", "#1"), ("P2", "#2")]
    assert [pair.where for pair in paired([case("P1")], [case("#1", 121)], lambda _: "late")] == ["there", "here"]


@pytest.mark.parametrize(("there", "here", "said"), [
    ([("ana", 10)], [("ana", 70)], ("both", 60, True, "")),
    ([("ana", 10)], [("ana", 71)], ("both", 61, True, "ana@example.com was paged 61 s later here")),
    ([("ana", 90)], [("ana", 5)], ("both", -85, True, "ana@example.com was paged 85 s earlier here")),
    ([("ana", 0)], [("bob", 0)], ("both", 0, False, "ana@example.com was paged there only; bob@example.com was paged here only")),
    ([("ana", 0)], [], ("both", None, False, "nobody was paged here")),
    ([("ana", 0), ("ana", 300)], [("ana", 1)], ("both", 1, True, ""))])
def test_first_pages_are_compared_person_by_person(there, here, said):
    """MIG-30: seconds apart, the same people or not, and a cause for each mismatch."""
    assert told([case("P1", pages=there)], [case("#1", pages=here)]) == [said]


def test_what_was_on_one_side_only_has_its_cause_and_counts_against_parity():
    """MIG-30."""
    there, here = [case("P1"), case("P2", title="Slow"), case("P3", title="Fast")], [case("#1"), case("#2", 500, title="Slow")]
    assert told(there, here) == [("both", None, True, ""), ("there", None, False, "it did not come"),
                                 ("there", None, False, "it did not come"), ("here", None, False, "P2 there began 500 s earlier")]
    assert percentage(paired(there, here, lambda _: "it did not come")) == 25.0
    assert percentage([]) == 100.0


def test_what_was_answered_there_pages_nobody_here_from_then_on():
    """MIG-23: in shadow escalation goes on as if nobody answered; with the answers of the old tool it is as recorded."""
    there = replace(case("P1", pages=[("ana", 0)]), answered=START + timedelta(minutes=2))
    here = case("#1", 30, pages=[("ana", 30), ("bob", 330), ("carol", 630)])
    pair, = paired([there], [here], str)
    assert (pair.cause, pair.same_people, pair.here.later) == ("", True, 2)
    assert "bob@example.com was paged here only" in told([replace(there, answered=None)], [here])[0][3]
    early = replace(here, answered=START + timedelta(minutes=1))
    assert paired([there], [early], str)[0].here.later == 0
    silent, = paired([replace(there, answered=START)], [case("#1", 30, pages=[("ana", 90)])], str)
    assert silent.cause == "nobody was paged here: it was answered there before"


@each_source
def test_each_source_tells_when_it_was_answered(app, source):
    """MIG-23: by its log, its report, or its times; what never was has none."""
    importer, record = app.extensions["plugins"].importers[source], deepcopy(RECORDS[source])
    assert [one.answered for one in importer.happened(record)] == [None]
    if source == "pagerduty":
        record["log_entries"]["log_entries"] += [{"id": f"R{at}", "type": f"{word}_log_entry", "incident": {"id": "Q1"}, "created_at": (
            f"2026-03-02T10:0{at}:00Z")} for at, word in ((7, "resolve"), (6, "acknowledge"))]
    elif source == "opsgenie":
        record["alerts"]["data"][0]["report"] = {"ackTime": 359_000, "closeTime": 500_000, "acknowledgedBy": "ana@example.com"}
    else:
        record["alert_groups"]["results"][0] |= {"acknowledged_at": "2026-03-02T10:06:00Z", "resolved_at": "2026-03-02T10:07:00Z"}
    assert [one.answered for one in importer.happened(record)] == [START + timedelta(minutes=6)]


@pytest.fixture
def happened(app, client, ana, bob, payments, tick):
    """The checkout failed at ten; Ana was paged at once and Bob five minutes later."""
    policy = build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    with time_machine.travel(START, tick=False) as now:
        build.service("checkout", team=payments, policy=policy)
        build.integration("sender", team=payments)
        client.post("/in/token-of-sender-0123456789", json={
            "title": "Checkout is down", "service": "checkout", "dedup_key": "checkout/down", "severity": "critical"})
        tick("app.ingest.ticks.drain")
        now.shift(timedelta(minutes=5))
        tick("app.escalation.ticks.advance")
        with transaction():
            session.execute(update(Message).where(Message.state == "queued").values(state="unsent"))
        yield now


@each_source
def test_each_sources_record_of_the_same_night_agrees_wholly(app, happened, olga, source):
    """MIG-30: incidents and notifications in the shapes of the three products; in shadow what would have left counts."""
    report = parity.compared(app.extensions["plugins"].importers[source], RECORDS[source], (START, START + timedelta(hours=1)),
                             parity.renaming({}))
    pair, = report["pairs"]
    assert (report["percentage"], pair["where"], pair["cause"], pair["same_people"]) == (100.0, "both", "", True)
    assert pair["first_there"] == "2026-03-02T10:00:02.000Z" and abs(pair["apart"]) <= 2
    assert pair["people_here"] == ["ana@example.com", "bob@example.com"]


def test_what_did_not_come_and_what_joined_another_is_told(app, happened, olga):
    """MIG-30: a cause for each mismatch."""
    quiet = case("P9", title="Nobody sends this", key="other")
    assert "its sender does not send here yet" in parity.why_not_here(quiet)
    assert "joined incident #1" in parity.why_not_here(case("P8", 100, key="checkout/down"))


def upload(browser, source, **more):
    files = [(io.BytesIO(json.dumps(answer).encode()), f"{path}.json") for path, answer in RECORDS[source].items()]
    return browser.post("/configuration/parity", data={"source": source, "files": files, "since": "2026-03-02T00:00",
                                                       "until": "2026-03-03T00:00", **more})


def test_the_page_shows_the_report_and_gives_it_as_csv(happened, signed_in, olga):
    """MIG-30: total percentage, filters, CSV."""
    browser = signed_in(olga)
    answer = upload(browser, "pagerduty")
    assert answer.status_code == 303, answer.text
    address = answer.headers["Location"]
    assert "100.0 %" in (page := browser.get(address).text) and "Checkout is down" in page
    assert "Checkout is down" not in browser.get(f"{address}?only=there").text
    row, = csv.DictReader(io.StringIO(browser.get(f"{address}/parity.csv").text))
    assert (row["where"], row["people_there"], row["cause"]) == ("both", "ana@example.com, bob@example.com", "")
    assert upload(browser, "pagerduty", until="2026-04-03T00:00").status_code == 422


def test_machines_compare_too(happened, client, token, olga):
    head = token(olga)
    body = {"source": "opsgenie", "from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z", "data": RECORDS["opsgenie"]}
    made = client.post("/api/v1/parity-reports", json=body, headers=head)
    assert (made.status_code, made.json["percentage"], len(made.json["pairs"])) == (201, 100.0, 1), made.text
    assert client.get(f"/api/v1/parity-reports/{made.json['id']}", headers=head).json == made.json


def test_duty_ahead_is_compared_with_what_the_source_says(app, olga, payments):
    """The next 60 days, second by second; a schedule that is not here is said."""
    with time_machine.travel(NOW, tick=False):
        importer = app.extensions["plugins"].importers["pagerduty"]
        missing = parity.duty(importer, EXPORTS["pagerduty"], parity.renaming({}))
        assert [(one["key"], one["missing"]) for one in missing] == [("payments-primary", True)]
        apply(importer.convert(EXPORTS["pagerduty"], NOW).document)
        same, = parity.duty(importer, EXPORTS["pagerduty"], parity.renaming({}))
        assert same["compared"] > 0 and same["differing"] == 0 and not same["missing"]


def test_a_record_without_incidents_or_a_window_too_long_is_refused(app, olga):
    by = Actor(olga.ref, olga.name, via="web", user_id=olga.id)
    with pytest.raises(Invalid, match="no incident"):
        parity.reported("pagerduty", {"users": {"users": []}}, START, START + timedelta(days=1), by=by)
    with pytest.raises(Invalid, match="31 days"):
        parity.reported("pagerduty", {}, START, START + timedelta(days=32), by=by)
    assert session.scalar(select(Errand.id)) is None
