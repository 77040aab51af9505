"""iCalendar texts (RFC 5545): what happens in a calendar between two instants, and spans written as a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import prod
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Calendar, Event
from recurring_ical_events import of

from app.oncall.wallclock import local_instant, wall_time

MOST_BYTES = 2 * 1024 * 1024
MOST_OCCURRENCES, MOST_STEPS = 20_000, 300_000
_DAYS = {"WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_WINDOW, _DAY = timedelta(days=60), timedelta(days=1)
_PRODUCT = "-//OnCall Platform//Schedules//EN"


class Unreadable(ValueError):
    """A text is no calendar that can be used; its words are a sentence for people."""


@dataclass(frozen=True)
class Occurrence:
    """One event at one time, from `start` until just before `end` (aware, in UTC); `attendees` are e-mail addresses
    in lower case, the organizer left out. `first` is the day on which it begins in the calendar's zone."""

    uid: str
    start: datetime
    end: datetime
    title: str
    attendees: tuple[str, ...]
    all_day: bool
    first: date


@dataclass(frozen=True)
class Entry:
    """One span to write; `uid` stays equal as long as it is the same entry, `changed` is when it was last another."""

    uid: str
    start: datetime
    end: datetime
    title: str
    text: str
    url: str
    changed: datetime


def occurrences(text: bytes, zone: ZoneInfo, start: datetime, end: datetime) -> list[Occurrence]:
    """What happens from `start` until just before `end`, recurrence and exceptions worked out, in order.

    Floating and all-day times are those of the calendar's own zone (X-WR-TIMEZONE), else of `zone`. Cancelled events
    are left out. Raises Unreadable.
    """
    calendar = _calendar(text)
    try:
        _refuse_endless(calendar, end)
        found = _within(calendar, _own_zone(calendar) or zone, start, end)
    except Unreadable:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as fault:
        raise Unreadable("An event of this calendar has times that can't be understood") from fault
    return sorted(found, key=lambda one: (one.start, one.end, one.uid))


def _within(calendar: Calendar, zone: ZoneInfo, start: datetime, end: datetime) -> Iterable[Occurrence]:
    found: dict[tuple[str, datetime, datetime], Occurrence] = {}
    for event in _events(calendar, start, end):
        one = _occurrence(event, zone)
        if one is not None and one.start < end and start < one.end:
            found[one.uid, one.start, one.end] = one
        if len(found) > MOST_OCCURRENCES:
            raise Unreadable(f"This calendar holds more than {MOST_OCCURRENCES} events")
    return found.values()


def _calendar(text: bytes) -> Calendar:
    if len(text) > MOST_BYTES:
        raise Unreadable("This calendar is larger than 2 MiB")
    try:
        calendar = Calendar.from_ical(text.decode("utf-8-sig", "replace"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as fault:
        raise Unreadable("This is not a calendar in iCalendar format (RFC 5545)") from fault
    if not isinstance(calendar, Calendar):
        raise Unreadable("This is not a calendar in iCalendar format (RFC 5545)")
    return calendar


def _refuse_endless(calendar: Calendar, end: datetime) -> None:
    """A series is gone through from its beginning: one that takes too many steps is not begun."""
    steps = 0.0
    for event in calendar.walk("VEVENT"):
        rules = event.get("RRULE") or []
        for rule in rules if isinstance(rules, list) else [rules]:
            often = {str(one).upper() for one in rule.get("FREQ", [])}
            if often & _OFTEN:
                raise Unreadable("An event repeats more often than daily; write such events one by one")
            began = event["DTSTART"].dt
            days = max(0, end.toordinal() - began.toordinal()) / min((_DAYS.get(one, 1) for one in often), default=1)
            steps += days * prod(len(given) for name, given in rule.items() if name.startswith("BY"))
    if steps > MOST_STEPS:
        raise Unreadable("Its events repeat too often since too long ago; let them begin later")


def _events(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Event]:
    """The events window by window, so that endless ones end early; a day more on both sides, since floating times
    are not in UTC."""
    series = of(calendar, skip_bad_series=True)
    low, last = start - _DAY, end + _DAY
    while low < last:
        high = min(low + _WINDOW, last)
        yield from series.between(low, high)
        low = high


def _occurrence(event: Event, zone: ZoneInfo) -> Occurrence | None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or "DTSTART" not in event:
        return None
    first = event["DTSTART"].dt
    last = event["DTEND"].dt if "DTEND" in event else None
    all_day = not isinstance(first, datetime)
    start = _instant(first, zone)
    end = _instant(last, zone) if last is not None else start
    if all_day and end <= start:
        end = _instant(first + _DAY, zone)
    if end <= start:
        return None
    return Occurrence(str(event.get("UID", "")), start, end, str(event.get("SUMMARY", "")).strip()[:500],
                      tuple(_attendees(event.get("ATTENDEE"))), all_day, wall_time(start, zone).date())


def _instant(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return local_instant(datetime.combine(value, time()), zone)
    return local_instant(value, zone) if value.tzinfo is None else value.astimezone(UTC)


def _attendees(given: Any) -> Iterator[str]:
    for one in given if isinstance(given, list) else [given] if given else []:
        if str(getattr(one, "params", {}).get("PARTSTAT", "")).upper() != "DECLINED":
            yield str(one).lower().removeprefix("mailto:").strip()


def _own_zone(calendar: Calendar) -> ZoneInfo | None:
    name = str(calendar.get("X-WR-TIMEZONE", ""))
    return ZoneInfo(name) if name in available_timezones() else None


def written(name: str, entries: Iterable[Entry]) -> bytes:
    """A calendar for others to subscribe to, in UTC; the same entries give the same bytes."""
    calendar = Calendar()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", timedelta(minutes=15), parameters={"VALUE": "DURATION"})  # RFC 7986, 5.7
    calendar.add("X-PUBLISHED-TTL", "PT15M")
    for one in entries:
        calendar.add_component(_event(one))
    return bytes(calendar.to_ical())


def _event(one: Entry) -> Event:
    event = Event()
    event.add("UID", one.uid)
    event.add("DTSTAMP", one.changed.astimezone(UTC).replace(microsecond=0))
    event.add("DTSTART", one.start.astimezone(UTC))
    event.add("DTEND", one.end.astimezone(UTC))
    event.add("SUMMARY", one.title)
    event.add("DESCRIPTION", one.text)
    event.add("URL", one.url)
    event.add("TRANSP", "TRANSPARENT")  # being on duty does not keep anybody from meetings
    return event
