"""What schedules do because time passed: requests end or are reminded of, hand-offs are stated, gaps are found."""

from __future__ import annotations

from app.core.db import session, transaction
from app.core.isolation import each
from app.oncall import covers, handover, swaps, zones
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


def hand_over() -> int:
    """State the hand-offs that happened, each schedule in a transaction of its own."""
    due = handover.due()
    session.rollback()
    return each(due, handover.look, handover.postpone)


def watch_gaps() -> int:
    """Tell of gaps ahead."""
    with transaction():
        return handover.watch_gaps()


def note_zones() -> int:
    """Notice that the zone database moves shifts."""
    with transaction():
        return zones.note()


def _any_waiting() -> bool:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return any(session.query(kind.id).filter(kind.state.in_(WAITING)).limit(1).first() for kind in (Swap, CoverRequest))
    finally:
        session.rollback()
