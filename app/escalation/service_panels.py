"""What escalation adds to the pages of services: who is paged now, level by level, and by which policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog.models import Service
from app.core import clock
from app.escalation import queries, targets
from app.escalation.known import Known, read_ahead

CATCH_ALL = 0  # the id of no policy


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
    known, levels, waited = Known(clock.now()), [], 0
    for number, level in enumerate(frozen.levels, 1):
        found = targets.whom(level, known.at, known=known)
        after = "at once" if waited == 0 else f"after {_words(waited)}"
        levels.append(Level(number, after, known.names(found.people), "; ".join(found.problems), targets.words(found)))
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
    """Whom each service would page first, by its id; policies and people are read at once."""
    counting = queries.policies_of(services)
    policies = {policy.id: queries.frozen(policy) for policy in counting.values() if policy}
    if None in counting.values():
        policies[CATCH_ALL] = queries.catch_all()
    known = read_ahead((level for policy in policies.values() for level in policy.levels), clock.now())
    first = {key: _first(policy, known) for key, policy in policies.items()}
    return {key: first[policy.id if policy else CATCH_ALL] for key, policy in counting.items()}


def _first(policy: queries.Frozen, known: Known) -> list[str]:
    found = (known.names(targets.whom(level, known.at, known=known).people) for level in policy.levels)
    return next((names for names in found if names), [])


def _words(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
