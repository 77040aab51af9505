"""The partner log: everything once, filtered, paged, exported, and gone after 90 days."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.core import clock, retention
from app.core.db import session
from app.core.events import Event
from app.partners import journal
from app.partners.models import Entry

API = "/api/v1/partners"


def test_the_log_is_filtered_paged_and_exported_exactly(outside, inside, signed_in, client, olga, token):
    """PTN-20: any combination; pages without repeats; PTN-19: each thing once."""
    browser = inside(outside.pat)
    for slug in ("shop", "other", "shop"):
        browser.get(f"/partner/pages/{slug}")
    admin = signed_in(olga)
    assert "Denied" in admin.get("/partners/-/log?kind=denied&page=other").text
    assert "No entry fits" in admin.get("/partners/-/log?kind=denied&page=shop").text
    rows = list(csv.DictReader(io.StringIO(admin.get("/partners/-/log.csv?kind=page_viewed&email=PAT@partner.example").text)))
    assert [(row["kind"], row["page"]) for row in rows] == [("page_viewed", "shop")] * 2
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"{API}/{outside.pat.id}/log", query_string=query, headers=token(olga)).json
        assert "items" in answer, answer
        seen, cursor = seen + [row["kind"] for row in answer["items"]], answer["next"]
    assert seen == ["page_viewed", "denied", "page_viewed", "link_redeemed", "link_requested", "granted", "created"]
    assert "not a time" in admin.get("/partners/-/log?from=yesterday").text
    assert admin.get("/partners/-/log.csv?from=yesterday").status_code == 422


def test_managers_read_of_their_pages_and_do_not_export(outside, inside, signed_in, client, ana, token):
    """PTN-22"""
    browser = inside(outside.pat)
    browser.get("/partner/pages/shop")
    browser.get("/partner/pages/other")
    hers = signed_in(ana)
    rows = client.get(f"{API}/{outside.pat.id}/log", headers=token(ana)).json["items"]
    assert {(row["kind"], row["page"]) for row in rows} == {("page_viewed", "shop"), ("granted", "shop")}
    assert "Denied" not in hers.get("/partners/-/log?kind=denied").text.partition("Entries")[2]
    assert hers.get("/partners/-/log.csv").status_code == 403


@pytest.mark.parametrize("args", [{}, {"partner": "1"}, {"email": "a@b.example"}, {"page": "shop"}, {"kind": "denied"},
                                  {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}])
def test_however_many_rows_there_are_an_index_finds_them(outside, args):
    """PTN-20: no filter reads the whole table."""
    query = journal.rows(args, pages=None).order_by(Entry.at.desc(), Entry.id.desc()).limit(51)
    text = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
    plan = " ".join(row[-1] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "USING INDEX ix_partner_log" in plan and "TEMP B-TREE" not in plan


@pytest.mark.both_databases
def test_rows_older_than_90_days_go_and_younger_ones_stay(outside, tick, monkeypatch):
    """PTN-21: in batches, recorded with the count."""
    monkeypatch.setattr(retention, "BATCH", 3)
    old, young = clock.now() - timedelta(days=90, seconds=1), clock.now() - timedelta(days=89)
    with session.begin_nested():
        session.execute(insert(Entry), [{"kind": "denied", "at": at, "email": "x", "slug": "", "actor_name": "", "detail": "",
                                         "ip": "", "agent": ""} for at in [old] * 7 + [young]])
    session.commit()
    assert tick("app.core.retention.purge") == {"partner_log": 7} and tick("app.core.retention.purge") == {}
    assert session.query(Entry).filter_by(kind="denied").count() == 1
    assert [event.data["number"] for event in session.query(Event).filter_by(kind="retention.removed")] == [7]


def test_nothing_but_the_purge_takes_rows_away(app):
    """PTN-21: no route changes or deletes a row."""
    logs = [rule for rule in app.url_map.iter_rules() if "/log" in rule.rule and "partners" in rule.rule]
    assert len(logs) == 3 and all(rule.methods <= {"GET", "HEAD", "OPTIONS"} for rule in logs)


def test_the_caller_is_who_the_proxy_says_and_no_header_breaks_the_log(outside, client, log):
    """PTN-23: with no trusted proxy a forged address changes nothing; 10 kB of agent are cut."""
    client.post("/partner/login", data={"email": "pat@partner.example"},
                headers={"X-Forwarded-For": "203.0.113.9", "User-Agent": "A" * 10_000})
    row = log("link_requested")[0]
    assert row.ip == "127.0.0.1" and row.agent == "A" * 300
