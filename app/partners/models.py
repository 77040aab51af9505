"""Partners, what they may read, their links and logins, and the log of what they did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.status_pages.models import StatusPage


class Partner(Base):
    """Somebody outside. `email` is stored in lower case; one who was erased keeps a row without name and address.

    `created_by` is the reference of whoever added them: their creations are seen by managers, too.
    """

    __tablename__ = "partners"

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    organisation: Mapped[str] = mapped_column(String(100), default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    state: Mapped[str] = mapped_column(String(20), default="active")
    created_by: Mapped[str] = mapped_column(String(80), default="")
    erased_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    grants: Mapped[list[Grant]] = relationship(back_populates="partner", cascade="all, delete-orphan", order_by="Grant.id")
    team_id = None  # they are of no team; whoever is responsible for a page they read is asked for that page


class Grant(Base):
    """A partner may read this page, until `expires_at` if it is set. It goes with the page."""

    __tablename__ = "partner_grants"
    __table_args__ = (UniqueConstraint("partner_id", "page_id"),)

    id: Mapped[Key]
    partner_id: Mapped[int] = foreign("partners.id")
    page_id: Mapped[int] = mapped_column(BigId, ForeignKey("status_pages.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    partner: Mapped[Partner] = relationship(back_populates="grants")
    page: Mapped[StatusPage] = relationship()


class Link(Base):
    """One link by mail, and the mail itself until it is sent: queued, sending, sent or failed.

    The token is made when it is handed over and never stored: only its SHA-256. It counts 15 minutes from then.
    """

    __tablename__ = "partner_links"
    __table_args__ = (Index("ix_partner_links_state_next_at", "state", "next_at"),)

    id: Mapped[Key]
    partner_id: Mapped[int] = foreign("partners.id", index=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    partner: Mapped[Partner] = relationship()


class Login(Base):
    """One browser of a partner. Only the SHA-256 of its cookie is stored."""

    __tablename__ = "partner_logins"

    id: Mapped[Key]
    partner_id: Mapped[int] = foreign("partners.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(300), default="")
    partner: Mapped[Partner] = relationship()


class Entry(Base):
    """One row of the log: what a partner did, was refused, or had done to them. Only the purge takes rows away.

    `page_id` outlives its page; `slug` is what was asked for, whether it is there or not.
    """

    __tablename__ = "partner_log"
    __table_args__ = (
        Index("ix_partner_log_at", "at", "id"), Index("ix_partner_log_partner_id", "partner_id", "at", "id"),
        Index("ix_partner_log_email", "email", "at", "id"), Index("ix_partner_log_page_id", "page_id", "at", "id"),
        Index("ix_partner_log_kind", "kind", "at", "id"), Index("ix_partner_log_ip", "ip", "kind", "at"),
    )

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(20))
    partner_id: Mapped[int | None] = mapped_column(BigId)
    email: Mapped[str] = mapped_column(String(254), default="")
    page_id: Mapped[int | None] = mapped_column(BigId)
    slug: Mapped[str] = mapped_column(String(100), default="")
    actor_name: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[str] = mapped_column(String(300), default="")
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(300), default="")
