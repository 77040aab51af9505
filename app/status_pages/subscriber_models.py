"""Who wants to be told, and one message for each of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.status_pages.maintenance_models import Announcement
from app.status_pages.models import StatusPage

QUEUED = text("state IN ('queued', 'sending')")


class Subscriber(Base):
    """An address that wants to hear of a page: pending until it confirmed, active, or ended.

    No components means all, `kinds` are outage, notice and maintenance. When it ended nothing but a hash of the address
    is left, so that no import adds it again.
    """

    __tablename__ = "status_subscribers"
    __table_args__ = (UniqueConstraint("page_id", "kind", "address_hash"),
                      Index("ix_status_subscribers_page_id_state", "page_id", "state"))

    id: Mapped[Key]
    page_id: Mapped[int] = foreign("status_pages.id")
    kind: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(2000))
    address_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="pending", index=True)
    components: Mapped[list[int]] = mapped_column(default=list)
    kinds: Mapped[list[str]] = mapped_column(default=list)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(Text)
    confirm_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    confirm_sealed: Mapped[str | None] = mapped_column(Text)
    confirm_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    page: Mapped[StatusPage] = relationship()

    @property
    def ref(self) -> str:
        """`status_subscriber:3`."""
        return f"status_subscriber:{self.id}"


class SubscriberMessage(Base):
    """One message to one subscriber; without an announcement it asks for confirmation."""

    __tablename__ = "status_messages"
    __table_args__ = (
        UniqueConstraint("announcement_id", "subscriber_id"), Index("ix_status_messages_created_at", "created_at"),
        Index("ix_status_messages_due", "next_at", "id", sqlite_where=QUEUED, postgresql_where=QUEUED))

    id: Mapped[Key]
    announcement_id: Mapped[int | None] = foreign("status_announcements.id")
    subscriber_id: Mapped[int] = foreign("status_subscribers.id", index=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]
    announcement: Mapped[Announcement | None] = relationship()
    subscriber: Mapped[Subscriber] = relationship()
