"""The application as tests use it: a browser, other processes played in this one, and tables emptied between tests."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextvars import Context
from functools import cache
from typing import Any

import pytest
from flask import Flask, current_app, has_app_context
from flask.testing import FlaskClient
from rq import Queue
from rq.registry import FailedJobRegistry
from sqlalchemy import Engine, event, text
from werkzeug.datastructures import Headers

from app.core import jobs, limits
from app.core.db import Base, db, session
from app.core.redis import client
from app.core.worker import HouseWorker

# TRUNCATE writes new files for every table and index, which costs a tenth of a second: only for what has grown large (its
# rows that were deleted would slow down the next test), or where we may not switch off the checks of foreign keys.
EMPTY = """
DO $$ DECLARE
  name text;
  used text[] := ARRAY(SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0);
  large bool := EXISTS (SELECT 1 FROM unnest(used) one WHERE pg_relation_size(one::regclass) > 1048576);
BEGIN
  IF large OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE 'TRUNCATE ' || array_to_string(used, ', ') || ' CASCADE';
  ELSIF used <> '{}' THEN
    SET LOCAL session_replication_role = replica;
    EXECUTE 'LOCK TABLE ' || array_to_string(used, ', ') || ' IN ACCESS EXCLUSIVE MODE';
    FOREACH name IN ARRAY used LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
  END IF;
  PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$"""


class Client(FlaskClient):
    """A browser: each request runs as on a server of its own, and forms carry their token like those of our pages."""

    own_pages = True  # False: play a foreign site, which does not know the token

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Make the request; afterwards the test sees the database as the request left it."""
        cookie = self.get_cookie("oncall")
        if cookie is not None and self.own_pages and kwargs.get("method", "GET") not in ("GET", "HEAD"):
            serializer = self.application.session_interface.get_signing_serializer(self.application)
            kwargs["headers"] = Headers(kwargs.get("headers") or {})
            kwargs["headers"].setdefault("X-CSRF-Token", serializer.loads(cookie.decoded_value).get("csrf", ""))
        try:
            return Context().run(super().open, *args, **kwargs)
        finally:
            if has_app_context():
                session.rollback()


def count_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit holds: the limiter would ask Redis three times for each request."""
    before = app.before_request_funcs[None]
    uncounted = [one for one in before if getattr(one, "__self__", None) is not limits.limiter]
    assert len(uncounted) == len(before) - 1
    monkeypatch.setitem(app.before_request_funcs, None, uncounted)


def as_a_process(app: Flask, act: Callable[[], Any]) -> Any:
    """Run `act` like another process: its own context and session; afterwards the test sees what it left."""
    def inside() -> Any:
        with app.app_context():
            return act()
    session.rollback()
    try:
        return Context().run(inside)
    finally:
        session.rollback()


class Once(HouseWorker):
    """A worker that nobody sends commands to: the channel for them costs a fifth of a second to leave."""

    def subscribe(self) -> None:
        """Hear no commands."""

    def unsubscribe(self) -> None:
        """Nothing was heard."""


def drain() -> None:
    """A worker does all that waits in the queues, and ends. AssertionError when a job failed."""
    queues = [Queue(name, connection=client()) for name in jobs.QUEUES]
    worker = Once(queues, connection=client(), log_job_description=False)
    worker.app = current_app._get_current_object()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker.work(burst=True, logging_level="WARNING")
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for queue in queues:
        registry = FailedJobRegistry(queue=queue)
        failed = [queue.fetch_job(key) for key in registry.get_job_ids()]
        assert not failed, "\n".join(f"{job.func_name} {job.args}: {job.latest_result().exc_string}" for job in failed)


def patient(engine: Engine) -> None:
    """On a busy machine many at one row wait for each other longer than an operator would want: only the limit of the whole
    statement counts, which is three times as long."""
    def without_limit(connection: Any, _: Any) -> None:
        connection.execute("SET lock_timeout = 0")
        connection.commit()
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", without_limit)


def empty() -> None:
    """Empty the tables that hold something; numbers begin at 1 again."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.begin() as connection:
            connection.execute(text(EMPTY))
        return
    raw: Any = db.engine.raw_connection()
    try:
        used = [name for name, in raw.cursor().execute(_used())]
        if used:
            raw.cursor().executescript("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE;" + "".join(f"DELETE FROM {name};" for name in used)
                                       + "COMMIT; PRAGMA foreign_keys=ON;")
    finally:
        raw.close()


@cache
def _used() -> str:
    """Asks SQLite which tables hold anything."""
    names = [*(table.name for table in Base.metadata.sorted_tables), "sqlite_sequence"]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
