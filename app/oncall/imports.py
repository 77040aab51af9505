"""Calendars of others as part of a schedule: whom or which days events mean, how a new copy takes the old one's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import locked, session
from app.core.events import record
from app.core.forms import Problems, check_list
from app.core.secrets import Unreadable, digest, open_, seal
from app.identity.models import User
from app.oncall import events
from app.oncall.ical import Occurrence
from app.oncall.import_rules import Directory, Span, flattened, match, named_days
from app.oncall.models import CalendarImport, Holiday, ImportedShift, Schedule

USES = ("primary", "override", "holidays")
AHEAD, EVERY, PATIENCE = timedelta(days=400), timedelta(minutes=15), timedelta(hours=1)
LOCKED = "Its address can't be read any more: enter it anew"
MOST_UNMATCHED = 50


def read(given: object, schedule: Schedule | None, problems: Problems) -> dict[str, str]:
    """The addresses of a document's calendars by their use; without `url` the address that is stored stays, which
    is an empty text here."""
    stored = {one.use for one in schedule.calendars} if schedule else set()
    found: dict[str, str] = {}
    for place, value in enumerate(problems.take("calendars", check_list, given, most=len(USES), label="Calendars") or []):
        here, entry = problems.at(f"calendars[{place}]"), value if isinstance(value, Mapping) else {}
        use, url = entry.get("use"), str(entry.get("url") or "").strip()
        if use not in USES or use in found:
            here.add("use", "A schedule has one primary calendar, one for overrides and one for holidays")
        elif not url and use not in stored:
            here.add("url", "Write the calendar’s address")
        elif url and not _is_address(url):
            here.add("url", "Write an address that starts with https://")
        else:
            found[use] = url.replace("webcal://", "https://", 1)
    return found


def _is_address(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return False
    return len(url) <= 2000 and parsed.scheme in ("https", "http", "webcal") and bool(parsed.host) and not parsed.userinfo


def store(schedule: Schedule, wanted: Mapping[str, str]) -> bool:
    """Make the schedule's calendars these, by use; what has been stays. True when an address became another."""
    now, moved = clock.now(), False
    for row in list(schedule.calendars):
        if row.use not in wanted:
            schedule.calendars.remove(row)
            _forget(schedule, row.use, now)
    for use, url in wanted.items():
        row_ = next((one for one in schedule.calendars if one.use == use), None)
        if row_ is not None and url in ("", url_of(row_)):
            continue
        if row_ is None:
            row_ = CalendarImport(use=use)
            schedule.calendars.append(row_)
        row_.url_hash = digest(url)
        row_.url_sealed = seal(url, bound_to=f"calendar_import:{row_.url_hash}")
        row_.next_at, row_.failing_since, row_.told_at, row_.error, moved = now, None, None, "", True
    session.flush()
    return moved


def url_of(row: CalendarImport) -> str:
    """The address, which is a secret for most calendars; "" where its key is gone, which keeps no other from being read."""
    try:
        return open_(row.url_sealed, bound_to=f"calendar_import:{row.url_hash}")
    except Unreadable:
        return ""


def took(row: CalendarImport, found: Sequence[Occurrence]) -> None:
    """A new copy counts from now on, for who is on duty or for holidays; what has been stays."""
    schedule, now = locked(Schedule, row.schedule_id) or row.schedule, clock.now().replace(microsecond=0)
    if row.use == "holidays":
        if _keep_days(schedule, named_days(found), now=now):
            record(events.HOLIDAYS_READ, schedule.ref, by=SYSTEM, also=[schedule.team.ref], name=schedule.name)
    else:
        _took_shifts(row, schedule, found, now)
    if row.told_at is not None:
        record(events.CALENDAR_BACK, schedule.ref, by=SYSTEM, also=[schedule.team.ref], name=schedule.name, use=row.use)
    row.read_at, row.failing_since, row.told_at, row.error = now, None, None, ""


