"""Postmortems with their versions and reviews, what people have not saved yet, templates, share links, action items."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Key, foreign
from app.identity.models import Team, User
from app.incidents.models import Incident

WAITING = text("remind_at IS NOT NULL")


class Postmortem(Base):
    """One document. `version` is the number of the newest version, `published` that of the one readers see.

    `words` is what its readers read and a search finds. `author_id` wrote the last change, `rendered` is kept as HTML.
    """

    __tablename__ = "postmortems"
    __table_args__ = (Index("ix_postmortems_team_id_state", "team_id", "state"),)

    id: Mapped[Key]
    team_id: Mapped[int | None] = foreign("teams.id")
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default="draft")
    version: Mapped[int] = mapped_column(default=0)
    published: Mapped[int | None]
    publication: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    owner_id: Mapped[int | None] = foreign("users.id", index=True)
    author_id: Mapped[int | None] = foreign("users.id")
    words: Mapped[str] = mapped_column(Text, default="")
    nudge_at: Mapped[datetime | None] = mapped_column(index=True)
    nudges: Mapped[int] = mapped_column(default=0)
    rendered: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    team: Mapped[Team | None] = relationship()
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    links: Mapped[list[PostmortemIncident]] = relationship(back_populates="postmortem", order_by="PostmortemIncident.id",
                                              cascade="all, delete-orphan")
    reviews: Mapped[list[PostmortemReview]] = relationship(back_populates="postmortem", order_by="PostmortemReview.id",
                                                 cascade="all, delete-orphan")
    items: Mapped[list[ActionItem]] = relationship(back_populates="postmortem", order_by="ActionItem.id",
                                                   cascade="all, delete-orphan")

    @property
    def incidents(self) -> list[Incident]:
        """What it is about, in the order they were added."""
        return [link.incident for link in self.links]


class PostmortemIncident(Base):
    """One incident of a postmortem. `owner` is the team's id, 0 for none: an incident is in one postmortem a team."""

    __tablename__ = "postmortem_incidents"
    __table_args__ = (UniqueConstraint("incident_id", "owner"),)

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id", index=True)
    incident_id: Mapped[int] = foreign("incidents.id")
    owner: Mapped[int]
    postmortem: Mapped[Postmortem] = relationship(back_populates="links")
    incident: Mapped[Incident] = relationship()


class AutomaticDraft(Base):
    """An incident for which a draft was made by itself: it is made once, also when it was deleted since."""

    __tablename__ = "automatic_drafts"

    id: Mapped[Key]
    incident_id: Mapped[int] = foreign("incidents.id", unique=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class PostmortemVersion(Base):
    """What a postmortem said after one save or change of state; never changed. `publication` counts published ones, which
    hold `facts` and `timeline` as they were. `content` is what `rules.Content` reads."""

    __tablename__ = "postmortem_versions"
    __table_args__ = (UniqueConstraint("postmortem_id", "number"),)

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id")
    number: Mapped[int]
    publication: Mapped[int | None]
    what: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(500), default="")
    author: Mapped[str] = mapped_column(String(80))
    author_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    content: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any] | None]
    timeline: Mapped[list[Any] | None]


