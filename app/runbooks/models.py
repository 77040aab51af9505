"""Secrets of automations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team

GLOBAL = text("team_id IS NULL")


class Secret(Base):
    """A value that requests name as `{{ secret.<name> }}` and nobody reads back; of a team, or of all (no team)."""

    __tablename__ = "secrets"
    __table_args__ = (
        Index("uq_secrets_team_id_name", "team_id", "name", unique=True),
        Index("uq_secrets_global_name", "name", unique=True, sqlite_where=GLOBAL, postgresql_where=GLOBAL),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(63))
    team_id: Mapped[int | None] = foreign("teams.id")
    value_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    replaced_at: Mapped[datetime] = mapped_column(default=clock.now)
    replaced_by: Mapped[str] = mapped_column(String(200), default="")
    last_used_at: Mapped[datetime | None]
    team: Mapped[Team | None] = relationship()

    @property
    def scope(self) -> str:
        """Whose it is, in words."""
        return self.team.name if self.team else "everybody's"
