"""What is done with calendars as time passes: imported ones are read again."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import select, update

from app.core import clock, http
from app.core.db import session, transaction
from app.oncall import imports
from app.oncall.ical import MOST_BYTES, Unreadable
from app.oncall.models import CalendarImport, Schedule

BATCH, REDIRECTS, LEASE = 20, 3, timedelta(minutes=2)


def read_calendars() -> int:
    """Tick: read the calendars that are due, each claimed, fetched with nothing open, and kept in a transaction."""
    with transaction():
        due = list(session.execute(select(CalendarImport.id, CalendarImport.next_at).where(
            CalendarImport.next_at <= clock.now(),
            CalendarImport.schedule.has(Schedule.archived_at.is_(None))).order_by(CalendarImport.next_at).limit(BATCH)))
    return sum(_read(row.id, row.next_at) for row in due)


def _read(key: int, seen: object) -> int:
    with transaction():
        claimed = session.execute(update(CalendarImport).where(
            CalendarImport.id == key, CalendarImport.next_at == seen).values(next_at=clock.now() + LEASE))
        row = session.get(CalendarImport, key, populate_existing=True)
        url = imports.url_of(row) if row is not None and claimed.rowcount else ""  # type: ignore[attr-defined]
        asked = row.url_hash if row is not None else ""
    if not url:
        return 0
    text, reason = _fetched(url)
    try:
        with transaction():
            _keep(key, asked, text, reason)
    except Unreadable as fault:
        with transaction():
            _keep(key, asked, b"", str(fault))
    return 1


def _keep(key: int, asked: str, text: bytes, reason: str) -> None:
    """The outcome, unless the address became another while it was read."""
    row = session.get(CalendarImport, key, populate_existing=True)
    if row is None or row.url_hash != asked:
        return
    row.next_at = clock.now() + imports.EVERY
    if reason:
        imports.failed(row, reason)
    else:
        imports.took(row, text)


def _fetched(url: str) -> tuple[bytes, str]:
    """The calendar's text, or why it could not be read. Each redirect is checked like the first address."""
    try:
        for _ in range(REDIRECTS + 1):
            answer = http.request("GET", url, headers={"Accept": "text/calendar"}, most=MOST_BYTES + 1)
            if answer.status not in (301, 302, 303, 307, 308):
                break
            url = str(httpx.URL(url).join(answer.headers.get("location", "")))
    except (http.ForbiddenAddress, http.Unreachable) as fault:
        return b"", fault.reason
    except httpx.InvalidURL:
        return b"", "It leads on to an address that is none"
    return (answer.body, "") if answer.status == 200 else (b"", f"The answer was {answer.status}")
