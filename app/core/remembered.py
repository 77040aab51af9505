"""What a process knows of a small table that hardly ever changes, so that nothing has to be asked where it counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import structlog
from flask import Flask

from app.core.db import db

log = structlog.get_logger()
SECONDS = 1.0
Known = TypeVar("Known")


class Remembered(Generic[Known]):
    """What is `known`, asked again a second later; while the database is away, what was known last.

    `ask` is given a cursor of the driver's and what was known before. Its connection is one of its own, outside whatever
    transaction is open here.
    """

    def __init__(self, app: Flask, known: Known, ask: Callable[[Any, Known], Known]) -> None:
        self.app, self.known, self._ask = app, known, ask
        self.until = 0.0

    def __call__(self) -> Known:
        """As of a second ago at the latest."""
        now = time.monotonic()
        if now >= self.until:
            self.until = now + SECONDS
            self.known = self._asked()
        return self.known

    def forget(self) -> None:
        """Ask anew: something changed here."""
        self.until = 0.0

    def _asked(self) -> Known:
        try:
            with self.app.app_context():
                connection: Any = db.engine.raw_connection()
            try:
                return self._ask(connection.cursor(), self.known)
            finally:
                connection.close()
        except Exception as fault:  # noqa: BLE001 - any driver's own fault: a fresh database has no such table yet
            reason = str(fault).splitlines()[0][:200] if str(fault) else ""
            log.info("remembered.unknown", of=self._ask.__module__, reason=reason)
            return self.known
