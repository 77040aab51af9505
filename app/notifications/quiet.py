"""Quiet hours: when low urgency waits for a person. High urgency is never held, whatever stands here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import time
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import delete, select

from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.core.forms import Problems
from app.identity.models import User
from app.identity.queries import allow
from app.notifications import events, rules
from app.notifications.models import QuietHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST = 7


def quiet_of(user_ids: Collection[int]) -> dict[int, list[rules.Quiet]]:
    """The spans of these people."""
    found: dict[int, list[rules.Quiet]] = defaultdict(list)
    for row in session.scalars(select(QuietHours).where(QuietHours.user_id.in_(list(user_ids))).order_by(QuietHours.id)):
        found[row.user_id].append(rules.Quiet(tuple(row.days), _time(row.starts), _time(row.ends), row.zone))
    return dict(found)


def documents(user_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The spans of these people as the configuration document writes them."""
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in user_ids}
    for row in session.scalars(select(QuietHours).where(QuietHours.user_id.in_(user_ids)).order_by(QuietHours.id)):
        found[row.user_id].append({"days": [DAYS[day] for day in row.days], "from": row.starts, "to": row.ends,
                                   "time_zone": row.zone})
    return found


def save(user: User, values: Sequence[Mapping[str, Any]], *, by: Actor) -> None:
    """Make the person's spans these. Raises Invalid at the field."""
    if by.user_id == user.id:
        allow(by, "own.edit")
    else:
        allow(by, "people.edit")
    problems, before = Problems(), documents([user.id])[user.id]
    if len(values) > MOST:
        problems.add("quiet_hours", f"At most {MOST} spans")
    rows = [_row(user, value, problems.at(f"quiet_hours[{number}]")) for number, value in enumerate(values)]
    problems.raise_if_any()
    session.execute(delete(QuietHours).where(QuietHours.user_id == user.id))
    session.add_all(row for row in rows if row is not None)
    session.flush()
    after = documents([user.id])[user.id]
    if before != after:
        record(events.QUIET_CHANGED, user.ref, by=by, person=user.name, before=before, after=after)


def _row(user: User, value: Mapping[str, Any], problems: Problems) -> QuietHours | None:
    days = sorted({DAYS.index(day) for day in value.get("days", ()) if day in DAYS})
    zone = str(value.get("time_zone") or user.time_zone)
    if not days:
        problems.add("days", "Choose at least one day")
    if zone not in available_timezones():
        problems.add("time_zone", "This is no time zone, such as Europe/Berlin")
    times = [problems.take(name, _clock, value.get(name, "")) for name in ("from", "to")]
    if not days or None in times or zone not in available_timezones():
        return None
    if times[0] == times[1]:
        problems.add("to", "It ends when it begins: leave a gap in which low urgency reaches you")
    return QuietHours(user_id=user.id, days=days, starts=times[0], ends=times[1], zone=zone)


def _clock(text: Any) -> str:
    said = str(text)[:5]
    if said == "24:00":
        return "00:00"
    try:
        return _time(said).strftime("%H:%M")
    except ValueError:
        raise ValueError("Write a time such as 22:00") from None


def _time(text: str) -> time:
    return time.fromisoformat(text)
