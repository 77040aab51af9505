"""The application as tests use it: a browser, other processes played in this one, and tables emptied between tests."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextvars import Context
from typing import Any

from flask import Flask, current_app, has_app_context
from flask.testing import FlaskClient
from rq import Queue
from rq.registry import FailedJobRegistry
from sqlalchemy import text
from werkzeug.datastructures import Headers

from app.core import jobs
from app.core.db import Base, db, session
from app.core.redis import client
from app.core.worker import HouseWorker


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


def empty() -> None:
    """Empty all tables; numbers begin at 1 again."""
    tables = [table.name for table in Base.metadata.sorted_tables]
    if db.engine.dialect.name == "sqlite":
        _script("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE;" + "".join(f"DELETE FROM {name};" for name in [*tables, "sqlite_sequence"])
                + "COMMIT; PRAGMA foreign_keys=ON;")
        return
    with db.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))


def _script(statements: str) -> None:
    connection: Any = db.engine.raw_connection()
    try:
        connection.cursor().executescript(statements)
    finally:
        connection.close()
