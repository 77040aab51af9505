"""Which plugins an admin switched off: one row each, known to every process within a second, without a restart."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, db, session

log = structlog.get_logger()
SECONDS = 1.0
QUERY = "SELECT slug FROM plugin_switches"


class PluginSwitch(Base):
    """A plugin that is switched off, since when and by whom."""

    __tablename__ = "plugin_switches"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    off_at: Mapped[datetime] = mapped_column(default=clock.now)
    by: Mapped[str] = mapped_column(String(200), default="")


class Watch:
    """What is off, asked again after a second; while the database is away, what was known last."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.known: frozenset[str] = frozenset()
        self.until = 0.0

    def __call__(self) -> frozenset[str]:
        """The slugs that are off."""
        now = time.monotonic()
        if now >= self.until:
            self.until = now + SECONDS
            self.known = self._asked()
        return self.known

    def forget(self) -> None:
        """Ask anew: something changed here."""
        self.until = 0.0

    def _asked(self) -> frozenset[str]:
        """By a connection of its own, outside whatever transaction is open here."""
        try:
            with self.app.app_context():
                connection: Any = db.engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute(QUERY)
                return frozenset(slug for (slug,) in cursor.fetchall())
            finally:
                connection.close()
        except Exception as fault:  # noqa: BLE001 - any driver's own fault: a fresh database has no such table yet
            log.info("plugins.switches_unknown", reason=str(fault).splitlines()[0][:200] if str(fault) else "")
            return self.known


def off() -> frozenset[str]:
    """The slugs that are off, as the open transaction has it."""
    return frozenset(session.scalars(select(PluginSwitch.slug)))


def switch(slug: str, *, off: bool, by: str) -> bool:
    """Note it in the open transaction; says whether that changes anything."""
    found = session.get(PluginSwitch, slug, with_for_update=True)
    if (found is not None) == off:
        return False
    if off:
        session.add(PluginSwitch(slug=slug, by=by))
    else:
        session.execute(delete(PluginSwitch).where(PluginSwitch.slug == slug))
    session.flush()
    return True
