"""Contact methods, personal rules, the outbox, one-tap links and verification codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications import rules

BUNDLED = text("state = 'queued' AND bundle <> ''")
WAITING = text("state IN ('queued', 'sending')")
ALONE, AGAIN = text("incident_id IS NULL"), text("again_of IS NOT NULL")


class ContactMethod(Base):
    """A way to reach a person. `data_sealed` is the channel's own JSON (push keys, a signing secret), encrypted."""

    __tablename__ = "contact_methods"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id")
    name: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(2000))
    data_sealed: Mapped[str | None] = mapped_column(Text)
    proven_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str] = mapped_column(String(300), default="")
    last_delivered_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    user: Mapped[User] = relationship()

    @property
    def usable(self) -> bool:
        """Proven and not disabled: only such methods are paged."""
        return self.proven_at is not None and self.disabled_at is None


class NotificationRule(Base):
    """`after` seconds, by this method, for pages of this urgency."""

    __tablename__ = "notification_rules"
    __table_args__ = (Index("ix_notification_rules_user_id_urgency", "user_id", "urgency", "position"),)

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id")
    urgency: Mapped[str] = mapped_column(String(10))
    position: Mapped[int]
    after: Mapped[int] = mapped_column(default=0)
    method_id: Mapped[int] = foreign("contact_methods.id", index=True)
    method: Mapped[ContactMethod] = relationship()


class ContactCode(Base):
    """A code sent to a contact method to prove it; stored hashed."""

    __tablename__ = "contact_codes"

    id: Mapped[Key]
    method_id: Mapped[int] = foreign("contact_methods.id", index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class Message(Base):
    """One message to one address: the outbox row. `once` is unique: a repeated reaction creates nothing."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_due", "next_at", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_messages_incident_id_id", "incident_id", "id"),
        Index("ix_messages_bundle", "bundle", sqlite_where=BUNDLED, postgresql_where=BUNDLED),
        Index("ix_messages_user_id_id", "user_id", "id"), Index("ix_messages_provider_id", "provider_id"),
        Index("ix_messages_queued_at", "queued_at"),
        Index("ix_messages_alone", "queued_at", sqlite_where=ALONE, postgresql_where=ALONE),
        Index("ix_messages_again_of", "again_of", sqlite_where=AGAIN, postgresql_where=AGAIN),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(30), default="page")
    once: Mapped[str | None] = mapped_column(String(160), unique=True)
    incident_id: Mapped[int | None] = foreign("incidents.id")
    user_id: Mapped[int] = foreign("users.id")
    method_id: Mapped[int] = foreign("contact_methods.id", index=True)
    channel: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(2000))
    urgency: Mapped[str] = mapped_column(String(10), default="high")
    reason: Mapped[str] = mapped_column(String(300), default="")
    data_sealed: Mapped[str | None] = mapped_column(Text)
    run_id: Mapped[int | None] = foreign("escalation_runs.id", index=True)
    level: Mapped[int | None]
    round: Mapped[int | None]
    step: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    account: Mapped[str] = mapped_column(String(80), default="")
    avoid: Mapped[str] = mapped_column(String(300), default="")
    bundle: Mapped[str] = mapped_column(String(60), default="")
    scope: Mapped[str] = mapped_column(String(40), default="")  # what a message without an incident is about: `team:3`
    again_of: Mapped[int | None] = foreign("messages.id")
    provider: Mapped[str] = mapped_column(String(60), default="")
    provider_id: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str] = mapped_column(String(500), default="")
    user: Mapped[User] = relationship()
    method: Mapped[ContactMethod] = relationship()
    incident: Mapped[Incident | None] = relationship()

    @validates("state")
    def _move(self, _name: str, state: str) -> str:
        """Only the moves of the table; a state never goes backwards."""
        if self.state is not None and state != self.state and state not in rules.MOVES[self.state]:
            raise ValueError(f"a message that is {self.state} can't become {state}")
        return state


class DutyNotices(Base):
    """Which notices of hand-offs a person wants: a day before, as their shift begins, as it ends."""

    __tablename__ = "duty_notices"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", unique=True)
    before: Mapped[bool] = mapped_column(default=True)
    start: Mapped[bool] = mapped_column(default=True)
    end: Mapped[bool] = mapped_column(default=False)


class QuietHours(Base):
    """A span in which low urgency waits for a person: weekdays on which it begins, local times, and its zone."""

    __tablename__ = "quiet_hours"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    days: Mapped[list[int]]
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))
    zone: Mapped[str] = mapped_column(String(64))


class OneTapLink(Base):
    """One person, one incident (or all of a bundle: `also`), one action, one use, 15 minutes. Only the SHA-256 of the token
    is stored."""

    __tablename__ = "one_tap_links"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    message_id: Mapped[int] = foreign("messages.id", index=True)
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    user_id: Mapped[int] = foreign("users.id")
    also: Mapped[list[int]] = mapped_column(default=list)
    action: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    incident: Mapped[Incident] = relationship()
    user: Mapped[User] = relationship()
    message: Mapped[Message] = relationship()