class PostmortemHtml(Base):
    """A long section as HTML. `digest` is over the text and what rendered it."""

    __tablename__ = "postmortem_html"

    postmortem_id: Mapped[int] = foreign("postmortems.id", primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    html: Mapped[str] = mapped_column(Text)


class Unsaved(Base):
    """What a person typed and has not saved, or could not: `base` is the version they began with."""

    __tablename__ = "postmortem_unsaved"
    __table_args__ = (UniqueConstraint("postmortem_id", "user_id"),)

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    base: Mapped[int]
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    user: Mapped[User] = relationship()


class PostmortemReview(Base):
    """Somebody who was asked to review: `asked`, `approved` or `changes`, and which version they judged."""

    __tablename__ = "postmortem_reviews"
    __table_args__ = (UniqueConstraint("postmortem_id", "user_id"),)

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id")
    user_id: Mapped[int] = foreign("users.id", index=True)
    state: Mapped[str] = mapped_column(String(20), default="asked")
    version: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    postmortem: Mapped[Postmortem] = relationship(back_populates="reviews")
    user: Mapped[User] = relationship()


class PostmortemComment(Base):
    """What a reader says beside the text; Markdown, shown sanitised."""

    __tablename__ = "postmortem_comments"

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id", index=True)
    author_id: Mapped[int | None] = foreign("users.id")
    author_name: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ShareLink(Base):
    """Opens the published version to whoever has it. Only the SHA-256 of its token is stored."""

    __tablename__ = "postmortem_share_links"

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id", index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    last4: Mapped[str] = mapped_column(String(4))
    made_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    postmortem: Mapped[Postmortem] = relationship()


class PostmortemTemplate(Base):
    """Sections that a new postmortem begins with: a team's own, or everybody's. `sections` are {heading, guide, body}."""

    __tablename__ = "postmortem_templates"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[Key]
    owner: Mapped[int] = mapped_column(default=0)  # the team's id, 0 for everybody's: so that the name is unique there too
    team_id: Mapped[int | None] = foreign("teams.id", index=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    sections: Mapped[list[dict[str, str]]]
    team: Mapped[Team | None] = relationship()


class Habits(Base):
    """How a team writes postmortems: which incidents get a draft by themselves, whether a review is needed, what with."""

    __tablename__ = "postmortem_settings"

    id: Mapped[Key]
    team_id: Mapped[int] = foreign("teams.id", unique=True)
    automatic: Mapped[str] = mapped_column(String(20), default="critical")
    review: Mapped[str] = mapped_column(String(20), default="required")
    template_id: Mapped[int | None] = foreign("postmortem_templates.id", index=True)
    team: Mapped[Team] = relationship()
    template: Mapped[PostmortemTemplate | None] = relationship()


class ActionItem(Base):
    """Something to do so that it does not happen again. `remind_at` is when its owner hears of it next."""

    __tablename__ = "action_items"
    __table_args__ = (
        Index("ix_action_items_owner_id_state", "owner_id", "state"),
        Index("ix_action_items_remind", "remind_at", sqlite_where=WAITING, postgresql_where=WAITING),
    )

    id: Mapped[Key]
    postmortem_id: Mapped[int] = foreign("postmortems.id", index=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), default="")
    owner_id: Mapped[int] = foreign("users.id")
    due_on: Mapped[date]
    priority: Mapped[str] = mapped_column(String(10), default="medium")
    state: Mapped[str] = mapped_column(String(20), default="open")
    done_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    postmortem: Mapped[Postmortem] = relationship(back_populates="items")
    owner: Mapped[User] = relationship()
    ticket: Mapped[ItemTicket | None] = relationship(cascade="all, delete-orphan")


class ItemTicket(Base):
    """An issue at another product that stands for an action item: `queued`, `making`, `made` or `failed`.

    `connection` is the key of the account; `params` what was said of the issue beside title and description. `unknown`:
    an earlier attempt may have made it. `open` is how it stood at `checked_at`, None when nobody can tell.
    """

    __tablename__ = "action_item_tickets"
    __table_args__ = (Index("ix_action_item_tickets_state_next_at", "state", "next_at"),)

    id: Mapped[Key]
    item_id: Mapped[int] = foreign("action_items.id", unique=True)
    connection: Mapped[str] = mapped_column(String(60), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    next_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[bool] = mapped_column(default=False)
    key: Mapped[str] = mapped_column(String(200), default="")
    url: Mapped[str] = mapped_column(String(2000), default="")
    open: Mapped[bool | None]
    problem: Mapped[str] = mapped_column(String(300), default="")
    made_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None] = mapped_column(index=True)
