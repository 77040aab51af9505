"""Services and their dependencies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team


class Service(Base):
    """Something that can break. `lifecycle` is active, deprecated or archived."""

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
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    team: Mapped[Team] = relationship()
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
