"""How long one statement of a page that only reads may take, and what is said when it takes longer."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import OperationalError

from app.core.db import session
from app.core.web import SAFE, answer, database_away

SECONDS = 10.0
PLANNED = {"random_page_cost": "1.1", "jit": "off"}
"""What PostgreSQL is told of such statements: that looking up some thousand rows takes less than reading a million, which
its cautious price for a disk with an arm denies, and that none is worth being compiled."""
STEPS = 20_000
"""After so many steps of SQLite it is asked whether there is time left: some milliseconds."""
CANCELLED = "57014"
"""PostgreSQL's code of a statement that was cancelled, appendix A of its manual."""


def limit(blueprint: Blueprint, advice: str) -> None:
    """Let no statement of this blueprint's reads take longer than `SECONDS`; `advice` ends the sentence that says so."""
    def refuse(error: OperationalError) -> Response:
        if not _is_ours(error):
            return database_away(error)
        _end(error)  # whoever gets the connection next has a limit of their own
        session.rollback()
        return answer(503, "It takes too long", f"The database worked on this for {SECONDS:.0f} s and was stopped, so that "
                                                f"paging is not slowed down. {advice}")

    blueprint.before_request(_begin)
    blueprint.teardown_request(_end)
    blueprint.register_error_handler(OperationalError, refuse)


def _is_ours(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", "") == CANCELLED or str(error.orig) == "interrupted"


def _begin() -> None:
    if request.method not in SAFE:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        g.stop_watch = _watched(connection)
    else:  # until the transaction ends
        session.execute(select(*(func.set_config(name, value, True) for name, value in {
            "statement_timeout": str(int(SECONDS * 1000)), **PLANNED}.items())))


def _end(_error: BaseException | None) -> None:
    stop = g.pop("stop_watch", None)
    if stop is not None:
        stop()


def _watched(connection: Connection) -> Any:
    """SQLite has no such limit: each statement is looked at as it goes on. Gives what ends that."""
    raw: Any = connection.connection.driver_connection
    until = [time.monotonic() + SECONDS]

    def started(*_: Any) -> None:
        until[0] = time.monotonic() + SECONDS

    def stop() -> None:
        raw.set_progress_handler(None, 0)
        event.remove(connection, "before_cursor_execute", started)

    event.listen(connection, "before_cursor_execute", started)
    raw.set_progress_handler(lambda: time.monotonic() > until[0], STEPS)
    return stop
