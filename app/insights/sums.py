"""Sums of messages: hour by hour once an hour is over for good, and of longer spans made of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, delete, func, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.core import clock
from app.core.db import session, transaction
from app.incidents.models import Incident
from app.insights.models import DeliverySum, ReadUntil
from app.insights.rules import HOUR, SPANS, TARGET, cover, instant
from app.notifications.models import Message
from app.notifications.rules import SELF_TEST

CLOSED_AFTER = timedelta(hours=48)
"""Reports on messages come within two days: then an hour's sums are final."""
AT_ONCE = 5000
NAMES = {"hours" if span == 1 else f"hours-{span}": span for span in SPANS}
"""The places up to which there are sums of each span."""
FIRST = (Message.kind == "page") & (Message.step == 0) & Message.sent_at.is_not(None)
WAITS = ("queued", "arrived", "first")
COUNTS = ("number", "attempts", "firsts", "late")


class seconds(FunctionElement[int]):
    """Whole seconds from 1970 to an instant."""

    type = BigInteger()
    inherit_cache = True


class waited(FunctionElement[int]):
    """Whole seconds between two instants; NULL where one is missing."""

    type = BigInteger()
    inherit_cache = True


@compiles(seconds)
def _seconds(one: Any, compiler: Any, **more: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {compiler.process(one.clauses, **more)})) AS BIGINT)"


@compiles(seconds, "sqlite")
def _seconds_of_text(one: Any, compiler: Any, **more: Any) -> str:
    return f"CAST(STRFTIME('%s', {compiler.process(one.clauses, **more)}) AS INTEGER)"


@compiles(waited)
def _waited(one: Any, compiler: Any, **more: Any) -> str:
    start, end = (compiler.process(side, **more) for side in one.clauses)
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM ({end} - {start}))) AS BIGINT)"


@compiles(waited, "sqlite")
def _waited_of_texts(one: Any, compiler: Any, **more: Any) -> str:
    start, end = (f"(CAST(STRFTIME('%s', {text}) AS INTEGER) * 1000000 + CAST(SUBSTR({text}, 21, 6) AS INTEGER))"
                  for text in (compiler.process(side, **more) for side in one.clauses))
    return f"(({end} - {start}) / 1000000)"


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
        if gone := _throw_away():  # by whoever makes them again, and was not done or ended before
            return gone
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
    """Throw all sums away, a few in each transaction, so that they are made again from the first message on; those too that
    are made meanwhile."""
    gone = AT_ONCE
    while gone == AT_ONCE:
        with transaction():
            for name in NAMES:
                mark(name).value = 0
            gone = _throw_away()


def _throw_away() -> int:
    return session.execute(delete(DeliverySum).where(DeliverySum.id.in_(
        select(DeliverySum.id).order_by(DeliverySum.id).limit(AT_ONCE)))).rowcount  # type: ignore[attr-defined,no-any-return]


def reached() -> dict[int, int]:
    """Up to which hour since 1970 there are sums of each span: later messages are counted one by one."""
    return {NAMES[name]: value for name, value in session.execute(select(ReadUntil.name, ReadUntil.value).where(
        ReadUntil.name.in_(NAMES)))}


def between(since: int, until: int, summed: Mapping[int, int]) -> ColumnElement[bool]:
    """The sums that together are those of all hours from `since` until just before `until`, as few as there can be;
    `summed` is what `reached` said."""
    parts = cover(-(-since // HOUR), -(-until // HOUR), summed)
    return or_(DeliverySum.id < 0, *(and_(
        DeliverySum.span == span, DeliverySum.hour >= start * HOUR, DeliverySum.hour < end * HOUR)
        for span, start, end in parts))


ALIKE = ("channel", "provider", "state", "reason")
EACH = ("hour", "team_id", *ALIKE)
"""By what messages are told apart: on pages, and in what is stored."""


def sums(since: int, until: int, *, apart: Sequence[str] = EACH,
         among: ColumnElement[bool] | None = None) -> list[DeliverySum]:
    """The sums of the messages queued from `since` until just before `until`, those told apart that differ in what `apart`
    names; not stored. The database counts: it answers with a row for each way of having waited, not for each message."""
    known: dict[str, ColumnElement[Any]] = {
        "hour": seconds(Message.queued_at) // HOUR, "team_id": Incident.team_id, "channel": Message.channel,
        "provider": Message.provider, "state": Message.state,
        "reason": case((Message.state == "failed", func.substr(Message.error, 1, 100)), else_="")}
    waits = [waited(Message.queued_at, Message.sent_at), waited(Message.sent_at, Message.delivered_at),
             case((FIRST, 1), else_=0)]
    found: dict[tuple[Any, ...], DeliverySum] = {}
    for *key, queued, arrived, first, number, attempts in _grouped(
            since, until, [known[name] for name in apart] + waits, true() if among is None else among):
        said = dict(zip(apart, key, strict=True))
        one = found.get(tuple(key)) or found.setdefault(tuple(key), _nothing(
            said.get("hour", 0) * HOUR, 1, (said.get("team_id"), *(said.get(name, "") for name in ALIKE))))
        one.number, one.attempts = one.number + number, one.attempts + int(attempts)
        _count(one, (queued, arrived, queued if first else None), number)
    return list(found.values())


def firsts(since: int, until: int, among: ColumnElement[bool]) -> dict[int, dict[int, int]]:
    """For each hour (seconds since 1970) that goes on: how many first pages were handed over after how many seconds."""
    found: dict[int, dict[int, int]] = {}
    keys = [seconds(Message.queued_at) // HOUR, waited(Message.queued_at, Message.sent_at)]
    for hour, took, number, _ in _grouped(since, until, keys, FIRST & among):
        found.setdefault(hour * HOUR, {})[max(0, took)] = number + found.get(hour * HOUR, {}).get(max(0, took), 0)
    return found


def _grouped(since: int, until: int, keys: Sequence[ColumnElement[Any]], among: ColumnElement[bool]) -> Any:
    inner = select(*(one.label(f"k{place}") for place, one in enumerate(keys)), Message.attempts).outerjoin(
        Incident, Incident.id == Message.incident_id).where(*counts(since, until), among).subquery()
    by = [*inner.c][:-1]
    return session.execute(select(*by, func.count(), func.sum(inner.c.attempts)).group_by(*by))


def counts(since: int, until: int) -> list[ColumnElement[bool]]:
    """When a message, beside its incident if it has one, is in the figures of a period."""
    return [Message.queued_at >= instant(since), Message.queued_at < instant(until),
            Message.kind.not_in(("test", SELF_TEST)), Message.state != "unsent",
            (Incident.id.is_(None)) | (~Incident.test & ~Incident.in_shadow)]


def _count(one: DeliverySum, took: Sequence[int | None], number: int) -> None:
    for counter, wait in zip((one.queued, one.arrived, one.first), took, strict=True):
        if wait is not None:
            counter[str(max(0, wait))] = counter.get(str(max(0, wait)), 0) + number
    if (first := took[2]) is not None:
        one.firsts, one.late = one.firsts + number, one.late + (number if first > TARGET else 0)
