"""What schedules do because time passed: requests end or are reminded of, hand-offs are stated, gaps are found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.core.db import session, transaction
from app.core.isolation import each, isolated
from app.oncall import covers, handover, swaps, zones
from app.oncall.exchange_rules import WAITING
from app.oncall.models import CoverRequest, Schedule, Swap
from app.oncall.queries import in_use


def settle_swaps() -> int:
    """End swaps that are too late or can't come about any more, and remind of those that still wait."""
    return each(_keys(select(Swap.id).where(Swap.state.in_(WAITING))), swaps.settle)


def settle_covers() -> int:
    """The same with requests for cover."""
    return each(_keys(select(CoverRequest.id).where(CoverRequest.state.in_(WAITING))), covers.settle)


def hand_over() -> int:
    """State the hand-offs that happened, each schedule in a transaction of its own."""
    due = handover.due()
    session.rollback()
    return each(due, handover.look, handover.postpone)


def watch_gaps() -> int:
    """Tell of gaps ahead."""
    return isolated(_keys(in_use().with_only_columns(Schedule.id)), handover.watch_gaps)


def note_zones() -> int:
    """Notice that the zone database moves shifts."""
    with transaction():
        return zones.note()


def _keys(query: Select[Any]) -> list[int]:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return list(session.scalars(query))
    finally:
        session.rollback()
