"""Services and their dependencies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team, User


class Service(Base):
    """Something that can break. `lifecycle` is active, deprecated or archived.

    `links` are `{name, url}`; `offered_team_id` is the team that is asked to take it over.
    """

    __tablename__ = "services"
    __table_args__ = (Index("uq_services_key_lower", text("lower(key)"), unique=True),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(2000), default="")
    team_id: Mapped[int] = foreign("teams.id", index=True)
    policy_id: Mapped[int | None] = foreign("escalation_policies.id", index=True)
    tags: Mapped[list[str]] = mapped_column(default=list)
    lifecycle: Mapped[str] = mapped_column(String(20), default="active")
    noise: Mapped[dict[str, Any]] = mapped_column(default=dict)
    links: Mapped[list[dict[str, str]]] = mapped_column(default=list)
    attributes: Mapped[dict[str, str]] = mapped_column(default=dict)
    offered_team_id: Mapped[int | None] = foreign("teams.id")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team] = relationship(foreign_keys=[team_id])
    offered_team: Mapped[Team | None] = relationship(foreign_keys=[offered_team_id])
    dependencies: Mapped[list[ServiceDependency]] = relationship(
        foreign_keys="ServiceDependency.service_id", cascade="all, delete-orphan", back_populates="service")


class ServiceDependency(Base):
    """`service` needs `depends_on` to work."""

    __tablename__ = "service_dependencies"
    __table_args__ = (UniqueConstraint("service_id", "depends_on_id"),)

    id: Mapped[Key]
    service_id: Mapped[int] = foreign("services.id")
    depends_on_id: Mapped[int] = foreign("services.id", index=True)
    service: Mapped[Service] = relationship(foreign_keys=[service_id], back_populates="dependencies")
    depends_on: Mapped[Service] = relationship(foreign_keys=[depends_on_id])

class Window(Base):
    """Time in which pages are held: `maintenance` (planned, it may repeat) or `silence` (somebody's, once).

    `starts` and `ends` are local times of `time_zone`, as people wrote them; `over_at` is the end of the last occurrence.
    """

    __tablename__ = "windows"

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20), index=True)
    key: Mapped[str | None] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    owner_id: Mapped[int | None] = foreign("users.id", index=True)
    services: Mapped[list[int]] = mapped_column(default=list)
    teams: Mapped[list[int]] = mapped_column(default=list)
    integrations: Mapped[list[str]] = mapped_column(default=list)
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    starts: Mapped[str] = mapped_column(String(19))
    ends: Mapped[str] = mapped_column(String(19))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    repeat: Mapped[dict[str, Any]] = mapped_column(default=dict)
    hold_pages: Mapped[bool] = mapped_column(default=True)
    page_critical: Mapped[bool] = mapped_column(default=False)
    over_at: Mapped[datetime | None] = mapped_column(index=True)
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team | None] = relationship()
    owner: Mapped[User | None] = relationship()

    @property
    def ref(self) -> str:
        """`maintenance:3` or `silence:4`."""
        return f"{self.kind}:{self.id}"

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name if self.kind == "maintenance" else self.reason
