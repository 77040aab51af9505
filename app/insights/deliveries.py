"""How messages fared: closed hours as they were summed, later ones counted one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import or_, select

from app.core.access import Actor
from app.core.db import session
from app.identity.queries import allow, visible_teams
from app.insights.filters import Filters
from app.insights.models import DeliverySum
from app.insights.queries import team_for
from app.insights.rollups import closed_until, sums
from app.insights.rules import Stats, added, stats


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
class Delivery:
    """How messages fared: by channel, why they failed, and the first pages hour by hour."""

    channels: list[Channel]
    reasons: list[tuple[str, int]]
    first: Stats
    hours: list[tuple[int, int, int]] = field(default_factory=list)


def delivery(filters: Filters, by: Actor) -> Delivery:
    """How the messages that were queued in the period fared: closed hours as they were summed, later ones as they are."""
    allow(by, "incident.read")
    since, until, closed = int(filters.since.timestamp()), int(filters.until.timestamp()), closed_until()
    teams = {team_for(filters.team, by).id} if filters.team else visible_teams(by)
    query = select(DeliverySum).where(DeliverySum.hour >= since, DeliverySum.hour < min(until, closed))
    if teams is not None:
        query = query.where(or_(DeliverySum.team_id.in_(teams), DeliverySum.team_id.is_(None)))
    rows = list(session.scalars(query)) + (sums(max(since, closed), until, teams) if until > closed else [])
    return _delivery([one for one in rows if not filters.team or one.team_id in (teams or ())])


def _delivery(rows: list[DeliverySum]) -> Delivery:
    found: dict[tuple[str, str], list[DeliverySum]] = {}
    reasons: dict[str, int] = {}
    hours: dict[int, list[DeliverySum]] = {}
    for one in rows:
        found.setdefault((one.channel, one.provider), []).append(one)
        hours.setdefault(one.hour, []).append(one)
        if one.reason:
            reasons[one.reason] = reasons.get(one.reason, 0) + one.number
    slow = [(hour, (first := stats(added(one.first for one in some))).count, first.p99 or 0) for hour, some in hours.items()]
    return Delivery([_channel(*key, some) for key, some in sorted(found.items())],
                    sorted(reasons.items(), key=lambda one: (-one[1], one[0]))[:20],
                    stats(added(one.first for one in rows)), sorted(one for one in slow if one[1]))


def _channel(channel: str, provider: str, rows: list[DeliverySum]) -> Channel:
    states: dict[str, int] = {}
    for one in rows:
        states[one.state] = states.get(one.state, 0) + one.number
    return Channel(channel, provider, states, sum(one.attempts for one in rows), stats(added(one.queued for one in rows)),
                   stats(added(one.arrived for one in rows)), sum(states.values()))
