"""Who is on duty at any instant, until when and by which layer: the one function that decides, and its kin."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from app.oncall.limits import (
    Problem,
    check_layer,
    check_override,
    check_range,
    check_schedule,
)
from app.oncall.plan import (
    Away,
    Layer,
    Override,
    Person,
    Restriction,
    Rotation,
    Schedule,
    Shift,
)
from app.oncall.turns import Span, layer_spans, next_handoff, turn_number
from app.oncall.wallclock import instants_of, local_instant, nearest_times, wall_time

__all__ = [
    "GAP", "LOOK_AHEAD", "OVERRIDE", "Away", "Layer", "Override", "Person", "Problem", "Restriction", "Rotation", "Schedule",
    "Shift", "check_layer", "check_override", "check_range", "check_schedule", "conflicts", "instants_of",
    "layer_shifts", "local_instant", "nearest_times", "next_handoff", "on_duty", "shifts", "turn_number", "wall_time",
    "whole_shifts",
]

OVERRIDE, GAP = "override", ""
"""What stands in a shift in place of a layer's name."""

LOOK_AHEAD = timedelta(days=400)
"""How far `on_duty` looks for the end of a shift before it says that none is in sight."""

_FIRST_LOOK = timedelta(hours=12)


class _Piece(NamedTuple):
    start: datetime
    end: datetime
    people: tuple[Person, ...]
    layer: str


def shifts(schedule: Schedule, start: datetime, end: datetime, *,
           inactive: frozenset[Person] = frozenset()) -> list[Shift]:
    """Who is on duty from `start` until just before `end`: contiguous, half-open, clipped to it, gaps included.

    Neighbours differ in people or layer. `inactive` are the people to leave out all the time, besides those who are
    away for a while. Empty unless start < end.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start >= end:
        return []
    pieces = (piece for first, last, gone in _presence(schedule.away, start, end, inactive)
              for piece in _overridden(_by_layers(schedule, first, last, gone), schedule.overrides, gone))
    return [Shift(*piece) for piece in _joined(pieces)]


def on_duty(schedule: Schedule, at: datetime, *, inactive: frozenset[Person] = frozenset()) -> Shift:
    """The shift that runs at `at`, with its true start and end.

    `end` is None when nothing changes within LOOK_AHEAD, `start` when the shift is a gap that has always been.
    """
    at = at.astimezone(UTC)
    dawn, dusk = _first_start(schedule, at), at + LOOK_AHEAD
    low, high = max(dawn, at - _FIRST_LOOK), at + _FIRST_LOOK
    found = shifts(schedule, low, high, inactive=inactive)
    shift = found[bisect_right(found, at, key=_start_of) - 1]
    start, end = shift.start, shift.end
    while start == low > dawn:  # look three times as far back, but only at what has not been seen
        low = max(dawn, at - 3 * (at - low))
        earlier = shifts(schedule, low, start, inactive=inactive)[-1]
        if (earlier.people, earlier.layer) != (shift.people, shift.layer):
            break
        start = earlier.start
    while end == high < dusk:
        high = min(dusk, at + 3 * (high - at))
        later = shifts(schedule, end, high, inactive=inactive)[0]
        if (later.people, later.layer) != (shift.people, shift.layer):
            break
        end = later.end
    return replace(shift, start=None if start == dawn else start, end=None if end == dusk else end)


def whole_shifts(schedule: Schedule, start: datetime, end: datetime, *,
                 inactive: frozenset[Person] = frozenset()) -> list[Shift]:
    """Like `shifts`, but the first has its true start and the last its true end, where `on_duty` sees one."""
    found = shifts(schedule, start, end, inactive=inactive)
    if found:
        first, last = found[0], on_duty(schedule, end - datetime.resolution, inactive=inactive)
        found[0] = replace(first, start=on_duty(schedule, start, inactive=inactive).start or first.start)
        found[-1] = replace(found[-1], end=last.end or found[-1].end)
    return found


def layer_shifts(layer: Layer, start: datetime, end: datetime, *, inactive: frozenset[Person] = frozenset(),
                 holidays: frozenset[date] = frozenset()) -> list[Shift]:
    """The lane of one layer by itself, without overrides: clipped like `shifts`, gaps included."""
    return shifts(Schedule(layer.zone, (layer,), holidays=holidays), start, end, inactive=inactive)


def conflicts(one: Override, other: Override) -> bool:
    """Whether the two may not both stand: they overlap, and one is for everybody or both replace one person."""
    overlap = one.starts < other.ends and other.starts < one.ends
    return overlap and (one.replaces is None or other.replaces is None or one.replaces == other.replaces)


def _start_of(shift: Shift) -> datetime:
    assert shift.start is not None
    return shift.start


def _first_start(schedule: Schedule, at: datetime) -> datetime:
    """An instant at or before `at` before which nothing has ever begun."""
    begun = [local_instant(layer.starts, layer.zone) for layer in schedule.layers]
    begun += [override.starts.astimezone(UTC) for override in schedule.overrides]
    return min([at, *begun]) - timedelta(seconds=1)


def _presence(away: tuple[Away, ...], start: datetime, end: datetime,
              inactive: frozenset[Person]) -> Iterator[tuple[datetime, datetime, frozenset[Person]]]:
    """The parts of [start, end) in which the same people are left out, with those people."""
    near = [one for one in away if one.since < end and (one.until is None or start < one.until)]
    edges = {edge for one in near for edge in (one.since, one.until) if edge and start < edge < end}
    for first, last in pairwise(sorted(edges | {start, end})):
        gone = {one.person for one in near if one.since <= first and (one.until is None or first < one.until)}
        yield first, last, inactive | gone


def _by_layers(schedule: Schedule, start: datetime, end: datetime,
               inactive: frozenset[Person]) -> list[_Piece]:
    """What the layers alone say: the highest with somebody on duty decides, lower ones are asked only for the rest."""
    decided: list[_Piece] = []
    undecided = [_Piece(start, end, (), GAP)]
    for layer in reversed(schedule.layers):
        if not undecided:
            break
        spans = layer_spans(layer, undecided[0].start, undecided[-1].end, inactive, holidays=schedule.holidays)
        filled = list(_filled(undecided, spans, layer.name))
        decided += [piece for piece in filled if piece.people]
        undecided = [piece for piece in filled if not piece.people]
    return sorted(decided + undecided)


def _filled(gaps: list[_Piece], spans: list[Span], layer: str) -> Iterator[_Piece]:
    """The gaps, with the spans of a layer laid over them: in order, covering what the gaps cover and no more."""
    next_ = 0
    for gap in gaps:
        reached = gap.start
        while next_ < len(spans) and spans[next_].start < gap.end:
            begin, finish, people = spans[next_]
            start, end = max(begin, gap.start), min(finish, gap.end)
            if start < end:
                yield from _gap(reached, start)
                yield _Piece(start, end, people, layer)
                reached = end
            if finish > gap.end:
                break
            next_ += 1
        yield from _gap(reached, gap.end)


def _gap(start: datetime, end: datetime) -> Iterator[_Piece]:
    if start < end:
        yield _Piece(start, end, (), GAP)


def _overridden(pieces: list[_Piece], overrides: tuple[Override, ...],
                inactive: frozenset[Person]) -> Iterator[_Piece]:
    """The pieces cut at the overrides' edges and decided anew; pieces cover a span without a hole, in order."""
    start, end = pieces[0].start, pieces[-1].end
    near = (one for one in overrides if one.starts < end and start < one.ends)
    waiting = sorted(_with_people(near, inactive), key=lambda one: one.starts, reverse=True)
    edges = {edge.astimezone(UTC) for one in waiting for edge in (one.starts, one.ends) if start < edge < end}
    cuts = sorted(edges.union((piece.start for piece in pieces), (end,)))
    running: list[Override] = []
    place = 0
    for begin, finish in pairwise(cuts):
        place += begin >= pieces[place].end
        if running:
            running = [one for one in running if one.ends > begin]
        while waiting and waiting[-1].starts <= begin:
            running.append(waiting.pop())
        piece = pieces[place]
        if running:
            yield _Piece(begin, finish, *_decided(piece, running))
        else:
            whole = begin == piece.start and finish == piece.end
            yield piece if whole else piece._replace(start=begin, end=finish)


