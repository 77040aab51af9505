"""The database: base class, column types, and the only `commit()` in the house."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import Format
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    TypeDecorator,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

from app.core.masking import storable
from app.core.one_writer import write_lock

NAMES = {"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
         "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s",
         "pk": "pk_%(table_name)s"}


class Instant(TypeDecorator[datetime]):
    """An instant in UTC: aware in Python on both databases. Refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What its values are, also for cursors of lists."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC for PostgreSQL, naive UTC for SQLite."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")
Key = Annotated[int, mapped_column(BigId, primary_key=True)]


def foreign(target: str, **options: Any) -> Any:
    """A nullable-by-annotation foreign key column on `table.column`."""
    return mapped_column(BigId, ForeignKey(target), **options)


class Base(DeclarativeBase):
    """The parent of every table."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: Instant, dict[str, Any]: Json, list[Any]: Json, list[str]: Json,
                             list[int]: Json, list[dict[str, str]]: Json, dict[str, str]: Json})

    @property
    def ref(self) -> str:
        """Short reference used in the event log, `incident:42`."""
        return f"{type(self).__name__.lower()}:{self.id}"  # type: ignore[attr-defined]


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
session = db.session
# A server behind a network that is cut says nothing: without these a connection waits for it for a quarter of an hour.
PATIENCE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
UNSTORABLE = re.compile(r"\\u0000|\\ud[89a-f]|NaN|Infinity")
IN_BINARY = {"in_binary": True}
"""Options of a statement that asks for many bytes: PostgreSQL then answers with these, not with their digits."""

AWAY = (OperationalError, InternalError, NoConnection)
"""The database is away, busy or full, or may only be read since another one took its place."""


@dataclass
class Pending:
    """What the present transaction will hand over once it is committed; `forgets` are asked anew then."""

    events: list[Any] = field(default_factory=list)
    wakes: set[tuple[str, str]] = field(default_factory=set)
    stirs: set[tuple[str, str]] = field(default_factory=set)
    forgets: list[Callable[[], None]] = field(default_factory=list)


_pending: ContextVar[Pending | None] = ContextVar("pending", default=None)
_after_commit: list[Callable[[Pending], None]] = []


def after_commit(hand_over: Callable[[Pending], None]) -> None:
    """Name the one receiver of what committed transactions leave behind (core/jobs)."""
    _after_commit[:] = [hand_over]


def pending() -> Pending:
    """The open transaction's list. Raises RuntimeError outside `transaction()`."""
    current = _pending.get()
    if current is None:
        raise RuntimeError("changes need `with transaction():` around them")
    return current


def take_back() -> None:
    """Undo what the open transaction did so far, facts and all: it was only to see what would come of it."""
    left = pending()
    session.rollback()
    left.events.clear()
    left.wakes.clear()
    left.stirs.clear()


def in_transaction() -> bool:
    """Whether the caller is inside `transaction()`."""
    return _pending.get() is not None


@contextmanager
def transaction() -> Iterator[Pending]:
    """Begin, run the body, commit, then hand the recorded events to dispatch; any exception rolls all of it back."""
    if _pending.get() is not None:
        raise RuntimeError("transactions do not nest")
    left = Pending()
    token = _pending.set(left)
    try:
        with write_lock(session.get_bind()):
            session.rollback()
            try:
                yield left
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        _pending.reset(token)
    for forget in left.forgets:
        forget()
    for hand_over in _after_commit:
        hand_over(left)


Row = TypeVar("Row", bound=Base)


def locked(model: type[Row], key: int) -> Row | None:
    """The row, fresh and locked until the transaction ends; None when there is none."""
    return session.get(model, key, with_for_update=True, populate_existing=True)


def alone(purpose: str) -> None:
    """Wait until no other transaction is at work on `purpose`, and keep others out until this one ends.

    SQLite has one writer anyway; PostgreSQL gives an advisory lock.
    """
    if db.engine.dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(zlib.crc32(purpose.encode()))))


def init_db(app: Flask) -> None:
    """Attach the database named by DATABASE_URL with the engine options of each dialect."""
    url = make_url(app.config["DATABASE_URL"])
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    app.config["SQLALCHEMY_DATABASE_URI"] = url.render_as_string(hide_password=False)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True, "json_serializer": _as_json} | (
        {"connect_args": {"timeout": 30, "check_same_thread": False}, "pool_size": 80, "max_overflow": 40}
        if url.get_backend_name() == "sqlite" else
        {"pool_size": 20, "max_overflow": 60, "pool_pre_ping": True, "pool_timeout": 4,
         "connect_args": {"connect_timeout": 3, "options": "-c statement_timeout=30000 -c lock_timeout=10000", **PATIENCE}})
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)
        else:
            event.listen(db.engine, "before_cursor_execute", _answer_in_binary)


def _as_json(value: Any) -> str:
    """As a column of JSON keeps it: PostgreSQL takes no NUL, no half of a character and no NaN, which JSON can name."""
    text = json.dumps(value)
    return text if UNSTORABLE.search(text) is None else json.dumps(storable(value))


def _answer_in_binary(_connection: Any, cursor: Any, *told: Any) -> None:
    _statement, _values, context, _many = told
    if context is not None and context.execution_options.get("in_binary"):
        cursor.format = Format.BINARY


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL for readers beside the writer; FULL because an answered 202 must survive a power cut (STACK.md)."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000",
                   "cache_size=-8000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """A writing transaction takes the write lock at its start, so that it can never fail for it half-way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _pending.get() is not None else "BEGIN")
