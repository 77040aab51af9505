"""Connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team


class Connection(Base):
    """An account at another product. `action` is the slug of the verb it serves; secrets in `config` are sealed."""

    __tablename__ = "connections"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60), index=True)
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(300), default="")
    works: Mapped[bool | None]
    team: Mapped[Team | None] = relationship()
