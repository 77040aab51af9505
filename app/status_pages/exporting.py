"""A copy of a public page that outlives us: into a folder, or by HTTPS PUT; whole files, never half of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import CursorResult, or_, select, update

from app.core import clock, http, secrets
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import record
from app.core.shadow import JUST_NOW, begun_since, newest
from app.identity.queries import admins, managers
from app.notifications import service as notifications
from app.shadow import queries as shadows
from app.status_pages import events, feeds, rendering, states
from app.status_pages.models import StatusPage

EVERY, AGAIN, TOLD_AFTER = timedelta(seconds=60), timedelta(seconds=30), timedelta(minutes=5)
CALL_SECONDS = 10.0


class Failed(Exception):
    """The copy was not written; its text says why."""


@dataclass(frozen=True)
class Copy:
    """All files of a page as of one version, and where they go."""

    page_id: int
    slug: str
    version: int
    files: Mapping[str, rendering.Rendered]
    folder: bool
    url: str
    header: str
    shadows: int


def due() -> list[int]:
    """Pages whose copy is older than their last change, or than a minute."""
    now = clock.now()
    found = session.execute(select(StatusPage.id, StatusPage.exports).where(
        StatusPage.access == "public", ~StatusPage.draft,
        or_(StatusPage.export_due_at.is_(None), StatusPage.export_due_at <= now),
        or_(StatusPage.exported_at.is_(None), StatusPage.exported_at <= now - EVERY,
            StatusPage.exported_version != StatusPage.version)).order_by(StatusPage.id)).all()
    session.rollback()
    return [key for key, exports in found if exports]


def write(page_id: int) -> bool:
    """Claim, render, write with nothing open, record. Says whether the copy was ours to write."""
    with transaction():
        copy = _claim(page_id)
    session.remove()
    if copy is None:
        return False
    try:
        if begun_since(copy.shadows):
            raise Failed(JUST_NOW)
        _written(copy)
        fault = ""
    except (Failed, OSError) as refused:
        fault = str(refused)[:300]
    with transaction():
        page = session.get(StatusPage, page_id, with_for_update={"of": StatusPage}, populate_existing=True)
        if page is not None:
            _record(page, copy.version, fault)
    return True


def _claim(page_id: int) -> Copy | None:
    now, seen = clock.now(), newest()
    result = session.execute(update(StatusPage).where(
        StatusPage.id == page_id, or_(StatusPage.export_due_at.is_(None), StatusPage.export_due_at <= now)).values(
        export_due_at=now + AGAIN).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    page = session.get_one(StatusPage, page_id, populate_existing=True)
    if shadows.of_team(page.team_id) is not None:
        return None
    files = {"index.html": rendering.page(page, base=".", exported=True), "status.json": rendering.as_json(page),
             "feed.atom": feeds.atom(page), "feed.rss": feeds.rss(page), "maintenance.ics": feeds.calendar(page),
             "badge.svg": rendering.badge(page)}
    header = secrets.open_(page.export_sealed, bound_to=f"status_page:{page.slug}/export") if page.export_sealed else ""
    return Copy(page.id, page.slug, page.version, files, bool(page.exports.get("folder")), page.exports.get("url") or "",
                header, seen)


def _written(copy: Copy) -> None:
    if copy.folder:
        _into_folder(copy)
    if copy.url:
        _by_put(copy)


def _into_folder(copy: Copy) -> None:
    """Each under a temporary name first, then renamed: whoever reads meanwhile gets the former one, whole."""
    root = current_app.config["STATUS_EXPORT_DIR"]
    if not root:
        raise Failed("STATUS_EXPORT_DIR is not set")
    folder = Path(root) / copy.slug
    folder.mkdir(parents=True, exist_ok=True)
    for name, rendered in copy.files.items():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_bytes(rendered.body)
        os.replace(draft, folder / name)


def _by_put(copy: Copy) -> None:
    name_of, _, value = copy.header.partition(":")
    extra = {name_of.strip(): value.strip()} if copy.header else {}
    for name, rendered in copy.files.items():
        try:
            answer = http.request("PUT", f"{copy.url.rstrip('/')}/{name}", data=rendered.body, timeout=CALL_SECONDS,
                                  headers={
                "Content-Type": f"{rendered.mimetype}; charset=utf-8", "Cache-Control": "max-age=30", **extra})
        except http.Unreachable as fault:
            raise Failed(fault.reason) from None
        if not 200 <= answer.status < 300:
            raise Failed(f"The answer to PUT {name} was {answer.status}")


def _record(page: StatusPage, version: int, fault: str) -> None:
    now = clock.now()
    if not fault:
        if page.export_told_at is not None:
            record(events.EXPORT_MENDED, page.ref, by=SYSTEM, also=states.also(page), name=page.name)
        page.exported_at, page.exported_version, page.export_due_at, page.export_error = now, version, None, ""
        page.export_failing_since = page.export_told_at = None
        return
    page.export_error, page.export_due_at = fault, now + AGAIN
    page.export_failing_since = page.export_failing_since or now
    if page.export_told_at is None and now - page.export_failing_since >= TOLD_AFTER:
        page.export_told_at = now
        record(events.EXPORT_FAILED, page.ref, by=SYSTEM, also=states.also(page), name=page.name, error=fault)
        people = managers(page.team_id) if page.team_id else admins()
        notifications.tell(people, kind="alarm", cause=f"status-export:{page.id}:{now:%Y%m%d%H%M}",
                           reason=f"The copy of the status page {page.name} can't be written since "
                                  f"{page.export_failing_since:%H:%M} UTC: {fault}", scope=f"team:{page.team_id}")
