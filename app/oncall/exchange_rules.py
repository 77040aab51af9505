"""What may become of swaps and requests for cover, when people are reminded of them, and what of a span is left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.oncall.plan import Shift

Span = tuple[datetime, datetime]

# state → states it may move to
SWAP_MOVES: dict[str, frozenset[str]] = {
    "proposed": frozenset({"accepted", "declined", "withdrawn", "expired"}), "accepted": frozenset({"reverted"}),
    "declined": frozenset(), "withdrawn": frozenset(), "expired": frozenset(), "reverted": frozenset(),
}
COVER_MOVES: dict[str, frozenset[str]] = {
    "open": frozenset({"partly taken", "taken", "withdrawn", "expired"}),
    "partly taken": frozenset({"open", "partly taken", "taken", "withdrawn", "expired"}),
    "taken": frozenset({"open", "partly taken"}), "withdrawn": frozenset(), "expired": frozenset(),
}
WAITING = ("proposed", "open", "partly taken")

REMINDERS = (168, 72, 24, 12)
"""Hours before the first span at which people are reminded."""
MANAGERS_AT = 24
"""The reminder that the managers of the team get too."""


def left(span: Span, taken: Iterable[Span]) -> list[Span]:
    """The parts of the span that nobody took, in order."""
    found, reached = [], span[0]
    for start, end in sorted(taken):
        if start > reached:
            found.append((reached, min(start, span[1])))
        reached = max(reached, end)
    if reached < span[1]:
        found.append((reached, span[1]))
    return [(start, end) for start, end in found if start < end]


def cover_state(span: Span, taken: list[Span]) -> str:
    """`open`, `partly taken` or `taken`."""
    if not taken:
        return "open"
    return "partly taken" if left(span, taken) else "taken"


def deadline(span: Span, asked_at: datetime) -> datetime:
    """When a request for cover ends by itself: as its span begins, or for a shift that ran already, as it ends."""
    return span[0] if asked_at < span[0] else span[1]


def reminder(starts: datetime, asked_at: datetime, reminded: int | None, now: datetime) -> int | None:
    """The reminder that is due, in hours before `starts`: the latest one whose time came since the request was made."""
    due = [hours for hours in REMINDERS if asked_at < starts - timedelta(hours=hours) <= now < starts]
    return due[-1] if due and (reminded is None or due[-1] < reminded) else None


def by_person(shifts: Iterable[Shift]) -> dict[int, list[Span]]:
    """Everybody's spans without a break, in order; `shifts` have a start and an end."""
    found: dict[int, list[Span]] = {}
    for shift in shifts:
        for person in shift.people if shift.start is not None and shift.end is not None else ():
            spans = found.setdefault(person, [])
            if spans and spans[-1][1] == shift.start:
                spans[-1] = (spans[-1][0], shift.end)
            else:
                spans.append((shift.start, shift.end))
    return found
