"""Incidents, alerts, responders, notes, and what the room of an incident holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint, column, select, table, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app.catalog.models import Service
from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import Team, User

FIRING = text("status = 'firing'")


class Counter(Base):
    """The last incident number given out; numbers have no holes and are never reused."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigId, default=0)


class Incident(Base):
    """One thing that somebody must look at. Its id is its number, `#142`."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_status_id", "status", "id"), Index("ix_incidents_team_id_id", "team_id", "id"),
                      Index("ix_incidents_service_id_id", "service_id", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(20), default="triggered")
    severity: Mapped[str] = mapped_column(String(20), default="medium")
    urgency: Mapped[str] = mapped_column(String(10), default="high")
    priority: Mapped[str | None] = mapped_column(String(2))
    service_id: Mapped[int | None] = foreign("services.id")
    team_id: Mapped[int | None] = foreign("teams.id")
    alert_count: Mapped[int] = mapped_column(default=0)
    test: Mapped[bool] = mapped_column(default=False)
    quiet: Mapped[bool] = mapped_column(default=False)
    in_shadow: Mapped[bool] = mapped_column(default=False)  # opened so: it counts in no figure
    silenced_by: Mapped[int | None] = mapped_column(BigId, index=True)  # the ended shadow that it was open in
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    route: Mapped[dict[str, Any]] = mapped_column(default=dict)
    former_id: Mapped[int | None] = foreign("incidents.id", index=True)
    opened_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    opened_by: Mapped[str] = mapped_column(String(80), default="system")
    triggered_at: Mapped[datetime] = mapped_column(default=clock.now)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))
    acknowledged_name: Mapped[str | None] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)
    resolved_by: Mapped[str | None] = mapped_column(String(80))
    resolved_name: Mapped[str | None] = mapped_column(String(200))
    resolution_note: Mapped[str] = mapped_column(String(2000), default="")
    snoozed_until: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = foreign("incidents.id", index=True)
    update_every: Mapped[int | None]
    update_due_at: Mapped[datetime | None] = mapped_column(index=True)
    storm_until: Mapped[datetime | None] = mapped_column(index=True)
    flapping_until: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)
    service: Mapped[Service | None] = relationship()
    team: Mapped[Team | None] = relationship()
    responders: Mapped[list[Responder]] = relationship(back_populates="incident", order_by="Responder.id")
    roles: Mapped[list[Role]] = relationship(back_populates="incident", order_by="Role.id")

    @property
    def assignees(self) -> list[User]:
        """The people whose incident this is, in the order they were named."""
        return [responder.user for responder in self.responders if responder.kind == "assignee"]


class Responder(Base):
    """Somebody connected with an incident: `assignee` (it is theirs) or `responder` (asked to help)."""

    __tablename__ = "responders"
    __table_args__ = (UniqueConstraint("incident_id", "user_id"),)

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    kind: Mapped[str] = mapped_column(String(20), default="responder")
    state: Mapped[str] = mapped_column(String(20), default="requested")
    at: Mapped[datetime] = mapped_column(default=clock.now)
    incident: Mapped[Incident] = relationship(back_populates="responders")
    user: Mapped[User] = relationship()


INTEGRATIONS = table("integrations", column("id", Integer), column("key", String), column("name", String),
                     column("team_id", Integer))


class Alert(Base):
    """One problem of one sender. The database allows one firing alert per integration and dedup key."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_open", "integration_id", "dedup_key", unique=True, sqlite_where=FIRING,
              postgresql_where=FIRING),
        Index("ix_alerts_incident_id_id", "incident_id", "id"),
        Index("ix_alerts_integration_id_dedup_key", "integration_id", "dedup_key"), Index(None, "first_seen", "id"),
        Index("ix_alerts_long", "resolved_at", sqlite_where=text("julianday(resolved_at) - julianday(first_seen) > 1"),
              postgresql_where=text("resolved_at - first_seen > interval '1 day'")),
    )

    id: Mapped[Key]
    integration_id: Mapped[int | None] = foreign("integrations.id")
    integration: Mapped[str | None] = column_property(
        select(INTEGRATIONS.c.key).where(INTEGRATIONS.c.id == integration_id).scalar_subquery(), deferred=True)
    dedup_key: Mapped[str] = mapped_column(String(512))
    status: Mapped[str] = mapped_column(String(20), default="firing")
    severity: Mapped[str] = mapped_column(String(20), default="medium")
    title: Mapped[str] = mapped_column(String(1024))
    body: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(String(2000), default="")
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notes: Mapped[list[str]] = mapped_column(default=list)
    count: Mapped[int] = mapped_column(default=1)
    first_seen: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen: Mapped[datetime] = mapped_column(default=clock.now)
    event_at: Mapped[datetime | None]
    recovered_at: Mapped[datetime | None] = mapped_column(index=True)
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)
    service_id: Mapped[int | None] = foreign("services.id", index=True)
    incident_id: Mapped[int | None] = foreign("incidents.id")
    service: Mapped[Service | None] = relationship()
    incident: Mapped[Incident | None] = relationship()


class Note(Base):
    """What a person wrote about an incident; Markdown, shown sanitised."""

    __tablename__ = "notes"

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Role(Base):
    """Who leads, speaks or writes for an incident: one person a role."""

    __tablename__ = "incident_roles"
    __table_args__ = (UniqueConstraint("incident_id", "name"),)

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id")
    name: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int] = foreign("users.id", index=True)
    since: Mapped[datetime] = mapped_column(default=clock.now)
    incident: Mapped[Incident] = relationship(back_populates="roles")
    user: Mapped[User] = relationship()


class Task(Base):
    """Something to do in an incident; `owner` may be nobody."""

    __tablename__ = "tasks"

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    title: Mapped[str] = mapped_column(String(300))
    owner_id: Mapped[int | None] = foreign("users.id")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(200))
    owner: Mapped[User | None] = relationship()


class Update(Base):
    """What those who wait were told about an incident; Markdown, shown sanitised."""

    __tablename__ = "incident_updates"

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Follower(Base):
    """Somebody who is told of updates; following gives no right to act."""

    __tablename__ = "followers"
    __table_args__ = (UniqueConstraint("incident_id", "user_id"),)

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id")
    user_id: Mapped[int] = foreign("users.id", index=True)


class Merge(Base):
    """One incident went into another: which alerts moved, and what it was before, so that both can be given back."""

    __tablename__ = "merges"

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    target_id: Mapped[int] = foreign("incidents.id", index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    status: Mapped[str] = mapped_column(String(20))
    alerts: Mapped[list[int]]
    undone_at: Mapped[datetime | None]


class BulkMove(Base):
    """What one press did to many incidents, and how each was before, for the seconds in which it can be undone."""

    __tablename__ = "bulk_moves"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    what: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    done: Mapped[list[Any]] = mapped_column(default=list)
    refused: Mapped[list[Any]] = mapped_column(default=list)
    undone_at: Mapped[datetime | None]


class SavedView(Base):
    """A list's filters under a name: somebody's own, or a team's."""

    __tablename__ = "saved_views"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000), default="")
    user_id: Mapped[int] = foreign("users.id", index=True)
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
