"""Accounts at providers and how they fare, posts that are kept true, codes for answers, and the answers heard."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import User
from app.incidents.models import Incident

DUE, TO_ONE = text("next_at IS NOT NULL"), text("message_id IS NOT NULL")


class ChannelAccount(Base):
    """One account at a provider that an admin entered or connected; `config_sealed` is a JSON object, by setting."""

    __tablename__ = "channel_accounts"

    id: Mapped[Key]
    plugin: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(120))
    config_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]

    @property
    def key(self) -> str:
        """How messages and states name it, `plugin:3`; the account of the environment is `plugin`."""
        return f"{self.plugin}:{self.id}"


class ProviderState(Base):
    """How one account fares on one channel, for all workers: failures in a row, until when it is left out, and by whose
    hand it is off or earlier in the order."""

    __tablename__ = "provider_states"

    account: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[datetime | None]
    probe_until: Mapped[datetime | None]
    off: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    last_error_at: Mapped[datetime | None]


class Room(Base):
    """A place of a team, or of one of its services, where incidents are posted; of a schedule: its hand-offs alone."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("team_id", "service_id", "channel", "address"),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True, default=lambda: f"room-{token_hex(5)}")
    team_id: Mapped[int] = foreign("teams.id", index=True)
    service_id: Mapped[int | None] = foreign("services.id", index=True)
    schedule_id: Mapped[int | None] = mapped_column(BigId, index=True)  # no foreign key: the schedule may be deleted
    channel: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(2000))
    name: Mapped[str] = mapped_column(String(120), default="")
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]


class Surface(Base):
    """A post about an incident that is kept true: a page that was sent, the one in a room, or in a channel of the
    incident's own. Due while `next_at` is set; `said_id` is the last note that stands in its thread."""

    __tablename__ = "surfaces"
    __table_args__ = (UniqueConstraint("incident_id", "room_id"), UniqueConstraint("message_id"),
                      Index("ix_surfaces_due", "next_at", sqlite_where=DUE, postgresql_where=DUE),
                      Index("uq_surfaces_own", "incident_id", "channel", unique=True, sqlite_where=text("own"),
                            postgresql_where=text("own")))

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", index=True)
    message_id: Mapped[int | None] = foreign("messages.id")
    room_id: Mapped[int | None] = foreign("rooms.id")
    channel: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(2000))
    provider_id: Mapped[str] = mapped_column(String(300), default="", index=True)
    shown: Mapped[str] = mapped_column(String(300), default="")
    own: Mapped[bool] = mapped_column(default=False)
    said_id: Mapped[int] = mapped_column(BigId, default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    updated_at: Mapped[datetime | None]
    incident: Mapped[Incident] = relationship()
    room: Mapped[Room | None] = relationship()


class DutyPost(Base):
    """A hand-off posted in a schedule's room. Due while `next_at` is set."""

    __tablename__ = "duty_posts"
    __table_args__ = (UniqueConstraint("event_id", "room_id"),
                      Index("ix_duty_posts_due", "next_at", sqlite_where=DUE, postgresql_where=DUE))

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(BigId)  # no foreign key: the log is purged by its own rule
    room_id: Mapped[int] = foreign("rooms.id")
    key: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    room: Mapped[Room] = relationship()


class ReplyCode(Base):
    """The short number by which one person names one incident in a text message."""

    __tablename__ = "reply_codes"
    __table_args__ = (UniqueConstraint("user_id", "incident_id"), Index("ix_reply_codes_code", "user_id", "code"))

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id")
    incident_id: Mapped[int] = foreign("incidents.id")
    code: Mapped[str] = mapped_column(String(4))
    last_used_at: Mapped[datetime] = mapped_column(default=clock.now)
    incident: Mapped[Incident] = relationship()


class HeardReply(Base):
    """An answer by a channel and what came of it; `once` names it, so that the same again gets the same answer."""

    __tablename__ = "heard_replies"
    __table_args__ = (Index("ix_heard_replies_sender", "channel", "sender", "at"),
                      Index("ix_heard_replies_message_id", "message_id", sqlite_where=TO_ONE, postgresql_where=TO_ONE))

    id: Mapped[Key]
    once: Mapped[str] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str] = mapped_column(String(64), default="")
    at: Mapped[datetime] = mapped_column(default=clock.now)
    user_id: Mapped[int | None] = foreign("users.id")
    incident_id: Mapped[int | None] = foreign("incidents.id")
    message_id: Mapped[int | None] = foreign("messages.id")
    action: Mapped[str] = mapped_column(String(40), default="")
    done: Mapped[bool] = mapped_column(default=False)
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)
    user: Mapped[User | None] = relationship()
