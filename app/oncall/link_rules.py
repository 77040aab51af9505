"""What has to be written in a calendar outside, and when to try again; pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from app.oncall.ical import Entry
from app.plugin_api import CalendarEntry

LONGEST_WAIT = timedelta(hours=6)


def wanted(entries: Iterable[Entry]) -> list[CalendarEntry]:
    """Our entries as they cross the border, each with a digest of its words."""
    return [CalendarEntry(one.start, one.end, one.title, one.text, one.url, hashlib.sha256(
        "\n".join((one.title, one.text, one.url)).encode()).hexdigest()[:32]) for one in entries]


Entries = list[CalendarEntry]


def without(found: Iterable[CalendarEntry], held: Iterable[CalendarEntry]) -> Entries:
    """What is found there but for one of each that is held."""
    left = Counter(map(_same, held))
    others = []
    for one in found:
        if left[_same(one)]:
            left[_same(one)] -= 1
        else:
            others.append(one)
    return others


def changes(found: Sequence[CalendarEntry], asked: Sequence[CalendarEntry]) -> tuple[Entries, Entries]:
    """What to put and what to remove, so that what is `found` there becomes what is `asked`: an entry that is not
    wanted any more is changed into one that is missing, the nearest in time first."""
    surplus = without(sorted(found, key=lambda one: (one.start, one.id)), asked)
    put = []
    for one in without(sorted(asked, key=lambda one: one.start), found):
        near = min(surplus, key=lambda other: abs(other.start - one.start), default=None)
        if near is not None:
            surplus.remove(near)
        put.append(replace(one, id=near.id if near else ""))
    return put, surplus


def _same(one: CalendarEntry) -> tuple[object, ...]:
    return one.start, one.end, one.digest


def wait(failures: int, after: float | None) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, and as long as the vendor asks."""
    own = min(timedelta(minutes=1) * 2 ** min(failures, 12), LONGEST_WAIT)
    return max(own, timedelta(seconds=min(after or 0, 86400)))
