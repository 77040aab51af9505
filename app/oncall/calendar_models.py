"""Calendars: addresses at which people read their shifts, and calendars outside that are kept in step with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import User


class CalendarFeed(Base):
    """An address at which one person's calendar program reads shifts: `what` is `me`, or the ref of a schedule or
    team. It shows what that person may see, and dies with their right to. `digest` is that of the text last given
    out, `changed_at` when it became that; whole seconds, as the protocol tells them."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (UniqueConstraint("user_id", "what"),)

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id")
    what: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_read_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class CalendarLink(Base):
    """A calendar outside, of the plugin `plugin`, that one person let us keep in step with their shifts.

    `state` is `choosing` (which calendar?), `on`, `broken` (their consent is gone) or `leaving` (our entries are being
    removed, then the row goes). Due at `next_at`; whoever holds the lease writes alone. `choices` are [id, name] of
    their calendars, `former` the ids of those in which our entries stand no more wanted; `mark` is in each of ours.
    """

    __tablename__ = "calendar_links"
    __table_args__ = (UniqueConstraint("user_id", "plugin"),)

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id")
    plugin: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(254), default="")
    calendar: Mapped[str] = mapped_column(String(1000), default="")
    calendar_name: Mapped[str] = mapped_column(String(200), default="")
    choices: Mapped[list[Any]] = mapped_column(default=list)
    former: Mapped[list[Any]] = mapped_column(default=list)
    mark: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="choosing")
    grant_sealed: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(300), default="")
    user: Mapped[User] = relationship()


class ZoneMark(Base):
    """What the zone database said of a zone last: a digest of its offsets by year."""

    __tablename__ = "zone_marks"

    zone: Mapped[str] = mapped_column(String(64), primary_key=True)
    digests: Mapped[dict[str, Any]] = mapped_column(default=dict)
