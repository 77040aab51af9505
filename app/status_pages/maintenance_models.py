"""Maintenance that readers are told of, texts kept for notices, and what was announced to subscribers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.status_pages.models import StatusPage, public_id

AHEAD = text("state IN ('scheduled', 'in_progress')")
WAITING = text("fanned_at IS NULL")


class Series(Base):
    """Maintenance as it was planned: local times of `time_zone`, and how it repeats. Each time is a `PageWindow`.

    `repeat` is {"unit", "every", "days", "nth", "until" or "count"}; `notify` are minutes before a start.
    """

    __tablename__ = "status_series"

    id: Mapped[Key]
    page_id: Mapped[int] = foreign("status_pages.id", index=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    components: Mapped[list[int]] = mapped_column(default=list)
    starts: Mapped[str] = mapped_column(String(19))
    ends: Mapped[str] = mapped_column(String(19))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    repeat: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notify: Mapped[list[int]] = mapped_column(default=list)
    listed_until: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    page: Mapped[StatusPage] = relationship()


class PageWindow(Base):
    """One time of maintenance. `slot` is the local start that the series gave it; `own` ones were changed alone."""

    __tablename__ = "status_windows"
    __table_args__ = (UniqueConstraint("series_id", "slot"), Index("ix_status_windows_page_id_starts", "page_id", "starts"),
                      Index("ix_status_windows_ahead", "starts", sqlite_where=AHEAD, postgresql_where=AHEAD))

    id: Mapped[Key]
    public_id: Mapped[str] = mapped_column(String(12), unique=True, default=public_id)
    page_id: Mapped[int] = foreign("status_pages.id")
    series_id: Mapped[int] = foreign("status_series.id")
    slot: Mapped[str] = mapped_column(String(19))
    own: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    components: Mapped[list[int]] = mapped_column(default=list)
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), default="scheduled")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    page: Mapped[StatusPage] = relationship()
    series: Mapped[Series] = relationship()
    updates: Mapped[list[WindowUpdate]] = relationship(
        back_populates="window", order_by="WindowUpdate.id", cascade="all, delete-orphan")

    @property
    def ref(self) -> str:
        """`status_window:3`."""
        return f"status_window:{self.id}"


class WindowUpdate(Base):
    """What was said of a window while it was planned or ran."""

    __tablename__ = "status_window_updates"

    id: Mapped[Key]
    window_id: Mapped[int] = foreign("status_windows.id", index=True)
    state: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    window: Mapped[PageWindow] = relationship(back_populates="updates")


class NoticeTemplate(Base):
    """A text to begin an update with; `{{ component }}` and the like stand for what is known."""

    __tablename__ = "status_templates"
    __table_args__ = (UniqueConstraint("page_id", "name"),)

    id: Mapped[Key]
    page_id: Mapped[int] = foreign("status_pages.id")
    name: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20), default="investigating")
    text: Mapped[str] = mapped_column(Text)


class Announcement(Base):
    """Something that subscribers are told once: `once` is unique, `fanned_at` when each got a message of theirs.

    `kind` is outage, notice or maintenance; `components` are ids, none means the page as a whole.
    """

    __tablename__ = "status_announcements"
    __table_args__ = (Index("ix_status_announcements_waiting", "id", sqlite_where=WAITING, postgresql_where=WAITING),)

    id: Mapped[Key]
    once: Mapped[str] = mapped_column(String(160), unique=True)
    page_id: Mapped[int] = foreign("status_pages.id", index=True)
    kind: Mapped[str] = mapped_column(String(20))
    components: Mapped[list[int]] = mapped_column(default=list)
    subject: Mapped[str] = mapped_column(String(400))
    text: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    fanned_at: Mapped[datetime | None]
    page: Mapped[StatusPage] = relationship()
