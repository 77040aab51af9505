"""What is kept of incidents, pages and messages, so that figures are read quickly and outlive what they were made of.

Instants are whole seconds since 1970, spans whole seconds, so that both databases reckon alike.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import User

LATE = text("late > 0 AND span = 1")


class IncidentFact(Base):
    """One incident that counts. `acknowledged` and `resolved` are seconds after opening, None for never; `automatic` is
    whether something answered before any person; `unaided` whether it was resolved without a person's act; `level` the
    highest that was paged, `answered_level` the one that was being paged at the answer."""

    __tablename__ = "insight_incidents"
    __table_args__ = (
        Index("ix_insight_incidents_times", "opened", "team_id", "service_id", "severity", "urgency", "integration_id",
              "acknowledged", "resolved"),
        Index("ix_insight_incidents_slow", "acknowledged", "incident_id"),
    )

    incident_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    opened: Mapped[int] = mapped_column(BigId)
    team_id: Mapped[int | None] = mapped_column(BigId)
    service_id: Mapped[int | None] = mapped_column(BigId)
    integration_id: Mapped[int | None] = mapped_column(BigId)
    severity: Mapped[str] = mapped_column(String(20))
    urgency: Mapped[str] = mapped_column(String(10))
    dedup_key: Mapped[str] = mapped_column(String(200), default="")
    acknowledged: Mapped[int | None]
    resolved: Mapped[int | None]
    automatic: Mapped[bool] = mapped_column(default=False)
    unaided: Mapped[bool] = mapped_column(default=False)
    noise: Mapped[bool] = mapped_column(default=False)
    flapping: Mapped[bool] = mapped_column(default=False)
    level: Mapped[int] = mapped_column(default=0)
    answered_level: Mapped[int | None]
    pages: Mapped[int] = mapped_column(default=0)


class FactDay(Base):
    """The incidents of a day (since 1970, UTC) that count, in columns: `data` holds all of `number` incidents, whose teams
    and services are places in `pairs`, whose keys of alerts are places in `keys`. Until a `stale` day is packed anew, its
    facts are read one by one."""

    __tablename__ = "insight_days"

    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stale: Mapped[bool] = mapped_column(default=True)
    number: Mapped[int] = mapped_column(default=0)
    pairs: Mapped[list[Any]] = mapped_column(default=list)
    keys: Mapped[list[str]] = mapped_column(default=list)
    data: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class FactSpan(Base):
    """The incidents of `length` days from `first` on in cells, as in `cells.KINDS`. Until a `stale` span is packed anew,
    its shorter spans are read, and its days. `halves` is how many were opened in each half hour of UTC; `pages` when a page
    reached whom; `sources` how many incidents and pages each source had, and how many were noise, marked so, flapping."""

    __tablename__ = "insight_spans"

    length: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stale: Mapped[bool] = mapped_column(default=True)
    cells: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    services: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    teams: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    levels: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    halves: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    pages: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    sources: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PageFact(Base):
    """One message by which somebody was paged for an incident that counts."""

    __tablename__ = "insight_pages"
    __table_args__ = (Index("ix_insight_pages_at", "at", "user_id"),)

    message_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    incident_id: Mapped[int] = mapped_column(BigId, index=True)
    user_id: Mapped[int] = mapped_column(BigId)
    team_id: Mapped[int | None] = mapped_column(BigId)
    at: Mapped[int] = mapped_column(BigId)


class DeliverySum(Base):
    """The messages of one hour that ended alike, once the hour is closed, or of a longer `span` of so many hours. `queued`,
    `arrived` and `first` count them by the seconds they waited: to be sent, to arrive, and first pages to be sent; of
    these `late` were so after the target."""

    __tablename__ = "insight_deliveries"
    __table_args__ = (
        UniqueConstraint("span", "hour", "team_id", "channel", "provider", "state", "reason",
                         name="uq_insight_deliveries_alike"),
        Index("ix_insight_deliveries_late", "hour", "team_id", "late", sqlite_where=LATE, postgresql_where=LATE))

    id: Mapped[Key]
    hour: Mapped[int] = mapped_column(BigId)
    span: Mapped[int] = mapped_column(default=1)
    team_id: Mapped[int | None] = mapped_column(BigId)
    channel: Mapped[str] = mapped_column(String(40))
    provider: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(100), default="")
    number: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    queued: Mapped[dict[str, Any]] = mapped_column(default=dict)
    arrived: Mapped[dict[str, Any]] = mapped_column(default=dict)
    first: Mapped[dict[str, Any]] = mapped_column(default=dict)
    firsts: Mapped[int] = mapped_column(default=0)
    late: Mapped[int] = mapped_column(default=0)


class NoiseMark(Base):
    """Somebody says that nobody needed to be told of this incident."""

    __tablename__ = "noise_marks"

    incident_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=clock.now)


class Digest(Base):
    """What a team was told on the Monday `week`; `ahead` is what can't be counted again later, for the next comparison."""

    __tablename__ = "insight_digests"
    __table_args__ = (UniqueConstraint("team_id", "week"),)

    id: Mapped[Key]
    team_id: Mapped[int] = foreign("teams.id")
    week: Mapped[date]
    subject: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    ahead: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    copies: Mapped[list[DigestCopy]] = relationship(order_by="DigestCopy.id")


class DigestCopy(Base):
    """Who was sent it, and the SHA-256 of the token by which that person unsubscribes."""

    __tablename__ = "insight_digest_copies"
    __table_args__ = (UniqueConstraint("digest_id", "user_id"),)

    id: Mapped[Key]
    digest_id: Mapped[int] = foreign("insight_digests.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user: Mapped[User] = relationship()


class DigestWish(Base):
    """Somebody said whether they want a team's digest."""

    __tablename__ = "insight_digest_wishes"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)

    id: Mapped[Key]
    team_id: Mapped[int] = foreign("teams.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    wanted: Mapped[bool]


class ReadUntil(Base):
    """How far the log was read (`log`), and up to which hour messages are summed (`hours`, `hours-6` and so on)."""

    __tablename__ = "insight_marks"

    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[int] = mapped_column(BigId, default=0)