def _with_people(overrides: Iterable[Override], inactive: frozenset[Person]) -> Iterator[Override]:
    """The overrides without deactivated people; one left with nobody has no effect: the layers page somebody."""
    for one in overrides:
        people = tuple(person for person in one.people if person not in inactive)
        if people or (not one.people and one.replaces is not None):
            yield replace(one, people=people)


def _decided(piece: _Piece, running: list[Override]) -> tuple[tuple[Person, ...], str]:
    """The people and the layer of a piece through which the same overrides run."""
    people, layer = piece.people, piece.layer
    by_person: dict[Person, Override] = {}
    for one in running:
        if one.replaces is None:
            people, layer = one.people, OVERRIDE
        else:
            by_person[one.replaces] = one
    if not by_person.keys().isdisjoint(people):
        layer = OVERRIDE
        people = tuple(stand_in for person in people for stand_in in _stand_ins(person, by_person))
    return (tuple(dict.fromkeys(people)), layer) if people else ((), GAP)


def _stand_ins(person: Person, by_person: dict[Person, Override]) -> Iterator[Person]:
    """Who stands in for a person: a stand-in is on duty too, and so may have been replaced in turn."""
    override = by_person.get(person)
    if override is None:
        yield person
        return
    # Each override is used once on the way, so that two people who replace each other come to an end.
    rest = {replaced: one for replaced, one in by_person.items() if one is not override}
    for one in override.people:
        yield from _stand_ins(one, rest)


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and joined[-1][2:] == piece[2:]:
            joined[-1] = joined[-1]._replace(end=piece.end)
        else:
            joined.append(piece)
    return joined
