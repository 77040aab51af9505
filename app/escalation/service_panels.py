"""What escalation adds to the pages of services: who is paged now, level by level, and by which policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.catalog.models import Service
from app.core import clock
from app.core.db import session
from app.escalation import queries, targets
from app.identity.models import User


@dataclass(frozen=True)
class Level:
    """Who a level means right now and when it is paged; `why` says why it means nobody, `posts` where it is posted."""

    number: int
    after: str
    people: list[str]
    why: str
    posts: str = ""


@dataclass(frozen=True)
class OnDuty:
    """The panel of a service's page; `origin` says where the policy comes from."""

    levels: list[Level]
    policy: str
    origin: str
    template: str = "panels/service-on-duty.html"
    rail: bool = True


@dataclass(frozen=True)
class DutyColumn:
    """The column of the directory: names of the first level that means somebody, by service id."""

    cells: dict[int, list[str]]
    heading: str = "On duty now"
    template: str = "panels/services-on-duty.html"


def on_duty(service: Service) -> OnDuty:
    """Level by level the people whom the next page would reach now."""
    policy = queries.policy_for(service, service.team)
    frozen = queries.frozen(policy) if policy else queries.catch_all()
    origin = ("its own" if policy.id == service.policy_id else "inherited from the team") if policy else "the catch-all"
    levels, waited = [], 0
    for number, level in enumerate(frozen.levels, 1):
        found = targets.whom(level, clock.now())
        after = "at once" if waited == 0 else f"after {_words(waited)}"
        levels.append(Level(number, after, _names(found), "; ".join(found.problems), targets.words(found)))
        waited += int(level["timeout"])
    return OnDuty(levels, frozen.name, origin)


def in_words(service: Service) -> str:
    """`Inherited from the team: pages Bob at once, Ana after 5 min.`, for the form of the service."""
    found = on_duty(service)
    told = [f"{' and '.join(level.people) or 'nobody'}{_beside(level)} {level.after}" for level in found.levels]
    return f"Policy {found.policy}, {found.origin}: pages {', '.join(told) or 'nobody'}."


def _beside(level: Level) -> str:
    return f", with {level.posts}," if level.posts else ""


def on_duty_of(services: Sequence[Service]) -> DutyColumn:
    """The column of the directory."""
    return DutyColumn(duty_of(services))


def duty_of(services: Sequence[Service]) -> dict[int, list[str]]:
    """Whom each service would page first, by its id; services with one policy are asked for once."""
    known: dict[int | None, list[str]] = {}
    cells: dict[int, list[str]] = {}
    for service in services:
        policy = queries.policy_for(service, service.team)
        key = policy.id if policy else None
        if key not in known:
            known[key] = _first(queries.frozen(policy) if policy else queries.catch_all())
        cells[service.id] = known[key]
    return cells


def _first(policy: queries.Frozen) -> list[str]:
    found = (_names(targets.whom(level, clock.now())) for level in policy.levels)
    return next((names for names in found if names), [])


def _words(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"


def _names(found: targets.Resolved) -> list[str]:
    people = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(found.people)))}
    return [people[key] for key in found.people if key in people]
