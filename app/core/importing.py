"""What reads another product's configuration into our document: its importer, the plan it gives, and names for keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from app.core.forms import time_zone

Verdict = Literal["carried", "changed", "skipped", "conflict"]
Get = Callable[..., Any]
LONGEST_KEY, MOST_LEVELS, LAST_LEVEL, LEAST_WAIT = 60, 10, 300, 60
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class Line:
    """What becomes of one object of the source: `kind` and `id` are the source's words, `key` and
    `into` (the kind of our document) are ours."""

    kind: str
    id: str
    name: str
    verdict: Verdict
    key: str = ""
    reason: str = ""
    advice: str = ""
    into: str = ""


@dataclass(frozen=True)
class Duty:
    """Who is on duty from `start` until `end` (aware) as the source itself says: e-mail addresses."""

    start: datetime
    end: datetime
    people: tuple[str, ...]


@dataclass(frozen=True)
class Paged:
    """One page that went out: to whom, when (aware), by what."""

    email: str
    at: datetime
    channel: str


@dataclass(frozen=True)
class Happened:
    """One problem as the source recorded it: when it began, the key that its sender gave it ("" when unknown), its pages,
    and when it was first answered or over (aware; None when nothing says so)."""

    id: str
    title: str
    at: datetime
    key: str
    pages: tuple[Paged, ...]
    answered: datetime | None = None


@dataclass
class Imported:
    """The document's objects by kind, one line for each object of the source, and by the key of a schedule what the
    source says of its duty, for the proof that ours says the same. `proofs` may name several of our schedules, with +,
    whose people together are the source's."""

    document: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    plan: list[Line] = field(default_factory=list)
    proofs: dict[str, list[Duty]] = field(default_factory=dict)
    last: tuple[str, str] = ("", "")

    def add(self, kind: str, **item: Any) -> None:
        """One more object of our document; what is None is left out."""
        self.document.setdefault(kind, []).append({name: value for name, value in item.items() if value is not None})
        self.last = (kind, str(item.get("key") or item.get("email") or item.get("name")))

    def note(self, kind: str, thing: Mapping[str, Any], verdict: Verdict = "carried", key: str = "", *,
             reason: str = "", advice: str = "") -> None:
        """What became of `thing`, which has an `id` and something like a name."""
        name = next((str(thing[one]) for one in ("name", "summary", "fullName", "email", "username", "description")
                     if thing.get(one)), "")
        into = self.last[0] if key and self.last[1] == key else ""
        self.plan.append(Line(kind, str(thing.get("id") or name), name[:200], verdict, key, reason, advice, into))

    def judge(self, kind: str, thing: Mapping[str, Any], key: str, changes: Iterable[str], *, advice: str = "") -> None:
        """Carried when `changes` is empty, else changed for these reasons."""
        said = list(dict.fromkeys(changes))
        self.note(kind, thing, "changed" if said else "carried", key, reason="; ".join(said), advice=advice if said else "")


@runtime_checkable
class Importer(Protocol):
    """Reads one other product. `base` is its API's usual address.

    Data is what its API answers, by the path below the address: `schedules`, `users/PX1/contacts`.
    """

    slug: str
    name: str
    base: str

    def fetch(self, get: Get, have: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Any]]:
        """Every answer that `have` lacks, as (path, answer). `get(path, **query)` asks the source, never more than five
        times a second; nothing is ever written there."""

    def headers(self, token: str) -> Mapping[str, str]:
        """What proves to the source who asks."""

    def convert(self, data: Mapping[str, Any], now: datetime) -> Imported:
        """The document and the plan. Pure, and the same for the same data at every time of one day."""

    def happened(self, data: Mapping[str, Any]) -> Sequence[Happened]:
        """The problems that `data` records, with whom the source paged of them. Pure."""


