"""What was rendered, kept in memory: as long as nothing changed a reader costs no query. One look a second for all pages."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import session
from app.status_pages.models import StatusPage
from app.status_pages.rendering import Rendered

log = structlog.get_logger()
LOOK = 1.0  # seconds between two looks at what changed
MINUTE = 60  # each minute a rendering is made anew though nothing changed: times and percentages go on
MOST = 2000


@dataclass(frozen=True)
class Known:
    """What has to be known of a page to answer for it."""

    id: int
    slug: str
    access: str
    draft: bool
    version: int
    link_hash: str | None
    team_id: int | None

    @property
    def open(self) -> bool:
        """Whether anybody may read it."""
        return self.access == "public" and not self.draft


@dataclass
class Shelf:
    """The pages of this process, and what was rendered of them."""

    looked_at: float = -LOOK
    pages: dict[str, Known] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    kept: OrderedDict[tuple[str, str], tuple[tuple[int, int], Rendered, str]] = field(default_factory=OrderedDict)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Look again before the next answer."""
        self.looked_at = -LOOK
        self.kept.clear()
        self.addresses.clear()


def shelf(app: Flask | None = None) -> Shelf:
    """The shelf of this application."""
    found: Shelf = (app or current_app).extensions.setdefault("status_shelf", Shelf())
    return found


def known(slug: str) -> Known | None:
    """The page of this address as of at most a second ago."""
    found = shelf()
    _look(found)
    return found.pages.get(slug)


def slug_of(host: str) -> str:
    """The address of the page that stands on this host; "" when none does."""
    found = shelf()
    _look(found)
    return found.hosts.get(host.partition(":")[0].lower(), "")


def _look(found: Shelf) -> None:
    """One thread looks, once a second; where another one is at it, what is known serves."""
    if time.monotonic() - found.looked_at < LOOK:
        return
    if not found.lock.acquire(blocking=found.looked_at < 0):
        return
    try:
        if time.monotonic() - found.looked_at >= LOOK:
            _read_or_keep(found)
            found.looked_at = time.monotonic()
    finally:
        found.lock.release()


def _read_or_keep(found: Shelf) -> None:
    """While the database is away readers get what was true last."""
    try:
        _read(found)
    except SQLAlchemyError as fault:
        session.rollback()
        if found.looked_at < 0:
            raise
        log.warning("status.looked_in_vain", reason=str(fault).splitlines()[0][:200])


def _read(found: Shelf) -> None:
    rows = session.execute(select(
        StatusPage.id, StatusPage.slug, StatusPage.access, StatusPage.draft, StatusPage.version, StatusPage.link_hash,
        StatusPage.team_id, StatusPage.hosts)).all()
    found.pages = {row.slug: Known(*row[:-1]) for row in rows}
    found.hosts = {host: row.slug for row in rows for host in row.hosts}


def taken(page: Known, what: str, make: Callable[[], Rendered]) -> tuple[Rendered, str]:
    """What was rendered of a page for everybody, with its mark; made when it changed."""
    found, key = shelf(), (page.slug, what)
    kept = found.kept.get(key)
    if kept is not None and kept[0] == _edition(page):
        return kept[1], kept[2]
    edition, rendered = _edition(page), make()
    mark = rendered.etag
    found.kept[key] = (edition, rendered, mark)
    while len(found.kept) > MOST:
        found.kept.popitem(last=False)
    return rendered, mark


def note_address(address: str, slug: str, what: str) -> None:
    """What is asked at this address, query included, so that the next one need not be worked out again."""
    found = shelf()
    if len(found.addresses) > MOST:
        found.addresses.clear()
    found.addresses[address] = (slug, what)


def at_once(app: Flask, address: str) -> tuple[Rendered, str] | None:
    """What was rendered for this address, if it still holds; None where the application has to look."""
    found = shelf(app)
    slug, what = found.addresses.get(address, ("", ""))
    if not slug:
        return None
    if time.monotonic() - found.looked_at >= LOOK:
        with app.app_context():
            _look(found)
    page, kept = found.pages.get(slug), found.kept.get((slug, what))
    if page is None or not page.open or kept is None:
        return None
    return (kept[1], kept[2]) if kept[0] == _edition(page) else None


def _edition(page: Known) -> tuple[int, int]:
    """What a rendering belongs to: the page's version, and the minute."""
    return page.version, int(time.time()) // MINUTE
