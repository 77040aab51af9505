"""A disk that is full: senders are told to come again, nothing is half written, and with room again all goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.core.db import db, session
from app.ingest.models import Delivery
from tests.pager import firing, pager, post


@pytest.fixture
def full(app):
    """`full(True)`: SQLite finds no room for another page from now on, as on a full disk; `full(False)`: it does again."""
    room = {"pages": 1073741823}

    def limit(connection, *_):
        connection.execute(f"PRAGMA max_page_count={room['pages']}")
    event.listen(db.engine, "checkout", limit)

    def turn(on: bool) -> None:
        session.rollback()
        if on:  # what tests before this one left behind is no room
            with closing(sqlite3.connect(str(db.engine.url.database))) as raw:
                raw.execute("VACUUM")
        with db.engine.connect() as connection:
            room["pages"] = connection.scalar(text("PRAGMA page_count")) if on else 1073741823
    yield turn
    event.remove(db.engine, "checkout", limit)
    session.remove()
    db.engine.dispose()  # each connection had its own limit


def test_a_sender_is_told_to_come_again_and_what_was_taken_before_is_whole(app, client, full, run_jobs, smtp):
    """HRD-39: 503 with Retry-After until there is room, never 202; then the same process goes on."""
    house = pager()
    assert post(client, house, firing("First")).status_code == 202
    full(True)
    answers = [post(client, house, {**firing(f"Problem {at}"), "padding": "x" * 60_000}) for at in range(6)]
    assert {answer.status_code for answer in answers} == {503} and all(int(one.headers["Retry-After"]) > 0 for one in answers)
    assert session.query(Delivery).count() == 1 and session.scalar(text("PRAGMA integrity_check")) == "ok"
    full(False)
    assert post(client, house, firing("Second")).status_code == 202
    run_jobs()
    assert session.query(Delivery).filter_by(state="processed").count() == 2 and len(smtp.to("bob@example.com")) == 2


def test_people_read_that_it_is_not_done_and_nothing_is(app, signed_in, payments, ana, full):
    """HRD-39: a form is answered with the same sentence; what was done before stands, and nothing is there by halves."""
    browser = signed_in(ana)
    full(True)
    form = {"title": "By hand", "team": "payments", "description": "x" * 9_000}
    answers = [browser.post("/incidents/new", data=form) for _ in range(8)]
    assert answers[-1].status_code == 503 and "Try again in a few seconds" in answers[-1].text and answers[-1].headers["Retry-After"]
    full(False)
    assert session.scalar(text("SELECT count(*) FROM incidents")) == [one.status_code for one in answers].count(303)


@pytest.mark.parametrize("fault", [OperationalError("", {}, psycopg.errors.DiskFull("full")),
                                   InternalError("", {}, psycopg.errors.ReadOnlySqlTransaction("a standby")), NoConnection()])
def test_a_postgresql_that_can_not_be_written_is_told_alike(client, monkeypatch, fault):
    """HRD-39: full, read only since it failed over, or with no connection left."""
    house = pager()

    def fails(*_, **__):
        raise fault
    monkeypatch.setattr("app.ingest.door.receive", fails)
    answer = post(client, house, firing())
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
