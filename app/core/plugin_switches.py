"""Which plugins an admin switched off: one row each, known to every process within a second, without a restart."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, session
from app.core.remembered import Remembered

QUERY = "SELECT slug FROM plugin_switches"


class PluginSwitch(Base):
    """A plugin that is switched off, since when and by whom."""

    __tablename__ = "plugin_switches"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    off_at: Mapped[datetime] = mapped_column(default=clock.now)
    by: Mapped[str] = mapped_column(String(200), default="")


def ask(cursor: Any, _former: frozenset[str]) -> frozenset[str]:
    """The slugs that are off."""
    cursor.execute(QUERY)
    return frozenset(slug for (slug,) in cursor.fetchall())


def remembered(app: Flask) -> Remembered[frozenset[str]]:
    """What a process knows of them; at first that none is off."""
    return Remembered(app, frozenset(), ask)


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
