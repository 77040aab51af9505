"""What the events of a calendar mean: whom they put on duty, when, and which days are holidays. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from app.oncall.ical import Occurrence

Span = tuple[datetime, datetime, tuple[int, ...]]
_DAY = timedelta(days=1)
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")


@dataclass(frozen=True)
class Directory:
    """Whom an event may name: by e-mail address, by login name (what stands before the @), and by name."""

    emails: Mapping[str, int]
    logins: Mapping[str, frozenset[int]]
    names: Mapping[str, frozenset[int]]
    team: frozenset[int]


def named_days(found: Iterable[Occurrence]) -> dict[str, str]:
    """The days that a calendar of holidays names, each with all its names; an event of several days names each."""
    days: dict[str, list[str]] = {}
    for one in found:
        for place in range(max(1, round((one.end - one.start) / _DAY))):
            names = days.setdefault((one.first + place * _DAY).isoformat(), [])
            names += [one.title] if one.title and one.title not in names else []
    return {day: (", ".join(names) or "Holiday")[:200] for day, names in days.items()}


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
    edges = sorted({edge for start, end, _ in left for edge in (start, end)})
    by_start = sorted(left)
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
