"""What is done with calendars as time passes: imported ones are read again, those outside are kept in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from traceback import format_tb
from zoneinfo import ZoneInfo

import httpx
import structlog
from sqlalchemy import select, update

from app.core import clock, http
from app.core.db import session, transaction
from app.core.metrics import FAULTS
from app.core.shadow import covering
from app.oncall import imports, links
from app.oncall.calendar_models import CalendarLink
from app.oncall.ical import MOST_BYTES, Occurrence, Unreadable, occurrences
from app.oncall.link_rules import changes, without
from app.oncall.models import CalendarImport, Schedule
from app.plugin_api import Access, NoAccess, Refused, Rejected, Retry

log = structlog.get_logger()
BATCH, REDIRECTS, LEASE = 20, 3, timedelta(minutes=2)
MOST_WRITES = 100
"""What one turn writes in one calendar: the rest is for the next, so that the lease never ends meanwhile."""
RENEWED_BEFORE = timedelta(minutes=5)


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
        if row is None or not claimed.rowcount:  # type: ignore[attr-defined]
            return 0
        url, asked = imports.url_of(row), (row.url_hash, row.use, row.schedule.time_zone)
    text, reason = _fetched(url) if url else (b"", imports.LOCKED)
    found, reason = _worked_out(text, *asked[1:]) if not reason else ([], reason)
    with transaction():
        _keep(key, asked, found, reason)
    return 1


def _worked_out(text: bytes, use: str, zone: str) -> tuple[list[Occurrence], str]:
    """What the copy says, or why it says nothing; with nothing open, since it may take its time."""
    now = clock.now().replace(microsecond=0)
    try:
        return occurrences(text, ZoneInfo(zone), now - imports.AHEAD if use == "holidays" else now, now + imports.AHEAD), ""
    except Unreadable as fault:
        return [], str(fault)


def _keep(key: int, asked: tuple[str, str, str], found: Sequence[Occurrence], reason: str) -> None:
    """The outcome, unless the address or the zone became another while it was read."""
    row = session.get(CalendarImport, key, populate_existing=True)
    if row is None or row.url_hash != asked[0]:
        return
    row.next_at = clock.now()
    if row.schedule.time_zone != asked[2]:
        return
    row.next_at += imports.EVERY
    if reason:
        imports.failed(row, reason)
    else:
        imports.took(row, found)


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


def sync_links() -> int:
    """Tick: the calendars outside that are due, each claimed, written with nothing open, and noted in a transaction.
    None while the whole system is in shadow: they are written as they should be afterwards."""
    with transaction():
        due = links.due(BATCH) if covering() is None else []
    return sum(_sync(key) for key in due)


def _sync(key: int) -> int:
    with transaction():
        job = links.claim(key)
    if job is None:
        return 0
    try:
        access = Access(_valid(job), job.calendar, job.mark)
        writes = list(islice(_writes(job, access), MOST_WRITES + 1))
    except (Retry, NoAccess, Refused, Rejected) as fault:
        with transaction():
            links.failed(job, fault)
        return 1
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; the other calendars go on
        FAULTS.labels(job.offer.slug).inc()
        log.error("calendar.failed", link_id=job.id, fault=type(fault).__name__,
                  trace="".join(format_tb(fault.__traceback__)))
        with transaction():
            links.failed(job, Retry(f"The calendar has a fault ({type(fault).__name__})"))
        return 1
    with transaction():
        links.finished(job, more=len(writes) > MOST_WRITES)
    return 1


def _valid(job: links.Job) -> links.Grant:
    """The grant, renewed when it ends soon; the new one is kept at once, since the old one may be worth nothing now."""
    if job.grant.expires_at - clock.now() > RENEWED_BEFORE:
        return job.grant
    grant = job.offer.renewed(job.grant, job.config)
    with transaction():
        link = session.get(CalendarLink, job.id, populate_existing=True, with_for_update=True)
        if link is not None and link.grant_sealed and links.grant_of(link) == job.grant:  # else they agreed anew meanwhile
            links.store(link, grant)
    return grant


def _writes(job: links.Job, access: Access) -> Iterator[None]:
    """Write what differs, one step at a time; only entries with our mark are looked at."""
    wanted, held = ((), ()) if job.leaving else (job.entries, job.held)
    for calendar, asked, left in ((job.calendar, wanted, held), *((one, (), ()) for one in job.former)):
        here = Access(access.grant, calendar, access.mark)
        if not calendar:
            continue
        put, surplus = changes(without(_found(job, here, former=calendar != job.calendar), left), asked)
        for entry in put:
            yield job.offer.put(here, entry, job.config)
        for entry in surplus:
            yield job.offer.remove(here, entry, job.config)
    if job.leaving:
        job.offer.revoke(access.grant, job.config)


def _found(job: links.Job, access: Access, *, former: bool) -> list[links.CalendarEntry]:
    """Our entries from now on; a former calendar that is gone holds none."""
    try:
        return job.offer.entries(access, clock.now(), job.config)
    except Refused:
        if former:
            return []
        raise
