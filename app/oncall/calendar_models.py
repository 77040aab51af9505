"""Calendars: addresses at which people read their shifts."""

from __future__ import annotations

from datetime import datetime

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
