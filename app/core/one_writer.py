"""SQLite has one writer and no queue: who waits for it, and in which order."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

_threads = threading.Lock()
_lock_files: dict[str, int] = {}


@contextmanager
def write_lock(bind: Engine | Connection) -> Iterator[None]:
    """Held until the block ends, and nothing at all on PostgreSQL: a thread lock and file locks make writers wait in order.

    Of two files the first is a turnstile: whoever let go of the second has to pass it before taking that again, so a
    process with many writers can't keep it from one that has waited longer.
    """
    engine = bind.engine
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    with _threads:
        turn, descriptor = (_lock_file(f"{engine.url.database}.{name}") for name in ("turn", "lock"))
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock_file(path: str) -> int:
    key = f"{os.getpid()}:{path}"
    if key not in _lock_files:
        _lock_files[key] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    return _lock_files[key]
