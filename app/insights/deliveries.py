"""How messages fared: closed hours as they were summed, later ones counted one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select, true

from app.core.access import Actor
from app.core.db import session
from app.core.events import Event
from app.identity.queries import allow, visible_teams
from app.incidents.models import Incident
from app.insights.filters import Filters
from app.insights.models import DeliverySum
from app.insights.queries import team_for
from app.insights.rules import HOUR, TARGET, Stats, added, stats
from app.insights.sums import ALIKE, FIRST, between, counts, firsts, reached, sums, waited
from app.notifications.events import PROVIDER_FAILED, PROVIDER_LEFT_OUT
from app.notifications.models import Message

OVER = 50
FAILED, LEFT_OUT = PROVIDER_FAILED.name, PROVIDER_LEFT_OUT.name
COLUMNS = (DeliverySum.channel, DeliverySum.provider, DeliverySum.state, DeliverySum.reason, DeliverySum.number,
           DeliverySum.attempts, DeliverySum.queued, DeliverySum.arrived, DeliverySum.first)


@dataclass(frozen=True)
class Channel:
    """How messages of one channel and provider fared."""

    channel: str
    provider: str
    states: dict[str, int]
    attempts: int
    queued: Stats
    arrived: Stats
    number: int = 0


@dataclass(frozen=True)
class Trouble:
    """How often calls of a provider's account failed and it was left out for that; when that happened last."""

    channel: str
    account: str
    name: str
    failures: int
    left_out: int
    last: datetime


@dataclass(frozen=True)
class Delivery:
    """How messages fared: by channel, why they failed, how long first pages took; the last hours in which these came after
    the target: when, how many, and their p99 in seconds; and the providers that failed, whoever's messages these were."""

    channels: list[Channel]
    reasons: list[tuple[str, int]]
    first: Stats
    over: list[tuple[int, int, int]]
    troubles: list[Trouble]


def delivery(filters: Filters, by: Actor) -> Delivery:
    """How the messages that were queued in the period fared: closed hours as they were summed, later ones as they are."""
    allow(by, "incident.read")
    since, until, summed = int(filters.since.timestamp()), int(filters.until.timestamp()), reached()
    mine = _seen(DeliverySum.team_id, filters, by)
    closed = session.execute(select(*COLUMNS).where(between(since, until, summed), mine))
    start = max(since, summed.get(1, 0) * HOUR)
    among = _seen(Incident.team_id, filters, by)
    going_on = sums(start, until, apart=ALIKE, among=among) if start < until else []
    hours = firsts(start, until, among) if start < until else {}
    over = _over([mine, DeliverySum.span == 1], since, min(start, until))
    return _delivery([*closed, *going_on], _late(hours, over, mine), _troubles(filters))


def _troubles(filters: Filters) -> list[Trouble]:
    """From the log, as it grows: another provider that takes over leaves no trace at the message."""
    inner = select(Event.kind, Event.subject, Event.at, Event.data["channel"].as_string().label("channel"),
                   Event.data["provider"].as_string().label("name")).where(
        Event.kind.in_([FAILED, LEFT_OUT]), Event.at >= filters.since, Event.at < filters.until).subquery()
    by = inner.c.channel, inner.c.subject, inner.c.name
    found = session.execute(select(
        *by, func.sum(case((inner.c.kind == FAILED, 1), else_=0)), func.sum(case((inner.c.kind == LEFT_OUT, 1), else_=0)),
        func.max(inner.c.at)).group_by(*by).order_by(*by))
    return [Trouble(row[0], row[1].partition(":")[2], row[2], int(row[3]), int(row[4]), row[5]) for row in found]


def late(hour: int, filters: Filters, by: Actor) -> list[Any]:
    """The first pages of an hour that were handed over after the target, as far as their messages are kept: at most 500, in
    the order in which they were queued."""
    allow(by, "incident.read")
    took = waited(Message.queued_at, Message.sent_at)
    return [*session.execute(select(
        Message.queued_at, Message.channel, Message.provider, Message.attempts, Message.incident_id, Incident.title,
        took.label("took")).outerjoin(Incident, Incident.id == Message.incident_id).where(
        *counts(hour, hour + HOUR), FIRST, took > TARGET, _seen(Incident.team_id, filters, by)).order_by(
        Message.queued_at, Message.id).limit(500))]


def _late(going_on: Mapping[int, Mapping[int, int]], closed: Sequence[int],
          mine: ColumnElement[bool]) -> list[tuple[int, int, int]]:
    """Of hours that go on, and of closed ones."""
    found: dict[int, list[Mapping[Any, int]]] = {hour: [counted] for hour, counted in going_on.items()}
    for hour, first in session.execute(select(DeliverySum.hour, DeliverySum.first).where(
            DeliverySum.hour.in_(closed), DeliverySum.span == 1, DeliverySum.firsts > 0, mine)):
        found.setdefault(hour, []).append(first)
    counted = [(hour, stats(added(some))) for hour, some in sorted(found.items())]
    return [(hour, one.count, one.p99) for hour, one in counted if one.p99 is not None and one.p99 > TARGET][-OVER:]


def _over(mine: Sequence[ColumnElement[bool]], since: int, until: int) -> list[int]:
    """The last closed hours, from `since` until just before `until`, of whose first pages more than one in a hundred came
    after the target. An hour that is closed just now, and was looked up as it went on, is none of these."""
    found, few = list[int](), [*session.scalars(select(DeliverySum.hour).distinct().where(
        DeliverySum.late > 0, *mine, DeliverySum.hour >= since, DeliverySum.hour < until).order_by(
        DeliverySum.hour.desc()).limit(10 * OVER))]
    while few and len(found) < OVER:
        some, few = few[:2 * OVER], few[2 * OVER:]
        found += session.scalars(select(DeliverySum.hour).where(DeliverySum.hour.in_(some), *mine).group_by(
            DeliverySum.hour).having(func.sum(DeliverySum.late) > func.sum(DeliverySum.firsts) / 100).order_by(
            DeliverySum.hour.desc()))
    return found[:OVER]


def _seen(team: Any, filters: Filters, by: Actor) -> ColumnElement[bool]:
    """Messages of teams that the filters choose, of those the reader may see; `team` is the column that says whose."""
    if filters.team:
        return team.in_([team_for(filters.team, by).id])
    teams = visible_teams(by)
    return true() if teams is None else or_(team.in_(teams), team.is_(None))


def _delivery(rows: list[Any], over: list[tuple[int, int, int]], troubles: list[Trouble]) -> Delivery:
    found: dict[tuple[str, str], list[Any]] = {}
    reasons: dict[str, int] = {}
    for one in rows:
        found.setdefault((one.channel, one.provider), []).append(one)
        if one.reason:
            reasons[one.reason] = reasons.get(one.reason, 0) + one.number
    return Delivery([_channel(*key, some) for key, some in sorted(found.items())],
                    sorted(reasons.items(), key=lambda one: (-one[1], one[0]))[:20],
                    stats(added(one.first for one in rows)), over, troubles)


def _channel(channel: str, provider: str, rows: Iterable[Any]) -> Channel:
    some, states = list(rows), dict[str, int]()
    for one in some:
        states[one.state] = states.get(one.state, 0) + one.number
    return Channel(channel, provider, states, sum(one.attempts for one in some), stats(added(one.queued for one in some)),
                   stats(added(one.arrived for one in some)), sum(states.values()))
