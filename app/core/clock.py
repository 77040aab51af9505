"""What time it is: the one place that asks, so that tests can say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_said: ContextVar[datetime | None] = ContextVar("said", default=None)


def now() -> datetime:
    """The present instant, aware and in UTC."""
    return _said.get() or datetime.now(UTC)


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


def parse_instant(text: str) -> datetime:
    """The instant an RFC 3339 text names; a text without offset is read as UTC. Raises ValueError."""
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
