"""From when until when people were deactivated: what they held before stays theirs, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from app.core.db import session
from app.core.events import Event
from app.identity.events import USER_ACTIVATED, USER_DEACTIVATED
from app.oncall import rules

MANY = 500
"""More than these are not named one by one in a query."""


def away_of(people: Collection[int]) -> tuple[rules.Away, ...]:
    """From when until when these people were deactivated, as the log tells; one query."""
    query = select(Event.subject, Event.kind, Event.at).where(
        Event.kind.in_((USER_DEACTIVATED.name, USER_ACTIVATED.name))).order_by(Event.id)
    if len(people) <= MANY:
        query = query.where(Event.subject.in_([f"user:{person}" for person in people]))
    begun: dict[int, datetime] = {}
    found = []
    for subject, kind, at in session.execute(query) if people else ():
        person, moment = int(subject.partition(":")[2]), at.replace(microsecond=0)
        if kind == USER_DEACTIVATED.name:
            begun.setdefault(person, moment)
        elif person in begun:
            found.append(rules.Away(person, begun.pop(person), moment))
    open_ends = [rules.Away(person, since, None) for person, since in begun.items()]
    return tuple(one for one in (*found, *open_ends) if one.person in people)