def _took_shifts(row: CalendarImport, schedule: Schedule, found: Sequence[Occurrence], now: datetime) -> None:
    people = directory(found, schedule)
    matched = [(one, match(one, people)) for one in found]
    row.unmatched = [{"start": clock.rfc3339(one.start), "title": one.title[:200]}
                     for one, who in matched if not who][:MOST_UNMATCHED]
    spans = flattened(((one.start, one.end, who) for one, who in matched if who), now)
    if _replace(schedule, row.use, spans, now=now, known=(row.read_at or now) + AHEAD):
        record(events.CALENDAR_READ, schedule.ref, by=SYSTEM, also=[schedule.team.ref], name=schedule.name, use=row.use)


def _keep_days(schedule: Schedule, wanted: Mapping[str, str], *, now: datetime) -> bool:
    """Make the days from today on these, and add what was not known of the past. Whether anything became another."""
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date().isoformat()
    missing, changed = dict(wanted), False
    for row in list(schedule.holidays):
        if row.day < today or wanted.get(row.day) == row.name:
            missing.pop(row.day, None)
        else:
            schedule.holidays.remove(row)
            changed = True
    session.flush()  # a day that gets another name is another row
    schedule.holidays += [Holiday(day=day, name=name) for day, name in sorted(missing.items())]
    session.flush()
    session.expire(schedule, ["holidays"])  # they are read in the order of time
    return changed or bool(missing)


def _forget(schedule: Schedule, use: str, now: datetime) -> None:
    if use == "holidays":
        _keep_days(schedule, {}, now=now)
    else:
        _replace(schedule, use, [], now=now, known=now)


def failed(row: CalendarImport, reason: str) -> None:
    """It could not be read: the last good copy stays in force; after an hour the log tells it, once."""
    now = clock.now()
    row.error, row.failing_since = reason[:300], row.failing_since or now
    if row.told_at is None and now - row.failing_since >= PATIENCE:
        row.told_at, schedule = now, row.schedule
        record(events.CALENDAR_FAILING, schedule.ref, by=SYSTEM, also=[schedule.team.ref], name=schedule.name,
               use=row.use, reason=row.error)


def directory(found: Iterable[Occurrence], schedule: Schedule) -> Directory:
    """The people that these events may name; whoever is deactivated is named as well, and is off duty."""
    emails: dict[str, int] = {}
    logins: dict[str, set[int]] = {}
    names: dict[str, set[int]] = {}
    for key, email, name in session.execute(select(User.id, User.email, User.name)) if found else ():
        emails[email] = key
        logins.setdefault(email.partition("@")[0], set()).add(key)
        names.setdefault(name.casefold(), set()).add(key)
    return Directory(emails, {one: frozenset(keys) for one, keys in logins.items()},
                     {one: frozenset(keys) for one, keys in names.items()},
                     frozenset(one.user_id for one in schedule.team.memberships))


def _replace(schedule: Schedule, use: str, wanted: Sequence[Span], *, now: datetime, known: datetime) -> bool:
    """Put these spans in the place of those from `now` on; rows that stay what they are, stay. Whether anything before
    `known` is different: what lies behind comes into sight by itself as time passes."""
    rows = [one for one in schedule.imported if one.use == use and one.ends_at > now]
    there = flattened(map(_span, rows), now)
    if there == list(wanted):
        return False
    missing = list(wanted)
    for row in rows:
        clipped = (max(row.starts_at, now), row.ends_at, tuple(row.people))
        if clipped in missing:
            missing.remove(clipped)
        elif row.starts_at < now:
            row.ends_at = now
        else:
            schedule.imported.remove(row)
    schedule.imported += [ImportedShift(use=use, starts_at=start, ends_at=end, people=list(people))
                          for start, end, people in missing]
    session.flush()
    session.expire(schedule, ["imported"])  # it is read in the order of time
    return _until(there, known) != _until(wanted, known)


def _span(row: ImportedShift) -> Span:
    return row.starts_at, row.ends_at, tuple(row.people)


def _until(spans: Iterable[Span], known: datetime) -> list[Span]:
    return [(start, min(end, known), people) for start, end, people in spans if start < known]
