"""What was applied, what stands under a document since, and work that takes longer than a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign


class AppliedDocument(Base):
    """One application of a document: who, when, from which files, and how much it changed."""

    __tablename__ = "applied_documents"

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor: Mapped[str] = mapped_column(String(80))
    actor_name: Mapped[str] = mapped_column(String(200))
    via: Mapped[str] = mapped_column(String(40))
    files: Mapped[list[str]]
    changes: Mapped[int]


class ManagedObject(Base):
    """An object that a document named last: `said` are the fields that it named, as they stood afterwards, no secrets."""

    __tablename__ = "managed_objects"
    __table_args__ = (UniqueConstraint("kind", "key"), Index("ix_managed_objects_ref", "ref"))

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(254))
    ref: Mapped[str] = mapped_column(String(80))
    applied_id: Mapped[int] = foreign("applied_documents.id", index=True)
    said: Mapped[dict[str, Any]]
    applied: Mapped[AppliedDocument] = relationship()


class Errand(Base):
    """Something that somebody asked for and comes back to: a plan, an import, a replay, a parity report.

    States: waiting, running, done, failed, applied. `sealed` holds what is secret of it, as JSON: documents, tokens.
    """

    __tablename__ = "errands"
    __table_args__ = (Index("ix_errands_state", "state", "lease_until"),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[int] = foreign("users.id", index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    ended_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)
    progress: Mapped[str] = mapped_column(String(200), default="")
    sealed: Mapped[str] = mapped_column(Text, default="")
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(String(1000), default="")
