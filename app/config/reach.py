"""Whom nobody would hear of: services that an apply warns about, and what no apply may bring about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog.models import Service
from app.catalog.queries import visible
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.escalation import queries, targets
from app.escalation.rules import CATCH_ALL
from app.identity.models import Membership, Team, User
from app.identity.queries import visible_teams
from app.notifications.queries import reachable
from app.oncall.models import Schedule
from app.oncall.queries import shifts

AHEAD, WEEK = timedelta(days=14), timedelta(days=7)
Span = tuple[datetime, datetime]
Levels = Sequence[dict[str, Any]]


def unreachable(by: Actor) -> list[str]:
    """A sentence for each active service that `by` may see and whose policy reaches nobody right now."""
    active = select(Service).where(Service.lifecycle != "archived").options(joinedload(Service.team)).order_by(Service.key)
    services = session.scalars(visible(active, by))
    silent = {policy: not _anybody(levels) for policy, levels in _policies().items()}
    return [f"service {service.key}: its policy reaches nobody right now" for service in services
            if silent.get(_policy_of(service), False)]


def _policies() -> dict[int | None, Levels]:
    found: dict[int | None, Levels] = {None: queries.catch_all().levels}
    for policy in session.scalars(select(queries.Policy)):
        found[policy.id] = policy.levels
    return found


def _policy_of(service: Service) -> int | None:
    policy = queries.policy_for(service, service.team)
    return policy.id if policy else None


def _anybody(levels: Levels) -> bool:
    now = clock.now()
    return any(targets.resolve(level["targets"], now).people for level in levels)


def forsaken() -> dict[tuple[str, str], str]:
    """What no apply may bring about, by kind and key of whom to blame: a private team without anybody who sees its
    incidents, and a last resort that reaches nobody. That is judged by the week after the next, whatever the hour is now: a
    change of a schedule may begin with its next hand-off."""
    there = select(Membership.team_id).join(User, User.id == Membership.user_id).where(User.state != "deactivated")
    lonely = session.scalars(select(Team).where(Team.private, Team.archived_at.is_(None), Team.id.not_in(there)))
    found = {("teams", team.key): f"The private team {team.key} would have no members: nobody could see its incidents"
             for team in lonely}
    until = clock.now() + AHEAD
    since = until - WEEK
    if not any(True for level in queries.catch_all().levels for _ in _spans(level["targets"], since, until)):
        found["escalation_policies", CATCH_ALL] = (
            f"The policy {CATCH_ALL}, the last resort, would reach nobody in the week from {since:%-d %B} on")
    return found


def unattended(by: Actor) -> list[str]:
    """A sentence when there are hours in which the last resort, as `by` may see it, reaches nobody. Levels with a
    condition don't count: they are not for every incident."""
    policy, teams = queries.policy_by_key(CATCH_ALL), visible_teams(by)
    if policy is None or (teams is not None and policy.team_id not in (None, *teams)):
        return []
    now = clock.now()
    covered = [span for level in policy.levels if not level.get("when")
               for span in _spans(level["targets"], now, now + AHEAD)]
    gaps = _gaps(covered, now, now + AHEAD)
    if not gaps:
        return []
    hours = sum((end - start for start, end in gaps), timedelta()) / timedelta(hours=1)
    first = " to ".join(f"{at:%a %-d %b %H:%M}" for at in gaps[0])
    return [f"policy {CATCH_ALL}, the last resort: it reaches nobody for {max(1, round(hours))} hours of the next "
            f"{AHEAD.days} days, first from {first} UTC"]


def _spans(whom: Sequence[dict[str, Any]], since: datetime, until: datetime) -> Iterator[Span]:
    """When these targets mean somebody whom some method reaches."""
    rows = [one for one in whom if "schedule" in one and not one.get("next")]
    if targets.resolve([one for one in whom if one not in rows], since).people:
        yield since, until
    for one in rows:
        schedule = session.get(Schedule, one["schedule"])
        coming = shifts(schedule, since, until) if schedule is not None else []
        usable = reachable({int(person) for shift in coming for person in shift.people})
        yield from ((shift.start or since, shift.end or until) for shift in coming if usable & set(map(int, shift.people)))


def _gaps(covered: Sequence[Span], since: datetime, until: datetime) -> list[Span]:
    """What of `since` to `until` no span covers."""
    found, at = [], since
    for start, end in [*sorted(covered), (until, until)]:
        if start > at:
            found.append((at, start))
        at = max(at, end)
    return found
