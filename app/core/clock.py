"""What time it is: the one place that asks, so that tests can say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

_said: ContextVar[datetime | None] = ContextVar("said", default=None)
_anchor: tuple[float, float] | None = None
YEARS = range(1970, 2200)
"""Of which people may speak. Arithmetic on clock times is safe far beyond; zone data is sound from 1970 on."""
NEAR = 0.02  # seconds within which two clocks are taken to agree


def now() -> datetime:
    """The present instant, aware and in UTC."""
    return _said.get() or _present()


def _present() -> datetime:
    anchor = _anchor
    if anchor is None:
        return datetime.now(UTC)
    told, when = anchor
    return datetime.fromtimestamp(told + time.monotonic() - when, UTC)


def go_by(told: float) -> None:
    """It is `told` now, in seconds of Unix time, by a clock that counts more than this machine's: from now on time goes on
    from there, whatever this machine's clock is set to."""
    global _anchor
    if _anchor is None or abs(told - _present().timestamp()) > NEAR:
        _anchor = told, time.monotonic()


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Inside, and only in this thread of work, it is `instant`: for telling what happened before."""
    token = _said.set(instant)
    try:
        yield
    finally:
        _said.reset(token)


def rfc3339(at: datetime | None) -> str | None:
    """`at` as RFC 3339 in UTC with milliseconds and `Z`; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_year(at: date) -> None:
    """Raise ValueError with a sentence for a time of which people can't mean to speak."""
    if at.year not in YEARS:
        raise ValueError(f"The year must lie between {YEARS[0]} and {YEARS[-1]}")


def parse_instant(text: str) -> datetime:
    """The instant an RFC 3339 text names; a text without offset is read as UTC. Raises ValueError, also for the first and
    the last year there is: neither another zone nor the day after could be told."""
    at = datetime.fromisoformat(text.strip())
    if not datetime.min.year < at.year < datetime.max.year:
        raise ValueError(f"The year {at.year} is too far away")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
