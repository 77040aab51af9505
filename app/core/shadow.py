"""Scopes that are in shadow: everything is decided there and nothing leaves. Who they are, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Index, String, func, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Key, foreign, session

WHOLE = "system"
JUST_NOW = "Something came into shadow just now: it is looked at again"
ON = text("ended_at IS NULL")


class Shadow(Base):
    """A scope in shadow: `ref` is `system`, `team:3`, `service:9` or `integration:4`, `name` the same in words. On until
    `ended_at`; each scope at most once at a time."""

    __tablename__ = "shadows"
    __table_args__ = (Index("uq_shadows_on", "ref", unique=True, sqlite_where=ON, postgresql_where=ON),)

    id: Mapped[Key]
    ref: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    team_id: Mapped[int | None] = foreign("teams.id")  # whose scope it is; None: everybody's
    reason: Mapped[str] = mapped_column(String(300))
    since: Mapped[datetime] = mapped_column(default=clock.now)
    by_name: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by_name: Mapped[str] = mapped_column(String(200), default="")

    @property
    def words(self) -> str:
        """Why something did not leave, as a sentence's part."""
        return f"in shadow: {self.name}"


def active() -> list[Shadow]:
    """What is in shadow now, the longest first."""
    return list(session.scalars(select(Shadow).where(Shadow.ended_at.is_(None)).order_by(Shadow.since, Shadow.id)))


def standing(since: datetime | None = None) -> dict[str, Shadow]:
    """By scope: what is in shadow now, or was at any time after `since`. What was made by then stays where it is when
    its shadow ends: nothing old is ever sent."""
    now = Shadow.ended_at.is_(None)
    found = session.scalars(select(Shadow).where(now if since is None else or_(now, Shadow.ended_at > since)).order_by(
        Shadow.id))
    return {one.ref: one for one in found}


def covering(refs: Iterable[str] = (), since: datetime | None = None) -> Shadow | None:
    """The shadow that one of these scopes stands in, or the whole system; None where all that is said leaves."""
    found = standing(since)
    return next((found[ref] for ref in (WHOLE, *refs) if ref in found), None) if found else None


def newest() -> int:
    """The number of the last shadow that began. Whoever claims something to send reads it first, then looks whether it
    stands in shadow; and asks `begun_since` right before the call."""
    return session.scalar(select(func.max(Shadow.id))) or 0


def begun_since(number: int) -> bool:
    """Whether anything came into shadow after `newest` said so: the last look before a call, with nothing else open."""
    try:
        return newest() != number
    finally:
        session.rollback()
