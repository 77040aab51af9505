"""Outgoing webhooks and what was sent by them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import Team


class Webhook(Base):
    """An address that hears events whose kind matches one of `events`; of `team`, or of everybody without one.

    `failing_since` is when the failures in a row began; after a day of them, or when the receiver says that it is gone,
    `off_at` and `off_reason` say why nothing is sent any more.
    """

    __tablename__ = "webhooks"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    url: Mapped[str] = mapped_column(String(2000))
    events: Mapped[list[str]]
    secret_sealed: Mapped[str] = mapped_column(Text)
    failing_since: Mapped[datetime | None]
    off_at: Mapped[datetime | None]
    off_reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()


class WebhookDelivery(Base):
    """One event on its way to one webhook. States: queued, sending, sent, failed, cancelled. `event_id` is None for a
    test. The body is made when the call is made, except that a test carries its own."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (UniqueConstraint("webhook_id", "event_id"), Index("ix_webhook_deliveries_due", "state", "next_at"))

    id: Mapped[Key]
    webhook_id: Mapped[int] = foreign("webhooks.id", index=True)
    event_id: Mapped[int | None] = mapped_column(BigId)  # no foreign key: the log may be trimmed one day
    kind: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(20), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[datetime | None]
    answer: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    ended_at: Mapped[datetime | None]
    webhook: Mapped[Webhook] = relationship()
