"""Figures of messages: what the database counts is what each message says."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app.core import patience
from app.core.db import db, session, transaction
from app.insights import deliveries, pages, queries, rules, sums
from app.insights.models import DeliverySum
from tests import build
from tests.insights.test_figures import NOW, REFRESH, happened, message

HOUR = timedelta(hours=1)


def sent(one, ana, number=60):
    """Messages of the last five hours that waited by the microsecond and ended in different ways; what each is counted as."""
    chance, truth = random.Random(3), Counter()
    for _ in range(number):
        state, wait = chance.choice(("sent", "delivered", "failed")), chance.randrange(29_000_000, 32_000_000)
        found = message(one, ana, NOW - timedelta(microseconds=chance.randrange(5 * 3600 * 10**6)))
        found.state, found.error = state, "The mailbox is full" if state == "failed" else ""
        found.sent_at = None if state == "failed" else found.queued_at + timedelta(microseconds=wait)
        found.delivered_at = found.sent_at + timedelta(microseconds=wait) if state == "delivered" else None
        hour = int(found.queued_at.timestamp()) // 3600 * 3600
        truth[hour, state, found.error, None if state == "failed" else wait // 10**6] += 1
    return truth


@pytest.mark.both_databases
def test_the_database_counts_each_message_of_an_hour_to_the_second(checkout, ana):
    """INS-16: a row for each way of having waited, however many messages there are; less than nothing is no time."""
    with transaction():
        one = happened(checkout, NOW - 6 * HOUR)
        truth = sent(one, ana)
    since, until = int((NOW - 6 * HOUR).timestamp()), int(NOW.timestamp())
    told = Counter({(each.hour, each.state, each.reason, int(wait)): number for each in sums.sums(since, until)
                    for wait, number in each.queued.items()})
    assert told == Counter({key: number for key, number in truth.items() if key[3] is not None})
    [*rows] = sums.sums(since, until, apart=sums.ALIKE)
    assert sum(each.number for each in rows) == 60 and len(rows) == 3
    assert sum(each.late for each in rows) == sum(number for key, number in truth.items() if (key[3] or 0) > 30)
    arrived = {each.state: sum(each.arrived.values()) for each in rows}
    assert arrived["sent"] == 0 and arrived["delivered"] == sum(number for key, number in truth.items() if key[1] == "delivered")


def test_an_hour_that_is_closed_while_all_sums_are_thrown_away_is_summed_again(checkout, ana, tick, monkeypatch):
    """INS-25: the clock goes on meanwhile; what it summed is thrown away too, and its place with it."""
    with transaction():
        message(happened(checkout, NOW - 60 * HOUR), ana, NOW - 49 * HOUR)
    tick("app.insights.ticks.close_hours")
    clocks = [sums.close_hours]

    @contextmanager
    def ticking():
        with transaction() as left:
            yield left
        if clocks and not session.query(DeliverySum).count():  # the first time that all are gone
            with transaction():
                clocks.pop()()
    monkeypatch.setattr(sums, "AT_ONCE", 1)
    monkeypatch.setattr(sums, "transaction", ticking)
    sums.forget_sums()
    tick("app.insights.ticks.close_hours")
    assert session.query(DeliverySum).filter_by(span=1).one().number == 1


def test_sums_that_are_being_thrown_away_clash_with_no_clock(checkout, ana, tick, monkeypatch):
    """INS-28: half are gone when hours are closed, or the program was ended then: the rest goes first, and all is made again."""
    with transaction():
        for hour in (49, 50, 51):
            message(happened(checkout, NOW - 60 * HOUR), ana, NOW - hour * HOUR)
    tick("app.insights.ticks.close_hours")
    with transaction():
        for name in sums.NAMES:
            sums.mark(name).value = 0
        session.delete(session.query(DeliverySum).filter_by(span=1).first())
    while tick("app.insights.ticks.close_hours"):
        pass
    assert [one.number for one in session.query(DeliverySum).filter_by(span=1)] == [1, 1, 1]


def test_an_hour_that_is_closed_while_a_page_reads_is_counted_once(checkout, ana, get, tick, monkeypatch):
    """INS-16: its late pages as they were looked up, not once more as they were summed meanwhile."""
    with transaction():
        late = message(happened(checkout, NOW - 50 * HOUR), ana, NOW - 49 * HOUR)
        late.sent_at = late.queued_at + timedelta(seconds=100)
    real = deliveries.firsts

    def closing(*asked):
        found = real(*asked)
        tick("app.insights.ticks.close_hours")
        return found
    monkeypatch.setattr(deliveries, "firsts", closing)
    assert [one["first_pages"] for one in get("delivery")["hours_over_target"]] == [1]
    assert session.query(DeliverySum).filter_by(span=1).count() == 1


def test_of_many_services_the_page_shows_the_largest_and_the_table_all(checkout, ana, signed_in, tick, get, monkeypatch):
    """INS-01: the same numbers on the page, as a table and for machines."""
    monkeypatch.setattr(pages, "LARGEST", 2)
    with transaction():
        for number in range(4):
            service = build.service(f"s{number}", team=checkout.team)
            for _ in range(number + 1):
                happened(service, NOW - HOUR, answer=10 * number, end=100)
    tick(REFRESH)
    browser = signed_in(ana)
    shown = browser.get("/insights/response?days=7").text.partition("Severities")[0].partition('id="h-service"')[2]
    assert "2 more are in the" in shown and "service=s3" in shown and "service=s2" in shown and "service=s1" not in shown
    table = list(csv.DictReader(io.StringIO(browser.get("/insights/response.csv?days=7").text)))
    rows = {row["key"]: (int(row["incidents"]), float(row["acknowledge_median"])) for row in table if row["by"] == "service"}
    assert rows == {one["key"]: (one["incidents"], one["acknowledge"]["median"]) for one in get("response", days=7)["by_service"]}
    assert [row["incidents"] for row in table if row["by"] == "all"] == ["10"]


def test_an_hour_over_target_opens_the_messages_that_made_it_so(checkout, ana, charlie, signed_in, get):
    """INS-18: those after the target and no others, while messages are kept; of a private team nobody outside sees any."""
    hidden = build.service("hush", team=build.team("quiet", manager=charlie, private=True))
    with transaction():
        for service, title, wait in ((checkout, "Slow card", 100), (checkout, "Quick card", 30), (hidden, "Of others", 200)):
            late = message(happened(service, NOW - 2 * HOUR, title=title), ana, NOW - 2 * HOUR)
            late.sent_at = late.queued_at + timedelta(seconds=wait)
    browser, hour = signed_in(ana), int((NOW - 2 * HOUR).timestamp())
    assert f"/insights/delivery/late?hour={hour}&amp;" in browser.get("/insights/delivery").text
    assert [(one["first_pages"], one["p99"]) for one in get("delivery")["hours_over_target"]] == [(2, 100)]
    shown = browser.get(f"/insights/delivery/late?hour={hour}").text
    assert "Slow card" in shown and "1 min 40 s" in shown and "Quick card" not in shown and "Of others" not in shown
    assert "is kept" in browser.get(f"/insights/delivery/late?hour={hour - 7200}").text
    assert browser.get("/insights/delivery/late?hour=x").status_code == 404


def slow():
    """A statement without an end."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(text("SELECT pg_sleep(600)"))
    return session.execute(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")).all()


@pytest.mark.both_databases
def test_what_takes_too_long_is_stopped_and_says_so(checkout, ana, client, token, signed_in, monkeypatch):
    """INS-26: after 10 s, for people and for machines; the next page is answered as ever."""
    assert patience.SECONDS == 10
    browser, headers = signed_in(ana), token(ana)
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr(queries, "cells", lambda *_: slow())
        answers = [browser.get("/insights/response"), client.get("/api/v1/insights/response", headers=headers)]
    assert [one.status_code for one in answers] == [503, 503]
    assert all("Choose a shorter period" in one.text for one in answers) and answers[1].mimetype == "application/problem+json"
    monkeypatch.setattr(patience, "SECONDS", 30.0)
    assert browser.get("/insights/response").status_code == client.get("/api/v1/insights/response", headers=headers).status_code == 200


def test_who_gets_the_connection_of_what_was_stopped_has_time(checkout, ana, signed_in, monkeypatch):
    """INS-26: on SQLite, before the page that says so is written."""
    browser, refuse = signed_in(ana), patience.answer

    def meanwhile(*words):
        others = [db.engine.connect() for _ in range(db.engine.pool.checkedin())]
        for one in others:
            one.execute(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT max(i) FROM n"))
            one.close()
        return refuse(*words)
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    monkeypatch.setattr(patience, "answer", meanwhile)
    monkeypatch.setattr(queries, "cells", lambda *_: slow())
    assert browser.get("/insights/response").status_code == 503


def test_the_last_hours_over_target_are_found_behind_many_that_are_within_it(checkout, get, monkeypatch):
    """INS-18: one late page in a hundred is within the target, two are over it."""
    monkeypatch.setattr(deliveries, "OVER", 2)
    closed = int((NOW - 3 * 24 * HOUR).timestamp()) // 3600
    with transaction():
        sums.mark("hours").value = closed
        session.add_all(DeliverySum(
            hour=(closed - back) * 3600, channel="email", state="sent", team_id=checkout.team_id, number=100, firsts=100, late=late,
            first={"1": 100 - late, "40": late}) for back, late in ((1, 1), (2, 1), (3, 0), (4, 1), (5, 1), (6, 2), (7, 9), (8, 9)))
    assert [(one["first_pages"], one["p99"], one["hour"][:13]) for one in get("delivery", days=30)["hours_over_target"]] == [
        (100, 40, f"{rules.instant((closed - back) * 3600):%Y-%m-%dT%H}") for back in (7, 6)]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_looks_incidents_up_instead_of_reading_all(checkout, ana, signed_in, monkeypatch):
    """INS-26: it is told so for a page of figures, until that is answered."""
    browser, said = signed_in(ana), []
    real = deliveries.reached
    monkeypatch.setattr(deliveries, "reached", lambda: said.append(planned()) or real())
    assert browser.get("/insights/delivery").status_code == 200
    assert said == [("1.1", "off")] and planned() != ("1.1", "off")


def planned() -> tuple:
    """How PostgreSQL plans."""
    return tuple(session.execute(select(func.current_setting("random_page_cost"), func.current_setting("jit"))).one())
