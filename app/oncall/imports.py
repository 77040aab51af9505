"""Calendars of others as part of a schedule: whom or which days events mean, how a new copy takes the old one's place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
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
from app.oncall.models import CalendarImport, Holiday, ImportedShift, Schedule

USES = ("primary", "override", "holidays")
AHEAD, EVERY, PATIENCE = timedelta(days=400), timedelta(minutes=15), timedelta(hours=1)
LOCKED, MOST_UNMATCHED, _DAY = "Its address can't be read any more: enter it anew", 50, timedelta(days=1)
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")
Span = tuple[datetime, datetime, tuple[int, ...]]


@dataclass(frozen=True)
class Directory:
    """Whom an event may name: by e-mail address, by login name (what stands before the @), and by name."""

    emails: Mapping[str, int]
    logins: Mapping[str, frozenset[int]]
    names: Mapping[str, frozenset[int]]
    team: frozenset[int]


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
        row_.url_hash, row_.url_sealed = (mark := digest(url)), seal(url, bound_to=f"calendar_import:{mark}")
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


def named_days(found: Iterable[Occurrence]) -> dict[str, str]:
    """The days that a calendar of holidays names, each with all its names; an event of several days names each."""
    days: dict[str, list[str]] = {}
    for one in found:
        for place in range(max(1, round((one.end - one.start) / _DAY))):
            names = days.setdefault((one.first + place * _DAY).isoformat(), [])
            names += [one.title] if one.title and one.title not in names else []
    return {day: (", ".join(names) or "Holiday")[:200] for day, names in days.items()}


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


def match(one: Occurrence, people: Directory) -> tuple[int, ...]:
    """Whom an event means: by address, else by login name, else by full name, among attendees and in the title. Of
    several people of one name the one of the schedule's team; nobody when that leaves a doubt."""
    title = one.title.casefold()
    addresses = [*one.attendees, *_ADDRESS.findall(title)]
    found = [people.emails[address] for address in addresses if address in people.emails]
    words = [*(address for address in one.attendees if "@" not in address), *re.findall(r"[\w.+-]+", title)]
    if not found:
        found = list(_sure((people.logins[word] for word in words if word in people.logins), people.team))
    if not found:
        found = list(_sure((keys for name, keys in people.names.items() if name and name in title
                            and re.search(rf"\b{re.escape(name)}\b", title)), people.team))
    return tuple(dict.fromkeys(found))[:10]


def _sure(candidates: Iterable[frozenset[int]], team: frozenset[int]) -> Iterator[int]:
    for keys in candidates:
        nearest = keys & team or keys
        if len(nearest) == 1:
            yield next(iter(nearest))


def flattened(spans: Iterable[Span], now: datetime) -> list[Span]:
    """Spans without overlap from `now` on, in order: where several run, all their people are on duty together."""
    left = [(max(start, now), end, people) for start, end, people in spans if end > now]
    edges, by_start = sorted({edge for start, end, _ in left for edge in (start, end)}), sorted(left)
    found: list[Span] = []
    running: list[Span] = []
    place = 0
    for begin, finish in pairwise(edges):
        running = [one for one in running if one[1] > begin]
        while place < len(by_start) and by_start[place][0] <= begin:
            running.append(by_start[place])
            place += 1
        people = tuple(dict.fromkeys(person for one in running for person in one[2]))
        if found and found[-1][1] == begin and found[-1][2] == people:
            found[-1] = (found[-1][0], finish, people)
        elif people:
            found.append((begin, finish, people))
    return found


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
