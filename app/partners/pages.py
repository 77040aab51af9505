"""What the pages about partners show to the people of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.paging import paged
from app.identity.queries import may
from app.partners import forms, journal, queries, rules
from app.partners.models import Entry, Grant, Link, Login, Partner
from app.status_pages.models import StatusPage
from app.status_pages.words import LANGUAGES


@dataclass(frozen=True)
class Row:
    """A partner in the list, with the grants that the reader is responsible for."""

    partner: Partner
    grants: list[Grant]

    @property
    def id(self) -> int:
        """The partner's."""
        return self.partner.id


@dataclass(frozen=True)
class IndexPage:
    """The partners that the reader may know of."""

    rows: list[Row]
    next: str
    total: int
    q: str
    page: str
    pages: list[tuple[str, str]]
    may_add: bool


def index_page(by: Actor, args: Mapping[str, str]) -> IndexPage:
    """The list by address, narrowed by a text (`q`) or to who reads a page (`page`)."""
    query, text, slug = queries.visible(by), args.get("q", "").strip()[:100].replace("\0", ""), args.get("page", "")
    if text:
        like = f"%{text.lower()}%"
        query = query.where(func.lower(Partner.name).like(like) | Partner.email.like(like)
                            | func.lower(Partner.organisation).like(like))
    if slug:
        query = query.where(Partner.id.in_(select(Grant.partner_id).join(Grant.page).where(StatusPage.slug == slug)))
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    found = paged(query, args, by=(Partner.email,), show=lambda one: Row(one, queries.shown_grants(one, by)))
    return IndexPage(found["items"], found["next"] or "", total, text, slug, forms.page_choices(by), queries.may_create(by))


@dataclass(frozen=True)
class PartnerPage:
    """One partner: what they may read, their logins, the last link, the last rows of the log."""

    partner: Partner
    grants: list[Grant]
    choices: list[tuple[str, str]]
    logins: list[Login]
    link: Link | None
    entries: list[Entry]
    is_admin: bool
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    languages: Sequence[tuple[str, str]] = tuple(LANGUAGES.items())


def partner_page(key: str, by: Actor, *, invalid: Invalid | None = None,
                 typed: Mapping[str, Any] | None = None) -> PartnerPage:
    """The page of one. Raises NotFound, Forbidden."""
    partner = queries.partner_for(key, by)
    grants = queries.shown_grants(partner, by)
    held = {one.page.slug for one in partner.grants}
    newest = journal.rows({"partner": str(partner.id)}, pages=queries.managed_pages(by)).order_by(
        Entry.at.desc(), Entry.id.desc()).limit(10)
    return PartnerPage(
        partner, grants, [choice for choice in forms.page_choices(by) if choice[0] not in held],
        queries.open_logins(partner), queries.last_link(partner), list(session.scalars(newest)),
        may(by, "partner.admin"),
        errors_of(invalid), typed or {})


def errors_of(invalid: Invalid | None) -> dict[str, str]:
    """The first fault of each field; that of a page in a list stands at the page."""
    found: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        found.setdefault(problem.field.rpartition(".")[2], problem.message)
    return found


@dataclass(frozen=True)
class FormPage:
    """The form of a new partner."""

    pages: list[tuple[str, str]]
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    languages: Sequence[tuple[str, str]] = tuple(LANGUAGES.items())


@dataclass(frozen=True)
class ImportPage:
    """Lines to import: as they were pasted, and what would become of each."""

    text: str = ""
    lines: list[forms.Line] = field(default_factory=list)
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """How many lines can be taken over."""
        return sum(not one.fault for one in self.lines)


@dataclass(frozen=True)
class LogPage:
    """The log, narrowed by its filters."""

    items: list[Entry]
    next: str
    filters: Mapping[str, str]
    kinds: list[tuple[str, str]]
    pages: list[tuple[str, str]]
    errors: Mapping[str, str]
    may_export: bool
    query: str


def log_page(by: Actor, args: Mapping[str, str], query: str) -> LogPage:
    """The rows that fit, newest first; a filter that can't be read shows none and says so."""
    filters = {name: args.get(name, "").strip() for name in journal.FILTERS}
    errors, found = {}, {"items": [], "next": None}
    try:
        found = paged(journal.rows(filters, pages=queries.managed_pages(by)), args, by=(Entry.at, Entry.id),
                      show=lambda one: one, descending=True)
    except Invalid as fault:
        errors = errors_of(fault)
    return LogPage(found["items"], found["next"] or "", filters,
                   [(kind, kind.replace("_", " ").capitalize()) for kind in rules.LOG_KINDS], forms.page_choices(by), errors,
                   may(by, "partner.admin"), query)
