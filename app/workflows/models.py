"""Workflows, their versions, runs and steps, and what somebody is editing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import Team
from app.incidents.models import Incident

DUE = text("next_at IS NOT NULL")
LIMITED = text("deadline_at IS NOT NULL")


class Workflow(Base):
    """A graph under a key that never changes. `event` and `trigger` are the present version's, for those who match facts.

    `age_until` is up to when ages were looked at; `next_at` when its schedule is due.
    """

    __tablename__ = "workflows"
    __table_args__ = (Index("ix_workflows_enabled_event", "enabled", "event"),
                      Index("ix_workflows_due", "next_at", sqlite_where=DUE, postgresql_where=DUE))

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), default="")
    category: Mapped[str] = mapped_column(String(40), default="")
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    enabled_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    event: Mapped[str] = mapped_column(String(80), default="")
    trigger: Mapped[dict[str, Any]] = mapped_column(default=dict)
    number: Mapped[int] = mapped_column(default=0)
    age_until: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
    versions: Mapped[list[WorkflowVersion]] = relationship(back_populates="workflow", order_by="WorkflowVersion.number")

    @property
    def editor(self) -> str:
        """Who made the present version, as a reference."""
        return self.versions[-1].author if self.versions else ""


class WorkflowVersion(Base):
    """One state of a workflow's graph; never rewritten."""

    __tablename__ = "workflow_versions"
    __table_args__ = (UniqueConstraint("workflow_id", "number"),)

    id: Mapped[Key]
    workflow_id: Mapped[int] = foreign("workflows.id")
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    workflow: Mapped[Workflow] = relationship(back_populates="versions")


class WorkflowRun(Base):
    """One run. `once` names what caused it, so that the same cause gives one run; `chain` are the runs that led to it.

    `active_since` is set while something is in hand, and `deadline_at` is when that has lasted too long.
    """

    __tablename__ = "workflow_runs"
    __table_args__ = (UniqueConstraint("workflow_id", "once"),
                      Index("ix_workflow_runs_started", "workflow_id", "started_at"),
                      Index("ix_workflow_runs_incident", "incident_id", "id"),
                      Index("ix_workflow_runs_limited", "deadline_at", sqlite_where=LIMITED, postgresql_where=LIMITED))

    id: Mapped[Key]
    workflow_id: Mapped[int] = foreign("workflows.id")
    version_id: Mapped[int] = foreign("workflow_versions.id")
    incident_id: Mapped[int | None] = foreign("incidents.id")
    event_id: Mapped[int | None] = mapped_column(BigId)
    once: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20), default="running")
    reason: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str] = mapped_column(String(500), default="")
    failed_step: Mapped[str] = mapped_column(String(40), default="")
    event: Mapped[dict[str, Any]] = mapped_column(default=dict)
    chain: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    active_seconds: Mapped[float] = mapped_column(default=0.0)
    active_since: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    workflow: Mapped[Workflow] = relationship()
    version: Mapped[WorkflowVersion] = relationship()
    incident: Mapped[Incident | None] = relationship()
    steps: Mapped[list[WorkflowStep]] = relationship(back_populates="run", order_by="WorkflowStep.id")

    @property
    def ref(self) -> str:
        """`workflow_run:7`: who acts when this run does something."""
        return f"workflow_run:{self.id}"


class WorkflowStep(Base):
    """One node of a run. Due at `next_at`; while a call is in hand it has an owner, and `next_at` is when that ends.

    `visits` counts the claims, so that who comes late notices; `unsure`: nobody knows whether the last try took effect.
    """

    __tablename__ = "workflow_steps"
    __table_args__ = (UniqueConstraint("run_id", "node"),
                      Index("ix_workflow_steps_due", "next_at", sqlite_where=DUE, postgresql_where=DUE))

    id: Mapped[Key]
    run_id: Mapped[int] = foreign("workflow_runs.id")
    node: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="pending")
    taken: Mapped[list[str]] = mapped_column(default=list)
    waits_for: Mapped[str] = mapped_column(String(20), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    visits: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[bool] = mapped_column(default=False)
    next_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    output: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request: Mapped[dict[str, Any]] = mapped_column(default=dict)
    response: Mapped[dict[str, Any]] = mapped_column(default=dict)
    warnings: Mapped[list[str]] = mapped_column(default=list)
    error: Mapped[str] = mapped_column(Text, default="")
    run: Mapped[WorkflowRun] = relationship(back_populates="steps")


class WorkflowDraft(Base):
    """A graph that somebody is editing, valid or not, with its former states for undoing. Saved, it becomes a version."""

    __tablename__ = "workflow_drafts"
    __table_args__ = (UniqueConstraint("workflow_id", "user_id"),)

    id: Mapped[Key]
    workflow_id: Mapped[int] = foreign("workflows.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    undo: Mapped[list[Any]] = mapped_column(default=list)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    workflow: Mapped[Workflow] = relationship()


class WatchedTeam(Base):
    """A private team whose manager lets global workflows act on its incidents."""

    __tablename__ = "workflow_watched_teams"

    team_id: Mapped[int] = foreign("teams.id", primary_key=True)
    since: Mapped[datetime] = mapped_column(default=clock.now)


class WorkflowCursor(Base):
    """Up to which fact of the log those have been looked at that no subscription names."""

    __tablename__ = "workflow_cursors"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId, default=0)
