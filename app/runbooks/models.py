"""Runbooks with their versions, executions, and the secrets that automations use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Service
from app.core import clock
from app.core.db import Base, BigId, Json, Key, foreign
from app.identity.models import Team
from app.incidents.models import Incident

GLOBAL = text("team_id IS NULL")
OPEN = text("state IN ('pending', 'running')")

RUNBOOK_SERVICES = Table(
    "runbook_services", Base.metadata,
    Column("runbook_id", BigId, ForeignKey("runbooks.id"), primary_key=True),
    Column("service_id", BigId, ForeignKey("services.id"), primary_key=True, index=True))


class Runbook(Base):
    """A prepared remedy as it is now; its versions say how it was. States: draft, approved, deprecated.

    `payload` and the texts in `config` are templates. `approved_version` is the last version that was approved, also after
    the approval was lost; `sent_back` the version that was sent back with `review_note`.
    """

    __tablename__ = "runbooks"
    __table_args__ = (Index("ix_runbooks_state_name", "state", "name"),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    state: Mapped[str] = mapped_column(String(20), default="draft")
    version: Mapped[int] = mapped_column(default=0)
    target: Mapped[str] = mapped_column(String(60))
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    payload: Mapped[Any] = mapped_column(Json, default=None, nullable=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    timeout: Mapped[int] = mapped_column(default=300)
    retries: Mapped[int] = mapped_column(default=3)
    wait_for: Mapped[str] = mapped_column(String(20), default="response")
    concurrency: Mapped[str] = mapped_column(String(20), default="per_incident")
    approved_version: Mapped[int | None]
    approved_at: Mapped[datetime | None]
    approved_name: Mapped[str] = mapped_column(String(200), default="")
    sent_back: Mapped[int | None]
    review_note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
    services: Mapped[list[Service]] = relationship(secondary=RUNBOOK_SERVICES, order_by=Service.key)


class RunbookVersion(Base):
    """How a runbook was saved, by whom; never changed afterwards."""

    __tablename__ = "runbook_versions"
    __table_args__ = (UniqueConstraint("runbook_id", "number"),)

    id: Mapped[Key]
    runbook_id: Mapped[int] = foreign("runbooks.id")
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=clock.now)


class RunbookReview(Base):
    """How approvals are given, one row: whether a second person is needed."""

    __tablename__ = "runbook_reviews"

    id: Mapped[Key]
    four_eyes: Mapped[bool] = mapped_column(default=True)


class Execution(Base):
    """One run of one version. States: pending, running, succeeded, failed, timed_out, cancelled.

    What waits for time has `next_at`: a call to make (`phase` start), a target to ask (follow) or to stop (cancel). Whoever
    works on it holds the lease; `calling_at` is set just before a request leaves and emptied when it is answered, so that a
    crash between is known for what it is. `lock` holds others back while it is open. `started` is the person or thing
    that started it, `parameters` what it was given (fields that are secret are sealed apart).
    """

    __tablename__ = "executions"
    __table_args__ = (
        Index("uq_executions_lock", "lock", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_executions_next_at", "next_at"), Index("ix_executions_state_deadline_at", "state", "deadline_at"),
        Index("ix_executions_runbook_id_id", "runbook_id", "id"), Index("ix_executions_incident_id_id", "incident_id", "id"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(36), unique=True)
    form_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    runbook_id: Mapped[int] = foreign("runbooks.id")
    version: Mapped[int]
    incident_id: Mapped[int | None] = foreign("incidents.id")
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    state: Mapped[str] = mapped_column(String(20), default="pending")
    phase: Mapped[str] = mapped_column(String(20), default="start")
    started: Mapped[str] = mapped_column(String(80))
    started_name: Mapped[str] = mapped_column(String(200))
    started_id: Mapped[int | None] = foreign("users.id")
    via: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")
    cause: Mapped[str] = mapped_column(String(120), default="", index=True)
    cause_url: Mapped[str] = mapped_column(String(300), default="")
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    parameters_sealed: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[dict[str, Any]] = mapped_column(default=dict)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(Text, default="")
    lock: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[list[Any]] = mapped_column(default=list)
    looks: Mapped[int] = mapped_column(default=0)
    handle: Mapped[dict[str, Any]] = mapped_column(default=dict)
    progress: Mapped[list[Any]] = mapped_column(default=list)
    output: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    calling_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    runbook: Mapped[Runbook] = relationship()
    incident: Mapped[Incident | None] = relationship()

    @property
    def seconds(self) -> float | None:
        """How long it ran, once it ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class CallbackHeard(Base):
    """A signed report that was heard: the same one counts only once, for whichever execution it is brought."""

    __tablename__ = "callbacks_heard"

    id: Mapped[Key]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    execution_id: Mapped[int] = foreign("executions.id", index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


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
