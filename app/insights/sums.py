"""Sums of messages: hour by hour once an hour is over for good, and of longer spans made of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from app.core import clock
from app.core.db import session, transaction
from app.incidents.models import Incident
from app.insights.models import DeliverySum, ReadUntil
from app.insights.rules import HOUR, SPANS, TARGET, cover, instant
from app.notifications.models import Message

CLOSED_AFTER = timedelta(hours=48)
"""Reports on messages come within two days: then an hour's sums are final."""
AT_ONCE = 5000
NAMES = {"hours" if span == 1 else f"hours-{span}": span for span in SPANS}
"""The places up to which there are sums of each span."""
WAITS = ("queued", "arrived", "first")
COUNTS = ("number", "attempts", "firsts", "late")


def mark(name: str) -> ReadUntil:
    """A place that was reached, locked until the transaction ends."""
    found = session.get(ReadUntil, name, with_for_update=True)
    if found is None:
        found = ReadUntil(name=name, value=0)
        session.add(found)
        session.flush()
    return found


def close_hours(limit: int = 24) -> int:
    """Sum the messages of hours that are over for good, a few at a time; then longer spans, of what is summed."""
    hours, last = mark("hours"), int((clock.now() - CLOSED_AFTER).timestamp()) // HOUR
    if not hours.value:
        oldest = session.scalar(select(func.min(Message.queued_at)))
        hours.value = int(oldest.timestamp()) // HOUR if oldest is not None else last
    done = 0
    while hours.value < last and done < limit:
        session.add_all(sums(hours.value * HOUR, (hours.value + 1) * HOUR))
        hours.value, done = hours.value + 1, done + 1
    session.flush()
    summed = hours.value
    for shorter, span in zip(SPANS, SPANS[1:], strict=False):
        made, summed = _close(shorter, span, summed, limit)
        done += made
    return done


def _close(shorter: int, span: int, summed: int, limit: int) -> tuple[int, int]:
    """Sum spans of so many hours of shorter ones, up to the hour `summed`: how many, and how far it went."""
    reached, done = mark(f"hours-{span}"), 0
    if not reached.value:
        oldest = session.scalar(select(func.min(DeliverySum.hour)).where(DeliverySum.span == 1))
        reached.value = (oldest // HOUR if oldest is not None else summed) // span * span
    while reached.value + span <= summed and done < limit:
        start = reached.value * HOUR
        rows = session.execute(select(DeliverySum.__table__).where(
            DeliverySum.span == shorter, DeliverySum.hour >= start, DeliverySum.hour < start + span * HOUR)).mappings()
        session.add_all(_added(rows, start, span))
        session.flush()
        reached.value, done = reached.value + span, done + 1
    return done, reached.value


def _added(rows: Iterable[Mapping[Any, Any]], hour: int, span: int) -> list[DeliverySum]:
    """Those that ended alike as one."""
    found: dict[tuple[Any, ...], DeliverySum] = {}
    for row in rows:
        key = (row["team_id"], row["channel"], row["provider"], row["state"], row["reason"])
        one = found.get(key) or found.setdefault(key, _nothing(hour, span, key))
        for name in COUNTS:
            setattr(one, name, getattr(one, name) + row[name])
        for name in WAITS:
            counter = getattr(one, name)
            for seconds, number in row[name].items():
                counter[seconds] = counter.get(seconds, 0) + number
    return list(found.values())


def _nothing(hour: int, span: int, key: tuple[Any, ...]) -> DeliverySum:
    team, channel, provider, state, reason = key
    return DeliverySum(hour=hour, span=span, team_id=team, channel=channel, provider=provider, state=state, reason=reason,
                       queued={}, arrived={}, first={}, **dict.fromkeys(COUNTS, 0))


def forget_sums() -> None:
    """Throw all sums away, a few in each transaction, so that they are made again from the first message on."""
    with transaction():
        for name in NAMES:
            mark(name).value = 0
    gone = AT_ONCE
    while gone == AT_ONCE:
        with transaction():
            gone = session.execute(delete(DeliverySum).where(DeliverySum.id.in_(
                select(DeliverySum.id).order_by(DeliverySum.id).limit(AT_ONCE)))).rowcount  # type: ignore[attr-defined]


def reached() -> dict[int, int]:
    """Up to which hour since 1970 there are sums of each span: later messages are counted one by one."""
    return {NAMES[name]: value for name, value in session.execute(select(ReadUntil.name, ReadUntil.value).where(
        ReadUntil.name.in_(NAMES)))}


def between(since: int, until: int) -> ColumnElement[bool]:
    """The sums that together are those of all hours from `since` until just before `until`, as few as there can be."""
    parts = cover(-(-since // HOUR), -(-until // HOUR), reached())
    return or_(DeliverySum.id < 0, *(and_(
        DeliverySum.span == span, DeliverySum.hour >= start * HOUR, DeliverySum.hour < end * HOUR)
        for span, start, end in parts))


def sums(since: int, until: int, teams: set[int] | None = None) -> list[DeliverySum]:
    """The sums of the messages queued from `since` until just before `until`, hour by hour; not stored."""
    found: dict[tuple[Any, ...], DeliverySum] = {}
    team = Incident.team_id
    rows = session.execute(select(
        Message.queued_at, team, Message.channel, Message.provider, Message.state, Message.error, Message.attempts,
        Message.sent_at, Message.delivered_at, Message.kind, Message.step, Message.round).outerjoin(
        Incident, Incident.id == Message.incident_id).where(
        Message.queued_at >= instant(since), Message.queued_at < instant(until), Message.kind != "test",
        Message.state != "unsent", (Incident.id.is_(None)) | (~Incident.test & ~Incident.in_shadow)))
    for row in rows:
        if teams is not None and row.team_id is not None and row.team_id not in teams:
            continue
        hour = int(row.queued_at.timestamp()) // HOUR * HOUR
        key = (row.team_id, row.channel, row.provider, row.state, row.error[:100] if row.state == "failed" else "")
        one = found.get((hour, *key)) or found.setdefault((hour, *key), _nothing(hour, 1, key))
        _count(one, row)
    return list(found.values())


def _count(one: DeliverySum, row: Any) -> None:
    one.number, one.attempts = one.number + 1, one.attempts + row.attempts
    first = row.kind == "page" and row.step == 0 and row.sent_at is not None
    waits = ((one.queued, row.queued_at, row.sent_at), (one.arrived, row.sent_at, row.delivered_at),
             (one.first, row.queued_at, row.sent_at if first else None))
    for counter, start, end in waits:
        if start is not None and end is not None:
            took = str(max(0, int((end - start).total_seconds())))
            counter[took] = counter.get(took, 0) + 1
    if first:
        one.firsts, one.late = one.firsts + 1, one.late + ((row.sent_at - row.queued_at).total_seconds() >= TARGET + 1)
