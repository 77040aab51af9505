"""What status pages do because time passed, or because a wake-up was lost."""

from __future__ import annotations

from app.core import clock
from app.core.db import session, transaction
from app.status_pages import states


def follow() -> int:
    """Components that do not show what they should do so now; overrides end. Looks first, writes only where needed."""
    found = states.differing(clock.now())
    session.rollback()
    if not found:
        return 0
    with transaction():
        return states.settle()
