"""Longer work that somebody asked for: one piece after the other, claimed for as long as it shows signs of life."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, and_, delete, or_, select, update

from app.config import errands, imports, replays
from app.config.models import Errand
from app.core import clock
from app.core.access import SYSTEM
from app.core.db import locked, session, transaction
from app.core.errors import Failure
from app.core.retention import Kept

log = structlog.get_logger()
Found = tuple[dict[str, Any], dict[str, Any]]
Progress = Callable[[str], None]
LEASE, MOST_TRIES, EVERY = timedelta(minutes=5), 3, 1.0
WORK: dict[str, Callable[[Errand, Progress], Found]] = {"import": imports.work, "replay": replays.work}


def work() -> int:
    """Do what waits, the oldest first."""
    count = 0
    while (key := _claimed()) is not None:
        _done(key)
        count += 1
    return count


def _claimed() -> int | None:
    """The one that is ours now; of two clocks only one gets it. What was cut is tried again, three times in all."""
    with transaction():
        now = clock.now()
        free = or_(Errand.state == "waiting", and_(Errand.state == "running", Errand.lease_until < now))
        key = session.scalar(select(Errand.id).where(free).order_by(Errand.id).limit(1))
        if key is None:
            return None
        taken = session.execute(update(Errand).where(Errand.id == key, free).values(
            state="running", lease_until=now + LEASE, tries=Errand.tries + 1).execution_options(synchronize_session=False))
        return key if taken.rowcount else None


def _done(key: int) -> None:
    try:
        with transaction():
            errand = session.get_one(Errand, key, populate_existing=True)
            session.expunge(errand)
        if errand.tries > MOST_TRIES:
            raise Failure("It was cut three times, and is not tried again.")
        found, secret = WORK[errand.kind](errand, _telling(key))
        _end(key, found=found, secret=secret)
    except Failure as fault:
        problems = "; ".join(f"{one.field} {one.message}".strip() for one in getattr(fault, "problems", []))
        _end(key, error=problems or fault.detail)
    except Exception:
        log.exception("errand.failed", errand=key)
        _end(key, error="This is our fault, and it is in the log.")


def _end(key: int, *, found: dict[str, Any] | None = None, secret: dict[str, Any] | None = None, error: str = "") -> None:
    with transaction():
        errand = locked(Errand, key)
        if errand is not None and errand.state == "running":
            errands.conceal(errand, secret or {})
            errands.end(errand, SYSTEM, found=found, error=error)


def _telling(key: int) -> Progress:
    last = 0.0

    def tell(text: str) -> None:
        nonlocal last
        if time.monotonic() - last < EVERY:
            return
        last = time.monotonic()
        with transaction():
            errand = session.get_one(Errand, key, populate_existing=True)
            errand.lease_until = clock.now() + LEASE
            errands.tell_progress(errand, text)
    return tell


def tidy() -> None:
    """What was prepared for an import that has ended goes from the disk."""
    with transaction():
        imports.tidy(set(session.scalars(select(Errand.key).where(Errand.state.in_(("waiting", "running"))))))


def _old(before: datetime) -> Select[Any]:
    return select(Errand.id).where(Errand.created_at < before)


def _remove(ids: Sequence[int]) -> None:
    session.execute(delete(Errand).where(Errand.id.in_(ids)).execution_options(synchronize_session=False))


ERRANDS = Kept("errands", "Imports, replays, parity reports and plans", "What was applied stays.", errands.KEPT_DAYS,
               select(Errand.id), _old, _remove)
