"""Integrations, the inbox of deliveries and refused requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from app.catalog.models import Service
from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import Team

ORIGINAL = text("delivery_key IS NOT NULL AND state NOT IN ('duplicate', 'rejected')")
BUSY_AT = 1000
UNPROCESSED = text("state = 'received'")
HELD = text("state = 'held'")
BAD_STATES = ("rejected", "failed")
BAD = text("state IN ('rejected', 'failed')")


class Integration(Base):
    """A sender that is allowed in. Its token opens `/in/<token>`; secrets are encrypted, the token also hashed.

    One that was removed keeps its row for the sake of its history; its key is free again.
    """

    __tablename__ = "integrations"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    plugin: Mapped[str] = mapped_column(String(60))
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    service_id: Mapped[int | None] = foreign("services.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(Text)
    token_last4: Mapped[str] = mapped_column(String(4))
    secret_sealed: Mapped[str | None] = mapped_column(Text)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    default_severity: Mapped[str] = mapped_column(String(20), default="medium")
    paused_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    busy_told_at: Mapped[datetime | None]
    trouble_id: Mapped[int | None] = foreign("incidents.id")
    trouble_over_at: Mapped[datetime | None]
    expected_every: Mapped[int | None]
    quiet_incident: Mapped[bool] = mapped_column(default=False)
    quiet_id: Mapped[int | None] = foreign("incidents.id")
    told_health: Mapped[str] = mapped_column(String(20), default="")
    told_at: Mapped[datetime | None]
    former_config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    regrouped_at: Mapped[datetime | None]
    team: Mapped[Team | None] = relationship()
    service: Mapped[Service | None] = relationship()

    def busy(self, at: datetime) -> bool:
        """Whether more than `BUSY_AT` of its deliveries were taken within the minute before `at`."""
        return self.busy_until is not None and self.busy_until > at


class Delivery(Base):
    """One request as it came: the inbox row. States: received, processed, duplicate, rejected, held, failed."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("uq_deliveries_original", "integration_id", "delivery_key", "body_hash", unique=True,
              sqlite_where=ORIGINAL, postgresql_where=ORIGINAL),
        Index("ix_deliveries_unprocessed", "integration_id", "id", sqlite_where=UNPROCESSED, postgresql_where=UNPROCESSED),
        Index("ix_deliveries_integration_id_id", "integration_id", "id"),
        Index("ix_deliveries_bad", "integration_id", "received_at", sqlite_where=BAD, postgresql_where=BAD),
        Index("ix_deliveries_held", "integration_id", sqlite_where=HELD, postgresql_where=HELD),
    )

    id: Mapped[Key]
    integration_id: Mapped[int] = foreign("integrations.id")
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    method: Mapped[str] = mapped_column(String(10), default="POST")
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    query: Mapped[dict[str, Any]] = mapped_column(default=dict)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    delivery_key: Mapped[str | None] = mapped_column(String(300))
    body_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default="received")
    duplicate_of: Mapped[int | None] = foreign("deliveries.id", index=True)
    signature: Mapped[str] = mapped_column(String(20), default="")
    note: Mapped[str] = mapped_column(String(1000), default="")
    results: Mapped[list[Any]] = mapped_column(default=list)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    processed_at: Mapped[datetime | None]
    replayed_by: Mapped[str | None] = mapped_column(String(80))
    replayed_from: Mapped[str | None] = mapped_column(String(20))
    ip: Mapped[str] = mapped_column(String(64), default="")
    request_id: Mapped[str] = mapped_column(String(64), default="")
    integration: Mapped[Integration] = relationship()


class RefusedRequest(Base):
    """A request with a right token but a wrong signature: counted and shown, its body never kept."""

    __tablename__ = "refused_requests"

    id: Mapped[Key]
    integration_id: Mapped[int] = foreign("integrations.id", index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    ip: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(300))
    integration: Mapped[Integration] = relationship()


class Route(Base):
    """A rule of the one global table, asked in the order of `position`; `when` and `then` as the document writes them,
    but for the service."""

    __tablename__ = "routes"
    __table_args__ = (Index("uq_routes_name_lower", text("lower(name)"), unique=True),)

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(index=True)
    when: Mapped[dict[str, Any]] = mapped_column(default=dict)
    then: Mapped[dict[str, Any]] = mapped_column(default=dict)
    service_id: Mapped[int | None] = foreign("services.id", index=True)
    goes_on: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    service: Mapped[Service | None] = relationship(lazy="joined")

    @property
    def team_id(self) -> int | None:
        """The table is everybody's; who may not know of a service sees no route to it."""
        return self.service.team_id if self.service else None


class RouteHits(Base):
    """How often a route fitted on one day (UTC), and how often it suppressed."""

    __tablename__ = "route_hits"

    route_id: Mapped[int] = mapped_column(BigId, ForeignKey("routes.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    suppressed: Mapped[int] = mapped_column(default=0)


class FormerCredential(Base):
    """A token or signing secret that was replaced and still counts until `until`; a secret is kept encrypted too."""

    __tablename__ = "former_credentials"
    __table_args__ = (UniqueConstraint("kind", "hash"),)

    id: Mapped[Key]
    integration_id: Mapped[int] = foreign("integrations.id", index=True)
    kind: Mapped[str] = mapped_column(String(10))
    hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(Text, default="")
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]
    integration: Mapped[Integration] = relationship()


class PluginMark(Base):
    """Which version of a plugin was at work last: another one at the start of a process is a fact of the log."""

    __tablename__ = "plugin_marks"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[str] = mapped_column(String(80))


READER = func.coalesce(Delivery.parts["reader"].as_string(), Integration.plugin)
"""By which plugin a delivery is read, beside its integration: the one that its door named, else the integration's own."""
