"""What fails by itself: due rows done together and, where that fails, each alone, and a part of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import AWAY, pending, session, transaction

log = structlog.get_logger()
Failed = Callable[[int, Exception], None]
NO_FAULT_OF_A_ROW = (*AWAY, BaseTimeoutException)  # or the job's time is over
FAILS_ALL = (SQLAlchemyError, BaseTimeoutException)  # of a part of a transaction: this can't go on


def isolated(keys: Sequence[int], work: Callable[[Sequence[int]], int], failed: Failed | None = None) -> int:
    """`work(keys)` does these rows inside a transaction and says how many; `failed(key, fault)` is called in another one
    for each that can't be done, and sees to it that the row does not fail for ever; without it they fail as in `each`. What
    is no fault of a row is raised."""
    if not keys:
        return 0
    try:
        with transaction():
            return work(keys)
    except NO_FAULT_OF_A_ROW:
        raise
    except Exception:
        log.exception("isolation.together_failed", work=work.__name__, rows=len(keys))
        session.remove()
    return each(keys, lambda key: work([key]), failed)


def each(keys: Iterable[int], work: Callable[[int], int], failed: Failed | None = None) -> int:
    """The same for rows that are done in a transaction of their own from the start; without `failed` one that can't be done
    is left as it is, and once the others are done the first of these faults is raised."""
    return apart(keys, lambda key: _inside(work, key), failed)


def _inside(work: Callable[[int], int], key: int) -> int:
    with transaction():
        return work(key)


def apart(keys: Iterable[int], work: Callable[[int], int], failed: Failed | None = None) -> int:
    """The same for work that opens its transactions itself."""
    faults: list[Exception] = []
    done = sum(_alone(key, work, failed, faults) for key in keys)
    if faults:
        raise faults[0]
    return done


def _alone(key: int, work: Callable[[int], int], failed: Failed | None, faults: list[Exception]) -> int:
    try:
        return work(key)
    except NO_FAULT_OF_A_ROW:
        raise
    except Exception as fault:
        log.exception("isolation.failed", work=getattr(work, "__qualname__", ""), key=key)
        session.remove()
        if failed is not None:
            return _mended(key, fault, failed)
        faults.append(fault)
        return 0


def _mended(key: int, fault: Exception, failed: Failed) -> int:
    try:
        with transaction():
            failed(key, fault)
        return 1
    except NO_FAULT_OF_A_ROW:
        raise
    except Exception:
        log.exception("isolation.not_mended", mended_by=failed.__name__, key=key)
        session.remove()
        return 0


@contextmanager
def attempt() -> Iterator[None]:
    """A part of the open transaction that may fail by itself: what it did is undone, facts and all, and the fault raised."""
    left = pending()
    events, wakes, stirs = len(left.events), set(left.wakes), set(left.stirs)
    try:
        with session.begin_nested():
            yield
    except BaseException:
        del left.events[events:]
        left.wakes, left.stirs = wakes, stirs
        raise


def words(fault: Exception) -> str:
    """A fault of ours as people read it."""
    return f"a fault of ours ({type(fault).__name__}: {str(fault)[:200]})"
