"""Schedules, their layers and overrides, and exchanged shifts. Local times are wall-clock text, instants are in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, BigId, Key, foreign
from app.identity.models import Team, User


class Schedule(Base):
    """Who is on duty when, in one time zone; layers lowest precedence first."""

    __tablename__ = "schedules"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int] = foreign("teams.id", index=True)
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    archived_at: Mapped[datetime | None]
    team: Mapped[Team] = relationship()
    layers: Mapped[list[Layer]] = relationship(back_populates="schedule", order_by="Layer.position",
                                               cascade="all, delete-orphan")
    overrides: Mapped[list[Override]] = relationship(back_populates="schedule", order_by="Override.starts_at",
                                                     cascade="all, delete-orphan")
    calendars: Mapped[list[CalendarImport]] = relationship(order_by="CalendarImport.use.desc()", back_populates="schedule",
                                                           cascade="all, delete-orphan")
    imported: Mapped[list[ImportedShift]] = relationship(order_by="ImportedShift.starts_at",
                                                         cascade="all, delete-orphan")
    holidays: Mapped[list[Holiday]] = relationship(order_by="Holiday.day", cascade="all, delete-orphan")
    swaps: Mapped[list[Swap]] = relationship(back_populates="schedule", cascade="all, delete-orphan")
    cover_requests: Mapped[list[CoverRequest]] = relationship(back_populates="schedule", cascade="all, delete-orphan")
    duty: Mapped[Duty | None] = relationship(cascade="all, delete-orphan")
    notes: Mapped[list[HandoverNote]] = relationship(cascade="all, delete-orphan")
    versions: Mapped[list[ScheduleVersion]] = relationship(order_by="ScheduleVersion.number",
                                                           cascade="all, delete-orphan")


class Layer(Base):
    """A rotation. `starts` and `ends` are local wall-clock times, `2026-01-05T09:00`; `turns` lists user ids;
    `restrictions` stand as in the configuration document.

    An edit keeps what has been: each row is one version of a layer and counts only from the instant `since` until the
    instant `until`. `origin_id` is the row of the layer's first version, None for that row itself; `first_turn` is the
    place in `turns` of the turn that begins at `starts`. `holidays` is "skip" for a layer that leaves the schedule's
    holidays out, "only" for one that is for them.
    """

    __tablename__ = "layers"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(50))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    starts: Mapped[str] = mapped_column(String(19))
    ends: Mapped[str | None] = mapped_column(String(19))
    every: Mapped[int] = mapped_column(default=1)
    unit: Mapped[str] = mapped_column(String(10), default="week")
    turns: Mapped[list[Any]] = mapped_column(default=list)
    restrictions: Mapped[list[Any]] = mapped_column(default=list)
    skip_inactive: Mapped[bool] = mapped_column(default=False)
    origin_id: Mapped[int | None] = mapped_column(BigId)  # no foreign key: the first version may be gone
    holidays: Mapped[str] = mapped_column(String(4), default="")
    first_turn: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    schedule: Mapped[Schedule] = relationship(back_populates="layers")


class Override(Base):
    """A stand-in for a span; with `replaces_id` only while that person would be on duty."""

    __tablename__ = "overrides"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    people: Mapped[list[int]] = mapped_column(default=list)
    replaces_id: Mapped[int | None] = foreign("users.id", index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    schedule: Mapped[Schedule] = relationship(back_populates="overrides")


class ScheduleVersion(Base):
    """What a schedule was to be after an edit, by whom. `content` holds its name, its zone and the columns of its
    layers; people stand in it by id, so that it can be put back when their addresses are others."""

    __tablename__ = "schedule_versions"
    __table_args__ = (UniqueConstraint("schedule_id", "number"),)

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id")
    number: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    content: Mapped[dict[str, Any]]


class CalendarImport(Base):
    """A calendar from which a schedule is read: below all layers (`use` primary) or above them (override), or the days
    that are holidays. `error` is why the last reading failed; `unmatched` lists events in which nobody was recognised."""

    __tablename__ = "calendar_imports"
    __table_args__ = (UniqueConstraint("schedule_id", "use"),)

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id")
    use: Mapped[str] = mapped_column(String(10))
    url_hash: Mapped[str] = mapped_column(String(64))
    url_sealed: Mapped[str] = mapped_column(Text)
    next_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    read_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    unmatched: Mapped[list[Any]] = mapped_column(default=list)
    schedule: Mapped[Schedule] = relationship(back_populates="calendars")


class ImportedShift(Base):
    """Who is on duty by an imported calendar, as it was read last; what has been stays when the calendar changes."""

    __tablename__ = "imported_shifts"
    __table_args__ = (Index(None, "schedule_id", "ends_at"),)

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id")
    use: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    people: Mapped[list[int]] = mapped_column(default=list)


class Holiday(Base):
    """A day that an imported calendar names; what has been stays when the calendar changes."""

    __tablename__ = "holidays"
    __table_args__ = (UniqueConstraint("schedule_id", "day"),)

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id")
    day: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))


class Swap(Base):
    """Two people give each other a span of duty: the proposer's `gives`, the counterpart's `takes`. Once accepted it is
    two overrides, made by `swap:<id>`. `reminded` is the last reminder in hours before the first span."""

    __tablename__ = "swaps"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", index=True)
    proposer_id: Mapped[int] = foreign("users.id", index=True)
    counterpart_id: Mapped[int] = foreign("users.id", index=True)
    gives_from: Mapped[datetime]
    gives_to: Mapped[datetime]
    takes_from: Mapped[datetime]
    takes_to: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20), default="proposed", index=True)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    settled_at: Mapped[datetime | None]
    revert_asked_by: Mapped[int | None] = mapped_column(BigId)
    reminded: Mapped[int | None]
    schedule: Mapped[Schedule] = relationship(back_populates="swaps")
    proposer: Mapped[User] = relationship(foreign_keys=[proposer_id])
    counterpart: Mapped[User] = relationship(foreign_keys=[counterpart_id])

    @property
    def starts_at(self) -> datetime:
        """When the first of the two spans begins."""
        return min(self.gives_from, self.takes_from)


class CoverRequest(Base):
    """Somebody on duty asks the team to stand in for a span, or for parts of it."""

    __tablename__ = "cover_requests"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", index=True)
    user_id: Mapped[int] = foreign("users.id", index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20), default="open", index=True)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    reminded: Mapped[int | None]
    schedule: Mapped[Schedule] = relationship(back_populates="cover_requests")
    user: Mapped[User] = relationship()
    parts: Mapped[list[CoverPart]] = relationship(back_populates="request", order_by="CoverPart.starts_at",
                                                  cascade="all, delete-orphan")


class CoverPart(Base):
    """Somebody took a part of a request: an override made by `cover:<id>`, until it is given back."""

    __tablename__ = "cover_parts"

    id: Mapped[Key]
    request_id: Mapped[int] = foreign("cover_requests.id", index=True)
    user_id: Mapped[int] = foreign("users.id", index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    taken_at: Mapped[datetime] = mapped_column(default=clock.now)
    back_asked_at: Mapped[datetime | None]
    given_back_at: Mapped[datetime | None]
    request: Mapped[CoverRequest] = relationship(back_populates="parts")
    user: Mapped[User] = relationship()


class Duty(Base):
    """Who was on duty when the clock last looked, and when it has to look again: so each hand-off is told once."""

    __tablename__ = "duties"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", unique=True)
    people: Mapped[list[int]] = mapped_column(default=list)
    look_at: Mapped[datetime] = mapped_column(index=True)


class HandoverNote(Base):
    """What somebody on duty leaves for whoever comes next."""

    __tablename__ = "handover_notes"

    id: Mapped[Key]
    schedule_id: Mapped[int] = foreign("schedules.id", index=True)
    author_id: Mapped[int] = foreign("users.id")
    body: Mapped[str] = mapped_column(String(4000))
    written_at: Mapped[datetime] = mapped_column(default=clock.now)
    author: Mapped[User] = relationship()
