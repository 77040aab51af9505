"""Of which moments of their shifts people want to hear."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.identity.models import User
from app.identity.queries import allow
from app.notifications import events
from app.notifications.models import DutyNotices

MOMENTS = ("before", "start", "end")


def choices(user_ids: Iterable[int]) -> dict[int, dict[str, bool]]:
    """What each of these people wants: a day before and at the start unless they said otherwise."""
    wanted = list(user_ids)
    said = {one.user_id: {name: bool(getattr(one, name)) for name in MOMENTS} for one in session.scalars(
        select(DutyNotices).where(DutyNotices.user_id.in_(wanted)))}
    return {one: said.get(one, {"before": True, "start": True, "end": False}) for one in wanted}


def choose(user: User, wanted: dict[str, bool], *, by: Actor) -> None:
    """Keep what a person wants to be told."""
    allow(by, "own.edit" if by.user_id == user.id else "people.edit")
    before = choices([user.id])[user.id]
    if before == wanted:
        return
    row = session.scalar(select(DutyNotices).where(DutyNotices.user_id == user.id)) or DutyNotices(user_id=user.id)
    for name in MOMENTS:
        setattr(row, name, wanted[name])
    session.add(row)
    session.flush()
    record(events.DUTY_NOTICES_CHANGED, user.ref, by=by, person=user.name, before=before, after=wanted)
