"""The inbox costs little however full it is: what deliveries need is asked for all together, and found by an index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from sqlalchemy import Select, event
from sqlalchemy.exc import OperationalError

from app.core import clock
from app.core.db import db, session
from app.incidents.models import Alert
from app.ingest import queries, ticks
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, pager, post


@pytest.fixture
def statements(app: Any) -> Iterator[list[str]]:
    """Every statement that reaches the database from now on."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        heard.append(statement)
    event.listen(db.engine, "before_cursor_execute", hear)
    yield heard
    event.remove(db.engine, "before_cursor_execute", hear)


@pytest.mark.both_databases
def test_a_hundred_repeats_are_counted_with_less_than_one_statement_each(app, client, statements, monkeypatch):
    """ING-06: what a storm of known problems costs."""
    monkeypatch.setattr(ticks, "LASTS", 60)
    house = pager()
    for at in range(110):
        post(client, house, firing(f"Problem {at % 10}"), **{"Idempotency-Key": f"key-{at}"})
        if at == 9:
            ticks.drain()
    statements.clear()
    ticks.drain()
    assert len(statements) < 60
    assert [alert.count for alert in session.query(Alert)] == [11] * 10
    assert {row.state for row in session.query(Delivery)} == {"processed"}


@pytest.mark.both_databases
def test_what_is_read_together_is_applied_in_the_order_of_arrival(app, client):
    """ING-17, ING-27: one drain opens, ends and opens another; a key that another body had is noted."""
    house = pager()
    for status in ("firing", "firing", "resolved", "resolved", "firing"):
        post(client, house, firing(status=status), **{"Idempotency-Key": f"key-{status}"})
    post(client, house, firing("Another"), **{"Idempotency-Key": "key-firing"})
    ticks.drain()
    session.expire_all()
    assert [row.note for row in session.query(Delivery).order_by(Delivery.id) if row.state == "processed"] == [
        "opened #1", "incident resolved", "opened #2; key used with another body"]


@pytest.mark.both_databases
def test_one_that_breaks_takes_no_other_with_it(app, client, monkeypatch):
    """ING-26: a fault of ours in the midst of a batch undoes it; then each is worked on alone."""
    house, again = pager(), ticks.pipeline.judged

    def break_at(signal: Any, delivery: Any, batch: Any) -> Any:
        if "Broken" in signal.title:
            raise ZeroDivisionError
        return again(signal, delivery, batch)
    monkeypatch.setattr(ticks.pipeline, "judged", break_at)
    for name in ("One", "Broken", "Two"):
        post(client, house, firing(name))
    ticks.drain()
    session.expire_all()
    assert [row.state for row in session.query(Delivery).order_by(Delivery.id)] == ["processed", "received", "processed"]
    assert [alert.title for alert in session.query(Alert).order_by(Alert.id)] == ["One is too high", "Two is too high"]


def test_a_disk_that_is_full_for_minutes_fails_no_delivery(app, client, monkeypatch):
    """HRD-39: what was accepted waits until there is room; a fault of ours would have ended it after five tries."""
    def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))
    house = pager()
    post(client, house, firing("One"))
    with time_machine.travel(clock.now(), tick=False) as now:
        with monkeypatch.context() as disk:
            disk.setattr(ticks.pipeline, "judged", full)
            for _ in range(12):
                ticks.drain()
                now.shift(60)
        session.expire_all()
        assert session.query(Delivery).one().attempts == 12
        ticks.drain()
    assert [alert.title for alert in session.query(Alert)] == ["One is too high"]


@pytest.mark.both_databases
def test_each_integration_with_something_in_its_inbox_is_found(app, client):
    """By leaps: those with nothing to do cost nothing."""
    pager()
    for key in ("one", "two", "three"):
        build.integration(key, plugin="webhook")
        client.post(f"/in/token-of-{key}-0123456789", data=json.dumps({"title": key, "status": "resolved"}))
        if key == "two":
            ticks.drain()
    assert queries.with_inbox() == [queries.integration_by_key("three").id]
    client.post("/in/token-of-one-0123456789", data=json.dumps({"title": "one more", "status": "resolved"}))
    assert queries.with_inbox() == [queries.integration_by_key(key).id for key in ("one", "three")]


@pytest.mark.both_databases
def test_the_inbox_and_a_key_that_was_used_are_found_by_an_index(app):
    """QUAL-05: however many deliveries an integration has had. On SQLite the migrated tables tell (test_migrations)."""
    for query, index in ((ticks.inbox(1, 20), "ix_deliveries_unprocessed"), (queries.reusing_query([1]), "uq_deliveries_original")):
        assert index in plan(query) or (db.engine.dialect.name, index) == ("sqlite", "ix_deliveries_unprocessed")
        session.rollback()


def plan(query: Select[Any]) -> str:
    """How the database would answer."""
    text = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True})).replace("%%", "%")
    run = session.connection().exec_driver_sql
    if db.engine.dialect.name == "sqlite":
        return " ".join(row[-1] for row in run(f"EXPLAIN QUERY PLAN {text}"))
    run("ALTER TABLE deliveries DROP CONSTRAINT pk_deliveries CASCADE")  # until the roll-back: of a table that holds
    run("DROP INDEX ix_deliveries_integration_id_id")  # nothing PostgreSQL may use any index, so those it may not are left
    run("SET LOCAL enable_seqscan = off")
    return " ".join(row[0] for row in run(f"EXPLAIN {text}"))
