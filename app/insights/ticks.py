"""What figures do as time passes: they read on in the log, and close the hours that are over."""

from __future__ import annotations

from app.core.db import session, transaction
from app.insights import rollups


def refresh() -> int:
    """Read on until the end of the log, a batch in each transaction."""
    done = 0
    while _ahead():
        with transaction():
            step = rollups.refresh()
        done += step
        if not step:
            break
    return done


def close_hours() -> int:
    """Sum the messages of hours that are over for good."""
    with transaction():
        return rollups.close_hours()


def _ahead() -> bool:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return rollups.is_behind()
    finally:
        session.rollback()
