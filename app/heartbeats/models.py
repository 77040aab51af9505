"""Heartbeats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Service
from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team
from app.ingest.models import Integration


class Heartbeat(Base):
    """Something that must report in at least `every` seconds, give or take `grace`. States: waiting, alive, late.

    `due_at` is when it is late; its token opens `/heartbeat/<token>`, hashed here and encrypted. The last 30 pings and
    misses stand in `recent`.
    """

    __tablename__ = "heartbeats"
    __table_args__ = (Index("ix_heartbeats_state_due_at", "state", "due_at"),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    service_id: Mapped[int | None] = foreign("services.id", index=True)
    integration_id: Mapped[int] = foreign("integrations.id", index=True)
    every: Mapped[int]
    grace: Mapped[int]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(Text)
    token_last4: Mapped[str] = mapped_column(String(4))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    last_ping_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    last_output: Mapped[str] = mapped_column(Text, default="")
    recent: Mapped[list[Any]] = mapped_column(default=list)
    muted_until: Mapped[datetime | None]
    mute_reason: Mapped[str] = mapped_column(String(200), default="")
    muted_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
    service: Mapped[Service | None] = relationship()
    integration: Mapped[Integration] = relationship()

    def muted(self, at: datetime) -> bool:
        """Whether a person told it to be quiet at `at`."""
        return self.muted_until is not None and self.muted_until > at