class Keys:
    """Keys made of names: lower case, ASCII, hyphens, at most 60 characters; who comes second gets -2. The same names in
    the same order give the same keys."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._by_id: dict[tuple[str, str], str] = {}

    def of(self, kind: str, id: object, name: str) -> str:
        """The key of this object, always the same one."""
        known = self._by_id.get((kind, str(id)))
        if known is not None:
            return known
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        wanted = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_KEY].strip("-")
        wanted = wanted if len(wanted) > 1 else f"{kind}-{wanted or re.sub('[^a-z0-9]+', '-', str(id).lower()).strip('-')}"
        key, count = wanted[:LONGEST_KEY], 1
        while f"{kind}/{key}" in self._taken:
            count += 1
            key = f"{wanted[:LONGEST_KEY - 1 - len(str(count))]}-{count}"
        self._taken.add(f"{kind}/{key}")
        self._by_id[kind, str(id)] = key
        return key

    def known(self, kind: str, id: object) -> str | None:
        """The key that this object has got."""
        return self._by_id.get((kind, str(id)))


def zone_of(name: object, changes: list[str]) -> ZoneInfo:
    """The time zone of this name; UTC for none, and for one that is not known, which is added to `changes`."""
    try:
        return ZoneInfo(time_zone(name))
    except ValueError:
        if name:
            changes.append(f"its time zone {str(name)[:60]} is unknown; here it is UTC")
        return ZoneInfo("UTC")


def span_text(seconds: float) -> str:
    """The shortest duration of our document: 300 is `5m`."""
    whole = int(seconds)
    unit, size = next((unit, size) for unit, size in UNITS if whole % size == 0)
    return f"{whole // size}{unit}" if whole else "0m"


def settled(levels: Iterable[tuple[int, list[dict[str, Any]]]], team: str | None,
            changes: list[str]) -> list[dict[str, Any]]:
    """The levels of a policy from (seconds until the next, targets): at most 10, each with somebody. The time of a level
    that nobody is left in goes to the one before, so that those after it keep their minute. What changed is added to
    `changes`; with nobody left at all `team` is paged."""
    found: list[tuple[int, list[dict[str, Any]]]] = []
    for seconds, targets in levels:
        if targets:
            found.append((seconds, targets))
            continue
        changes.append("a level that nobody is left in is left out")
        if found:
            found[-1] = (found[-1][0] + seconds, found[-1][1])
    if len(found) > MOST_LEVELS:
        changes.append(f"only the first {MOST_LEVELS} of {len(found)} levels")
    if not found and team:
        changes.append("nobody is left in it: the team is paged")
        found = [(LAST_LEVEL, [{"team": team}])]
    found = found[:MOST_LEVELS]
    changes += [f"{span_text(seconds)} until the next level are {span_text(LEAST_WAIT)} here"
                for seconds, _ in found if seconds < LEAST_WAIT]
    return [{"timeout": span_text(max(LEAST_WAIT, seconds)), "targets": targets} for seconds, targets in found]


def restrictions_of(day: int, start: int, seconds: int) -> list[tuple[int, str, str]]:
    """A span within a week as (day from Monday 0, from, to), each at most 24 hours: it begins `start` seconds after the
    midnight of `day` and lasts `seconds`."""
    found = []
    while seconds > 0:
        piece = min(seconds, 86400 if start == 0 else 86400 - start if seconds > 86400 else seconds)
        end = (start + piece) % 86400
        found.append((day % 7, _clock(start), _clock(end)))
        seconds -= piece
        day, start = day + (start + piece) // 86400, end
    return found


def grouped(windows: Iterable[tuple[int, str, str]]) -> list[dict[str, Any]]:
    """The same as restrictions of our document, equal times of several days as one."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    by_time: dict[tuple[str, str], set[int]] = {}
    for day, first, last in windows:
        by_time.setdefault((first, last), set()).add(day)
    return [{"days": [days[day] for day in sorted(found)], "from": first, "to": last}
            for (first, last), found in by_time.items()]


def minutes_of(windows: Iterable[tuple[int, str, str]]) -> set[int]:
    """The minutes of the week (0 to 10079) that these windows cover."""
    covered: set[int] = set()
    for day, first, last in windows:
        begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (first, last))
        length = (end - begin) % 1440 or 1440
        covered.update((day * 1440 + begin + minute) % 10080 for minute in range(length))
    return covered


def _clock(seconds: int) -> str:
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}"


def listed(data: Mapping[str, Any], path: str, *names: str) -> Sequence[Any]:
    """The objects of a collection: the answer itself, or what stands in it under one of `names`."""
    answer = data.get(path, [])
    if isinstance(answer, Mapping):
        answer = next((answer[name] for name in (*names, path.rpartition("/")[2]) if isinstance(answer.get(name), list)), [])
    return [one for one in answer if isinstance(one, Mapping)] if isinstance(answer, list) else []
