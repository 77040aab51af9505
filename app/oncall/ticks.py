"""What schedules do because time passed: swaps and requests for cover end or are reminded of."""

from __future__ import annotations

from app.core.db import session, transaction
from app.oncall import covers, swaps
from app.oncall.exchange_rules import WAITING
from app.oncall.models import CoverRequest, Swap


def settle() -> int:
    """End what is too late or can't come about any more, and remind of what still waits."""
    if not _any_waiting():
        return 0
    with transaction():
        done = swaps.settle()
    with transaction():
        return done + covers.settle()


def _any_waiting() -> bool:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return any(session.query(kind.id).filter(kind.state.in_(WAITING)).limit(1).first() for kind in (Swap, CoverRequest))
    finally:
        session.rollback()
