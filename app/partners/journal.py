"""The partner log: one row for each thing that a partner did, was refused or had done to them; nothing changes a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, false, func, select

from app.core import clock
from app.core.access import Actor
from app.core.clock import parse_instant
from app.core.db import session
from app.core.errors import Invalid, Problem
from app.core.retention import Kept
from app.partners.models import Entry, Partner
from app.partners.rules import KEPT_DAYS, LOG_KINDS
from app.status_pages.models import StatusPage
from app.status_pages.queries import page_by_slug

BATCH = 1000
FILTERS = ("partner", "email", "page", "kind", "from", "to")
COLUMNS = ("at", "kind", "email", "page", "by", "detail", "ip", "agent")


def note(kind: str, *, by: Actor, partner: Partner | None = None, email: str = "", page: StatusPage | None = None,
         slug: str = "", detail: str = "") -> Entry:
    """Add a row to the open transaction. `by` is whoever acted: a visitor, or somebody of the house with a name."""
    inside = by.user_id is not None or by.kind in ("operator", "system")
    found = Entry(kind=kind, at=clock.now(), partner_id=partner.id if partner else None,
                  email=(partner.email if partner else email)[:254], page_id=page.id if page else None,
                  slug=(page.slug if page else slug)[:100], actor_name=by.name[:200] if inside else "", detail=detail[:300],
                  ip=by.ip[:64], agent=by.agent[:300])
    session.add(found)
    session.flush()
    return found


def count(kinds: tuple[str, ...], within: timedelta, *, email: str = "", ip: str = "", partner: int | None = None) -> int:
    """How many rows of these kinds there were within the time, of one address, caller or partner."""
    query = select(func.count()).select_from(Entry).where(Entry.kind.in_(kinds), Entry.at > clock.now() - within)
    for column, value in ((Entry.email, email), (Entry.ip, ip), (Entry.partner_id, partner)):
        query = query.where(column == value) if value else query
    return session.scalar(query) or 0


def rows(args: Mapping[str, str], *, pages: set[int] | None) -> Select[Any]:
    """The rows that fit `partner` (an id), `email`, `page` (a slug), `kind`, `from` and `to`; of these pages only, None for
    all. Raises Invalid."""
    query = select(Entry)
    if pages is not None:
        query = query.where(Entry.page_id.in_(pages)) if pages else query.where(false())
    if args.get("partner"):
        number = args["partner"]
        query = query.where(Entry.partner_id == int(number) if number.isascii() and number.isdecimal() and len(number) < 18
                            else false())
    if args.get("email"):
        query = query.where(Entry.email == args["email"].strip().lower().replace("\0", ""))
    if args.get("page"):
        page = page_by_slug(args["page"].replace("\0", ""))
        query = query.where(Entry.page_id == page.id if page else Entry.slug == args["page"][:100].replace("\0", ""))
    if args.get("kind"):
        if args["kind"] not in LOG_KINDS:
            raise Invalid(problems=[Problem("kind", f"A kind is one of {', '.join(LOG_KINDS)}")])
        query = query.where(Entry.kind == args["kind"])
    for name, compare in (("from", Entry.at.__ge__), ("to", Entry.at.__lt__)):
        if args.get(name):
            query = query.where(compare(_instant(name, args[name])))
    return query


def _instant(name: str, text: str) -> datetime:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem(name, f"{name} is not a time like 2026-03-01T09:00:00Z")]) from None


def every(query: Select[Any]) -> Iterator[Entry]:
    """All rows of the query, newest first, a batch at a time."""
    last: Entry | None = None
    while True:
        batch = query if last is None else query.where(
            (Entry.at < last.at) | ((Entry.at == last.at) & (Entry.id < last.id)))
        found = list(session.scalars(batch.order_by(Entry.at.desc(), Entry.id.desc()).limit(BATCH)))
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1]


def document(entry: Entry) -> dict[str, Any]:
    """A row as auditors get it."""
    return {"at": clock.rfc3339(entry.at), "kind": entry.kind, "email": entry.email, "page": entry.slug,
            "by": entry.actor_name, "detail": entry.detail, "ip": entry.ip, "agent": entry.agent}


def _old(before: datetime) -> Select[Any]:
    return select(Entry.id).where(Entry.at < before).order_by(Entry.at)


def _remove(ids: Sequence[int]) -> None:
    session.execute(delete(Entry).where(Entry.id.in_(ids)))


LOG = Kept("partner_log", "The log of partners", "Partners and what they may read stay.", KEPT_DAYS, select(Entry.id), _old,
           _remove)
