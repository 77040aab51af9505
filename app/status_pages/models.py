"""Status pages, their components and what they were, and the notices that people write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Service
from app.core import clock, secrets
from app.core.db import Base, Key, foreign
from app.identity.models import Team

OPEN = text("ends IS NULL")


def public_id() -> str:
    """What outsiders know a thing by: random, stable, and nothing to count by."""
    return secrets.new_token()[:12]


class StatusPage(Base):
    """A page for outsiders. `access` is public, private (a link, stored hashed) or partner; a draft is nobody's but ours.

    `exports` are {"folder": bool, "url": base address}; the secret header that a PUT carries is sealed, `Name: value`.
    `version` grows with whatever changes on it: equal versions look alike.
    """

    __tablename__ = "status_pages"

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    access: Mapped[str] = mapped_column(String(10), default="public")
    draft: Mapped[bool] = mapped_column(default=False)
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    language: Mapped[str] = mapped_column(String(5), default="en")
    intro: Mapped[str] = mapped_column(Text, default="")
    hosts: Mapped[list[str]] = mapped_column(default=list)
    accent: Mapped[str] = mapped_column(String(7), default="")
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    logo_type: Mapped[str] = mapped_column(String(20), default="")
    logo_mark: Mapped[str] = mapped_column(String(12), default="")
    auto_notice: Mapped[str] = mapped_column(String(10), default="off")
    auto_resolve: Mapped[bool] = mapped_column(default=False)
    link_hash: Mapped[str | None] = mapped_column(String(64))
    link_last4: Mapped[str] = mapped_column(String(4), default="")
    version: Mapped[int] = mapped_column(default=1)
    exports: Mapped[dict[str, Any]] = mapped_column(default=dict)
    export_sealed: Mapped[str | None] = mapped_column(Text)
    exported_at: Mapped[datetime | None]
    exported_version: Mapped[int] = mapped_column(default=0)
    export_due_at: Mapped[datetime | None] = mapped_column(index=True)
    export_failing_since: Mapped[datetime | None]
    export_told_at: Mapped[datetime | None]
    export_error: Mapped[str] = mapped_column(String(300), default="")
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
    components: Mapped[list[Component]] = relationship(
        back_populates="page", order_by="(Component.position, Component.id)", cascade="all, delete-orphan")

    @property
    def ref(self) -> str:
        """`status_page:3`."""
        return f"status_page:{self.id}"


class Component(Base):
    """A part of what a page is about. `computed` follows the incidents of its services, `state` is what is shown.

    An override beats the computation until `override_until`. Subscribers were last told `told_state`; at `tell_at` they
    are told what is true then.
    """

    __tablename__ = "status_components"

    id: Mapped[Key]
    public_id: Mapped[str] = mapped_column(String(12), unique=True, default=public_id)
    page_id: Mapped[int] = foreign("status_pages.id", index=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500), default="")
    group: Mapped[str] = mapped_column("group_name", String(100), default="")
    position: Mapped[int] = mapped_column(default=0)
    computed: Mapped[str] = mapped_column(String(20), default="operational")
    state: Mapped[str] = mapped_column(String(20), default="operational")
    since: Mapped[datetime] = mapped_column(default=clock.now)
    override_state: Mapped[str | None] = mapped_column(String(20))
    override_reason: Mapped[str] = mapped_column(String(500), default="")
    override_until: Mapped[datetime | None]
    override_name: Mapped[str] = mapped_column(String(200), default="")
    told_state: Mapped[str] = mapped_column(String(20), default="operational")
    told_at: Mapped[datetime | None]
    tell_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    page: Mapped[StatusPage] = relationship(back_populates="components")
    services: Mapped[list[Service]] = relationship(secondary="status_component_services", order_by="Service.key")

    @property
    def ref(self) -> str:
        """`status_component:3`."""
        return f"status_component:{self.id}"


class ComponentService(Base):
    """A component shows how this service is."""

    __tablename__ = "status_component_services"

    component_id: Mapped[int] = foreign("status_components.id", primary_key=True)
    service_id: Mapped[int] = foreign("services.id", primary_key=True, index=True)


class Span(Base):
    """What a component was from `starts` until `ends`; the one that lasts has no end. `reason`: why it was corrected."""

    __tablename__ = "status_spans"
    __table_args__ = (Index("ix_status_spans_component_id_starts", "component_id", "starts"),
                      Index("uq_status_spans_open", "component_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN))

    id: Mapped[Key]
    component_id: Mapped[int] = foreign("status_components.id")
    state: Mapped[str] = mapped_column(String(20))
    starts: Mapped[datetime]
    ends: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500), default="")


class Notice(Base):
    """The published thread of one disruption. `components` are ids of the page's components; a draft is shown inside only.

    Which incidents it is about stays invisible outside.
    """

    __tablename__ = "status_notices"
    __table_args__ = (Index("ix_status_notices_page_id_started_at", "page_id", "started_at"),)

    id: Mapped[Key]
    public_id: Mapped[str] = mapped_column(String(12), unique=True, default=public_id)
    page_id: Mapped[int] = foreign("status_pages.id")
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default="investigating")
    impact: Mapped[str] = mapped_column(String(10), default="minor")
    components: Mapped[list[int]] = mapped_column(default=list)
    draft: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    page: Mapped[StatusPage] = relationship()
    updates: Mapped[list[NoticeUpdate]] = relationship(
        back_populates="notice", order_by="(NoticeUpdate.at, NoticeUpdate.id)", cascade="all, delete-orphan")

    @property
    def ref(self) -> str:
        """`status_notice:3`."""
        return f"status_notice:{self.id}"


class NoticeIncident(Base):
    """A notice is about this incident; an incident has at most one notice on a page."""

    __tablename__ = "status_notice_incidents"
    __table_args__ = (UniqueConstraint("page_id", "incident_id"),)

    notice_id: Mapped[int] = foreign("status_notices.id", primary_key=True)
    incident_id: Mapped[int] = foreign("incidents.id", primary_key=True, index=True)
    page_id: Mapped[int] = foreign("status_pages.id")


class NoticeUpdate(Base):
    """One status update. With `due_at` it waits to be published then; `at` is the time that readers see."""

    __tablename__ = "status_notice_updates"
    __table_args__ = (Index("ix_status_notice_updates_notice_id_at", "notice_id", "at"),)

    id: Mapped[Key]
    notice_id: Mapped[int] = foreign("status_notices.id")
    state: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    changes: Mapped[dict[str, str]] = mapped_column(default=dict)
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    edited_at: Mapped[datetime | None]
    notice: Mapped[Notice] = relationship(back_populates="updates")
