"""Escalation policies and running escalations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team
from app.incidents.models import Incident

RUNNING = text("state = 'running'")


class Policy(Base):
    """Levels in order: `[{"timeout": 300, "targets": [{"schedule": 3}, {"user": 7}, {"room": 2}]}]`, seconds and ids.

    `repeat_from`: the level with which later rounds begin, from 0.
    """

    __tablename__ = "escalation_policies"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    repeat: Mapped[int] = mapped_column(default=1)
    repeat_from: Mapped[int] = mapped_column(default=0, server_default="0")
    levels: Mapped[list[Any]] = mapped_column(default=list)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])


class TeamPolicy(Base):
    """A team's default policy; the primary key makes two defaults impossible."""

    __tablename__ = "team_policies"

    team_id: Mapped[int] = foreign("teams.id", primary_key=True)
    policy_id: Mapped[int] = foreign("escalation_policies.id", index=True)
    policy: Mapped[Policy] = relationship()


class Run(Base):
    """A policy at work on an incident. One running run per incident, by the database."""

    __tablename__ = "escalation_runs"
    __table_args__ = (
        Index("uq_escalation_runs_running", "incident_id", unique=True, sqlite_where=RUNNING,
              postgresql_where=RUNNING),
        Index("ix_escalation_runs_due", "next_at", "id", sqlite_where=RUNNING, postgresql_where=RUNNING),
    )

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    policy_id: Mapped[int | None] = foreign("escalation_policies.id", index=True)
    policy_name: Mapped[str] = mapped_column(String(100))
    policy_version: Mapped[int] = mapped_column(default=1)
    levels: Mapped[list[Any]]
    repeat: Mapped[int]
    repeat_from: Mapped[int] = mapped_column(default=0, server_default="0")
    catch_all: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="running")
    level: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    incident: Mapped[Incident] = relationship()
    policy: Mapped[Policy | None] = relationship()


class AcknowledgeTimer(Base):
    """When whoever acknowledged is asked whether they are still on it; once asked, when it is paged again."""

    __tablename__ = "acknowledge_timers"

    incident_id: Mapped[int] = foreign("incidents.id", primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    asked_at: Mapped[datetime | None]


class Turn(Base):
    """The people of a rotation in the order in which they are next; `rotation` is what they take turns in."""

    __tablename__ = "escalation_turns"

    rotation: Mapped[str] = mapped_column(String(500), primary_key=True)
    line: Mapped[list[Any]] = mapped_column(default=list)


HELD = text("ended_at IS NULL")


class Hold(Base):
    """Pages of an incident that wait, and why: `maintenance`, `silence`, `dependency` or `delay`. One at a time.

    `source` is what holds them (`maintenance:3`, `incident:42`); at `next_at` it is looked at again at the latest.
    """

    __tablename__ = "holds"
    __table_args__ = (
        Index("uq_holds_open", "incident_id", unique=True, sqlite_where=HELD, postgresql_where=HELD),
        Index("ix_holds_due", "next_at", "id", sqlite_where=HELD, postgresql_where=HELD),
    )

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(80), default="", index=True)
    reason: Mapped[str] = mapped_column(String(300))
    since: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
