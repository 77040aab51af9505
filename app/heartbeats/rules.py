"""When a heartbeat is due, and what a ping makes of its state. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

EVERY = (30, 30 * 86400)
GRACE = (0, 7 * 86400)
KEPT = 30
OUTPUT = 10 * 1024
STATES = ("waiting", "alive", "late")


def default_grace(every: int) -> int:
    """A fifth of the interval, at least 30 s and at most the longest grace."""
    return min(max(every // 5, 30), GRACE[1])


def due(last: datetime, every: int, grace: int) -> datetime:
    """Until when the next ping must have come."""
    return last + timedelta(seconds=every + grace)


def exit_code(word: str) -> int | None:
    """The exit code that stands at the end of an address, None when it is none (0 to 255)."""
    return int(word) if word.isascii() and word.isdecimal() and int(word[:4]) <= 255 else None


@dataclass(frozen=True)
class Beat:
    """One entry of the strip: when, `ok`, `late` or `failed`, and the seconds that the work took, where it said so."""

    at: datetime
    kind: str
    took: int | None = None


def remembered(recent: Sequence[dict[str, Any]], beat: Beat) -> list[dict[str, Any]]:
    """The last 30 with one more."""
    return [*recent, {"at": beat.at.isoformat(), "kind": beat.kind, "took": beat.took}][-KEPT:]


def strip(recent: Sequence[dict[str, Any]]) -> list[Beat]:
    """The entries as they were remembered, oldest first."""
    return [Beat(datetime.fromisoformat(one["at"]), one["kind"], one.get("took")) for one in recent]


def next_state(state: str, kind: str) -> str:
    """The state after a ping (`ok`), a failure (`failed`) or a deadline (`late`); whatever else is said changes none."""
    return {"ok": "alive", "failed": "late", "late": "late"}.get(kind, state)
