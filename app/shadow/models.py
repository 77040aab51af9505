"""What would have left while its scope was in shadow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Key, foreign
from app.core.shadow import Shadow
from app.identity.models import User
from app.incidents.models import Incident


class Unsent(Base):
    """One thing that did not leave, due `at`: a page or notice to a person, a post, a call, news for readers. `once` names
    it, so that it stands here once; `whom` is whoever is no person of ours: a room, an address, a name."""

    __tablename__ = "unsent"
    __table_args__ = (Index("ix_unsent_at", "at", "id"),)

    id: Mapped[Key]
    once: Mapped[str] = mapped_column(String(160), unique=True)
    shadow_id: Mapped[int] = foreign("shadows.id", index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    incident_id: Mapped[int | None] = foreign("incidents.id", index=True)
    user_id: Mapped[int | None] = foreign("users.id", index=True)
    team_id: Mapped[int | None] = foreign("teams.id")
    channel: Mapped[str] = mapped_column(String(60))
    whom: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    shadow: Mapped[Shadow] = relationship()
    incident: Mapped[Incident | None] = relationship()
    user: Mapped[User | None] = relationship()

    @property
    def name(self) -> str:
        """Who or what it was for."""
        return self.user.name if self.user is not None else self.whom
