"""A place apart for what is only looked at: on SQLite a copy, so that what is played there takes nobody's turn to write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from app.core.db import db, session

_one = threading.Lock()


@contextmanager
def aside() -> Iterator[None]:
    """Let `session` work on a copy of the database for a while; rows read before belong to the live one.

    SQLite has one writer: whoever only plays would hold up what is real. PostgreSQL has many, and needs no copy. There is
    one copy at a time, so that many who ask at once do not fill the disk.
    """
    if db.engine.dialect.name != "sqlite":
        yield
        return
    with _one:
        yield from _on_copy()


def _on_copy() -> Iterator[None]:
    registry: Any = session.registry
    live, copy = session(), _copied()
    registry.set(Session(copy, expire_on_commit=False))
    try:
        yield
    finally:
        session().close()
        registry.set(live)
        copy.dispose()


def _copied() -> Engine:
    """In a file of SQLite's own that is gone when it is closed. Writers go on meanwhile: it reads one moment of the log."""
    place = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    source: Any = db.engine.raw_connection()
    try:
        source.driver_connection.backup(place)
    finally:
        source.close()
    place.execute("PRAGMA foreign_keys=ON")
    engine = create_engine("sqlite://", creator=lambda: place, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine
