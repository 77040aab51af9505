"""What an edit would change: who is on duty before and after it, as exact spans, for each person, and as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.oncall.rules import Person, Schedule, Shift, shifts

LENGTH = timedelta(weeks=8)
"""How far a preview looks."""


class Span(NamedTuple):
    """From `start` until just before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Difference:
    """A span in which the answer is another: `before` and `after` are people, and the deciding layers' names."""

    start: datetime
    end: datetime
    before: tuple[Person, ...]
    after: tuple[Person, ...]
    layer_before: str
    layer_after: str


@dataclass(frozen=True)
class Share:
    """One person's spans: only after the edit, only before it, and those that begin or end at another time."""

    person: Person
    added: list[Span]
    removed: list[Span]
    changed: list[tuple[Span, Span]]
    before: timedelta
    after: timedelta


@dataclass(frozen=True)
class Preview:
    """What changes from `start` until just before `end`."""

    start: datetime
    end: datetime
    differences: list[Difference]
    shares: list[Share]
    gaps_made: list[Span]
    gaps_closed: list[Span]


def compare(before: Schedule, after: Schedule, start: datetime, *,
            inactive: frozenset[Person] = frozenset()) -> Preview:
    """What is different in `after` within LENGTH from `start`; `inactive` are the people who are deactivated."""
    end = start + LENGTH
    was, will = (shifts(one, start, end, inactive=inactive) for one in (before, after))
    found = list(differences(was, will))
    people = sorted({person for shift in (*was, *will) for person in shift.people})
    return Preview(
        start, end, found, [share(person, was, will) for person in people],
        gaps_made=_joined(Span(one.start, one.end) for one in found if one.before and not one.after),
        gaps_closed=_joined(Span(one.start, one.end) for one in found if one.after and not one.before))


def differences(before: Sequence[Shift], after: Sequence[Shift]) -> Iterator[Difference]:
    """Where two answers for the same span differ in people or layer; neighbours differ from each other."""
    held: Difference | None = None
    for start, end, was, will in _together(before, after):
        if (was.people, was.layer) == (will.people, will.layer):
            continue
        found = Difference(start, end, was.people, will.people, was.layer, will.layer)
        if held and held.end == start and _says(held) == _says(found):
            held = Difference(held.start, end, *_says(found))
            continue
        if held:
            yield held
        held = found
    if held:
        yield held


def _says(one: Difference) -> tuple[tuple[Person, ...], tuple[Person, ...], str, str]:
    return one.before, one.after, one.layer_before, one.layer_after


def _together(before: Sequence[Shift], after: Sequence[Shift]) -> Iterator[tuple[datetime, datetime, Shift, Shift]]:
    """The pieces in which both answers stay the same; both cover one span without a hole."""
    was, will = 0, 0
    start = before[0].start if before else None
    while was < len(before) and will < len(after):
        ends = before[was].end, after[will].end
        assert start is not None and ends[0] is not None and ends[1] is not None
        end = min(ends[0], ends[1])
        yield start, end, before[was], after[will]
        start, was, will = end, was + (ends[0] == end), will + (ends[1] == end)


def share(person: Person, before: Sequence[Shift], after: Sequence[Shift]) -> Share:
    """What changes for one person. A span changes when one overlaps it that begins or ends at another time."""
    was, will = spans(person, before), spans(person, after)
    gone, new = [one for one in was if one not in will], [one for one in will if one not in was]
    changed: list[tuple[Span, Span]] = []
    for one in list(gone):
        partner = next((other for other in new if other.start < one.end and one.start < other.end), None)
        if partner:
            changed.append((one, partner))
            gone.remove(one)
            new.remove(partner)
    return Share(person, new, gone, changed, _length(was), _length(will))


def spans(person: Person, found: Iterable[Shift]) -> list[Span]:
    """The spans in which a person is on duty without a break, whichever layer says so."""
    return _joined(Span(one.start, one.end) for one in found if person in one.people and one.start and one.end)


def _joined(found: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for one in found:
        if joined and joined[-1].end == one.start:
            joined[-1] = Span(joined[-1].start, one.end)
        else:
            joined.append(one)
    return joined


def _length(found: Iterable[Span]) -> timedelta:
    return sum((one.end - one.start for one in found), timedelta())
