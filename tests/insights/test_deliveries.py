"""Figures of messages: what the database counts is what each message says."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import timedelta

import pytest

from app.core.db import transaction
from app.insights import pages, sums
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
