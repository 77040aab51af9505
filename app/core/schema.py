"""The database's shape: bringing it up to date, and whether it is."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import Migrate, upgrade
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from app.core.db import Base, db
from app.core.errors import Invalid

LOCK = 7_113_942_001
IS_STANDBY = "SELECT pg_is_in_recovery()"


def attach() -> str:
    """Give the present application its migrations, once; returns their folder. Only who migrates pays for it."""
    folder = str(current_app.config["ROOT"] / "migrations")
    if "migrate" not in current_app.extensions:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        Migrate(app, db, directory=folder, render_as_batch=True, compare_type=True)
    return folder


def head() -> str:
    """The newest revision that this program knows."""
    found = ScriptDirectory(str(current_app.config["ROOT"] / "migrations")).get_current_head()
    return found or ""


def present() -> str:
    """The revision the database is at; "" before the first migration."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def require_reach() -> None:
    """Raise one of AWAY while PostgreSQL can't be reached, or only be read. A file of SQLite needs nobody to be there."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            if connection.scalar(text(IS_STANDBY)):
                raise OperationalError("", {}, Exception("it is a standby, which can only be read"))


def migrate() -> bool:
    """Bring the database up to date; two at once: one waits. Says whether anything was to do."""
    with _one_at_a_time():
        if present() == head():
            return False
        logging.getLogger("alembic").setLevel(logging.WARNING)
        upgrade(directory=attach())
        return True


def require_known(revision: str) -> None:
    """Raise Invalid for a revision that this program does not know."""
    known = {one.revision for one in ScriptDirectory(str(current_app.config["ROOT"] / "migrations")).walk_revisions()}
    if revision not in known:
        raise Invalid("This was made by a newer version. Install that one first.")


def remove_all() -> None:
    """Take every table of ours out of the database, with what is in it."""
    with _one_at_a_time(), db.engine.begin() as connection:
        ours = set(inspect(connection).get_table_names()) & {*Base.metadata.tables, "alembic_version"}
        if db.engine.dialect.name == "postgresql":
            for name in sorted(ours):
                connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
            return
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        texts = connection.scalars(text("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")).all()
        for name in [*texts, *sorted(ours)]:
            connection.execute(text(f'DROP TABLE "{name}"'))


def migrate_to(revision: str) -> None:
    """Bring an empty database to this revision. Raises Invalid for one that this program does not know."""
    require_known(revision)
    with _one_at_a_time():
        logging.getLogger("alembic").setLevel(logging.WARNING)
        upgrade(directory=attach(), revision=revision)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if db.engine.dialect.name != "postgresql":
        with _file_locked(db.engine.url.database):
            yield
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK})")):
            time.sleep(0.2)  # a statement that waits would be waited for by an index that is made beside the work
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))


@contextmanager
def _file_locked(path: str | None) -> Iterator[None]:
    """On SQLite: a lock beside the file, which ends with the process that holds it."""
    if not path:
        yield
        return
    with open(f"{path}.migrate", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
