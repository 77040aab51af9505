"""People, teams, memberships, login sessions, API tokens, and what proves who somebody is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity import rules


class User(Base):
    """A person. `email` is stored in lower case. Whoever was erased keeps a row without name and address.

    `external_id`, `user_name` (in lower case) and `profile` are what the directory that provisions people knows them
    by and said of them; `removed_at` is when it took them out of its list. A `break_glass` account is none of its.
    """

    __tablename__ = "users"

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20), default="member")
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    state: Mapped[str] = mapped_column(String(20), default="active")
    password_hash: Mapped[str | None] = mapped_column(String(300))
    break_glass: Mapped[bool] = mapped_column(default=False)
    external_id: Mapped[str | None] = mapped_column(String(254), index=True, unique=True)
    user_name: Mapped[str | None] = mapped_column(String(254), index=True, unique=True)
    profile: Mapped[dict[str, Any] | None]
    removed_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    memberships: Mapped[list[Membership]] = relationship(back_populates="user", cascade="all, delete-orphan")

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in and be on duty."""
        return self.state == "active"

    def get_id(self) -> str:
        """What Flask-Login keeps; the login session itself is a row of its own."""
        return str(self.id)


class Team(Base):
    """A group that owns services, schedules and policies. `key` never changes."""

    __tablename__ = "teams"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    private: Mapped[bool] = mapped_column(default=False)
    note_required: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[str]] = mapped_column(default=list)
    external_id: Mapped[str | None] = mapped_column(String(254), index=True, unique=True)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    memberships: Mapped[list[Membership]] = relationship(back_populates="team", cascade="all, delete-orphan")


class Membership(Base):
    """A person's role in a team: manager, responder or observer."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)

    id: Mapped[Key]
    team_id: Mapped[int] = foreign("teams.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    role: Mapped[str] = mapped_column(String(20), default="responder")
    team: Mapped[Team] = relationship(back_populates="memberships")
    user: Mapped[User] = relationship(back_populates="memberships")


class LoginSession(Base):
    """One signed-in browser. Only the SHA-256 of its cookie value is stored."""

    __tablename__ = "login_sessions"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(300), default="")
    road: Mapped[str] = mapped_column(String(20), default="password")
    proved_at: Mapped[datetime | None]
    device_id: Mapped[int | None] = foreign("devices.id", index=True)
    user: Mapped[User] = relationship()

    @property
    def until(self) -> datetime:
        """When it ends if nobody comes back; a kept copy of a page is not shown after that."""
        return min(self.created_at + rules.LOGIN_LASTS, self.last_seen_at + rules.LOGIN_IDLE)


class Device(Base):
    """A browser on which a person stays signed in. Of its token only hashes are kept: the name stays, the secret is
    replaced at each use. `road` is how the person came in when it was kept."""

    __tablename__ = "devices"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    name_hash: Mapped[str] = mapped_column(String(64), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    road: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(300), default="")
    user: Mapped[User] = relationship()


class ApiToken(Base):
    """A machine's key to /api/v1. Only its SHA-256 is stored; `scopes` None means all of its owner's rights."""

    __tablename__ = "api_tokens"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    last4: Mapped[str] = mapped_column(String(4))
    scopes: Mapped[list[str] | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class SetupLink(Base):
    """A one-time link, valid for 24 hours: makes the first admin, or with `user_id` lets that person set a password."""

    __tablename__ = "setup_links"

    id: Mapped[Key]
    user_id: Mapped[int | None] = foreign("users.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    user: Mapped[User | None] = relationship()


class FailedLogin(Base):
    """A wrong password: `subject` is `email:…` or `ip:…`. Rows, so that a lock survives a restart."""

    __tablename__ = "failed_logins"

    id: Mapped[Key]
    subject: Mapped[str] = mapped_column(String(300), index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class Identity(Base):
    """What an identity provider calls a person: one subject of one issuer, bound to one account for good."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    user: Mapped[User] = relationship()


class Challenge(Base):
    """A question put to one browser, answered once within minutes: a state, an expected code, a passkey's challenge."""

    __tablename__ = "challenges"

    id: Mapped[Key]
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SingleSignOn(Base):
    """What administrators set on the page of single sign-on; one row. `admin_values` of `role_claim` make an admin."""

    __tablename__ = "single_sign_on"

    id: Mapped[Key]
    issuer: Mapped[str] = mapped_column(String(500))
    client_id: Mapped[str] = mapped_column(String(500))
    client_secret_sealed: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(String(500))
    creates: Mapped[bool]
    role_claim: Mapped[str] = mapped_column(String(500))
    admin_values: Mapped[list[str]]


class CodeGenerator(Base):
    """A person's application for one-time codes (RFC 6238): the sealed secret, and the last step that was used."""

    __tablename__ = "code_generators"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", unique=True)
    sealed: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code on paper that stands in once for the application that is lost; only its SHA-256 is stored."""

    __tablename__ = "recovery_codes"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key pair that a person's device holds (WebAuthn); `credential` and `public_key` are base64url."""

    __tablename__ = "passkeys"

    id: Mapped[Key]
    user_id: Mapped[int] = foreign("users.id", index=True)
    credential: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int] = mapped_column(BigId, default=0)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()
