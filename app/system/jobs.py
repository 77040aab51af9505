"""What becomes of jobs that failed: Redis is asked with nothing open, then it is recorded."""

from __future__ import annotations

from collections.abc import Callable

from app.core import failed
from app.core.access import Actor
from app.core.db import transaction
from app.core.events import Kind, record
from app.core.failed import Failed
from app.identity.queries import allow
from app.system import events


def run_again(key: str, *, by: Actor) -> Failed:
    """Back into its queue. Raises NotFound when it is not among those that failed."""
    return _done(failed.run_again, key, events.JOB_RUN_AGAIN, by)


def drop(key: str, *, by: Actor) -> Failed:
    """Away with it. Raises NotFound likewise."""
    return _done(failed.drop, key, events.JOB_DROPPED, by)


def _done(act: Callable[[str], Failed], key: str, kind: Kind, by: Actor) -> Failed:
    allow(by, "admin")
    found = act(key)
    with transaction():
        record(kind, "system", by=by, what=found.what, error=found.error)
    return found
