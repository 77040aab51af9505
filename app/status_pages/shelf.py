"""What was rendered, kept in memory: as long as nothing changed a reader costs no query. One look a second for all pages."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app
from sqlalchemy import select

from app.core.db import session
from app.status_pages.models import StatusPage
from app.status_pages.rendering import Rendered

LOOK = 1.0  # seconds between two looks at what changed
KEEP = 60.0  # seconds after which a rendering is made anew though nothing changed: times and percentages go on
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
    kept: OrderedDict[tuple[str, str], tuple[int, float, Rendered, str]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Look again before the next answer."""
        self.looked_at = -LOOK
        self.kept.clear()


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
            _read(found)
            found.looked_at = time.monotonic()
    finally:
        found.lock.release()


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
    if kept is not None and kept[0] == page.version and time.monotonic() - kept[1] < KEEP:
        return kept[2], kept[3]
    rendered = make()
    mark = rendered.etag
    found.kept[key] = (page.version, time.monotonic(), rendered, mark)
    while len(found.kept) > MOST:
        found.kept.popitem(last=False)
    return rendered, mark
