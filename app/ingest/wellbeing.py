"""How an integration is, and why, from what came lately. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.forms import UNITS

BAD, SHARE = 5, 20  # five bad requests, and one in twenty
EXPECTED = (300, 30 * 86400)
RECENT = 10
WORDS = ("ok", "failing", "quiet", "busy", "paused", "waiting", "broken")
UNREAD, FAULT = "can't be read", "a fault of ours"
UNITS_SPOKEN = {"d": "d", "h": "h", "m": "min", "s": "s"}


@dataclass(frozen=True)
class Counts:
    """What came to an integration in 24 hours; `lately` are the bad and refused ones of the last 10 minutes."""

    deliveries: int = 0
    rejected: int = 0
    refused: int = 0
    lately: int = 0
    last: datetime | None = None

    @property
    def bad(self) -> int:
        """Requests that led to nothing."""
        return self.rejected + self.refused

    @property
    def total(self) -> int:
        """All requests."""
        return self.deliveries + self.refused


def health(counts: Counts, *, usable: bool, paused: bool, seen: bool, quiet: bool = False, busy: bool = False) -> str:
    """`broken` (no plugin), `paused`, `failing` (5 bad ones in 10 minutes, or at least 5 and more than 5 % in 24 hours),
    `quiet` (nothing for longer than expected), `busy` (more than 1,000 within the last minute), `waiting` (never used),
    else `ok`. Quiet outranks what was bad earlier on the day: it is what is wrong now."""
    if not usable:
        return "broken"
    if paused:
        return "paused"
    if counts.lately >= BAD:
        return "failing"
    if quiet:
        return "quiet"
    if counts.bad >= BAD and counts.bad * SHARE > counts.total:
        return "failing"
    if busy:
        return "busy"
    return "ok" if seen else "waiting"


def is_quiet(last: datetime | None, every: int | None, at: datetime) -> bool:
    """Whether nothing has come for longer than the `every` seconds that are expected; never before the first delivery."""
    return last is not None and every is not None and at - last > timedelta(seconds=every)


def why_quiet(last: datetime, every: int, at: datetime) -> str:
    """The sentence on a quiet one."""
    return f"nothing for {span(int((at - last).total_seconds()))}; expected every {span(every)}"


def why_failing(recent: Sequence[str], counts: Counts) -> str:
    """The sentence on a failing one; `recent`: what was wrong with each of the last requests, "" where nothing was."""
    wrong = Counter(word for word in recent if word).most_common(1)
    if wrong:
        return f"{wrong[0][0]}: {wrong[0][1]} of the last {len(recent)}"
    return f"{counts.bad} of {counts.total} requests in 24 h were not taken"


def refusal(reason: str) -> str:
    """What was wrong with a request that was not let in, in few words, so that what is alike is counted together."""
    plain = reason.casefold()
    if "signature" in plain:
        word = next((word for word in ("missing", "stale", "wrong") if word in plain), "")
        if word:
            return f"signature {word}"
    return reason.partition(":")[0][:80]


def span(seconds: int) -> str:
    """A time in its largest unit of which there are at least two, as people say it: `45 min`, `2 h`, `3 d`."""
    for unit, size in sorted(UNITS.items(), key=lambda one: -one[1]):
        if unit in UNITS_SPOKEN and (seconds >= 2 * size or seconds == size):
            return f"{seconds // size} {UNITS_SPOKEN[unit]}"
    return f"{seconds} s"
