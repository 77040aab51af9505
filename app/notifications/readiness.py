"""Who can't be reached and why: people on duty in the next two weeks first, those with trouble before the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.access import OPERATOR, Actor
from app.core.db import session
from app.identity.models import Membership, Team, User
from app.identity.queries import managed_teams
from app.notifications import rules
from app.notifications.models import ContactMethod, Message, NotificationRule
from app.oncall import queries as schedules
from app.oncall import rules as duty

FORTNIGHT = timedelta(days=14)
DONE = ("sent", "delivered", "failed")


@dataclass(frozen=True)
class MethodState:
    """One contact method of somebody, its address left out; `state` is proven, unproven, disabled or failing."""

    name: str
    channel: str
    state: str
    last: datetime | None


@dataclass(frozen=True)
class PersonState:
    """How one person can be reached; without `problems` all is well."""

    id: int
    name: str
    email: str
    teams: list[str]
    on_duty: bool
    methods: list[MethodState]
    problems: list[str]


@dataclass(frozen=True)
class ReadinessPage:
    """All people whom the reader answers for, filtered; `trouble` is how many of all can't be relied on."""

    people: list[PersonState]
    everybody: int
    trouble: int
    q: str
    only: str


def readiness_page(by: Actor, args: Mapping[str, str]) -> ReadinessPage:
    """The people narrowed to a word and, with `only=trouble` or `only=duty`, to those."""
    found, q, only = people(by), args.get("q", "").strip(), args.get("only", "")
    shown = [one for one in found if q.casefold() in f"{one.name} {' '.join(one.teams)}".casefold()
             and (only != "trouble" or one.problems) and (only != "duty" or one.on_duty)]
    return ReadinessPage(shown, len(found), sum(bool(one.problems) for one in found), q, only)


def people(by: Actor) -> list[PersonState]:
    """Everybody for an admin, the members of their teams for a manager; trouble on duty first."""
    teams = managed_teams(by)
    query = select(User).where(User.state == "active")
    if teams is not None:
        query = query.where(User.id.in_(select(Membership.user_id).where(Membership.team_id.in_(teams))))
    users = list(session.scalars(query.order_by(User.name)))
    ids = [user.id for user in users]
    known = _Known(_methods(ids), _last_two(ids), _teams(ids, teams), _on_duty(), _own_rules(ids))
    found = [_state(user, known) for user in users]
    return sorted(found, key=lambda one: (not (one.problems and one.on_duty), not one.problems, one.name))


def ailments() -> list[str]:
    """A sentence for each person who is on duty within two weeks and can't be paged."""
    return [f"{one.name} is on duty within two weeks and can't be paged: {one.problems[0][0].lower()}{one.problems[0][1:]}. "
            "They prove a contact method under their profile, or somebody takes the shift."
            for one in people(OPERATOR) if one.on_duty and not any(method.state == "proven" for method in one.methods)]


@dataclass(frozen=True)
class _Known:
    methods: Mapping[int, list[ContactMethod]]
    last: Mapping[int, list[tuple[str, str, datetime | None]]]
    teams: Mapping[int, list[str]]
    on_duty: set[int]
    own_rules: Mapping[int, set[int]]


def _state(user: User, known: _Known) -> PersonState:
    methods = [_method(one, known.last.get(one.id, [])) for one in known.methods.get(user.id, [])]
    on_duty = user.id in known.on_duty
    usable = {one.id for one in known.methods.get(user.id, []) if one.usable}
    own = known.own_rules.get(user.id, set())
    problems = list(rules.reach_problems([(one.name, one.state) for one in methods], on_duty=on_duty))
    if own and not own & usable and usable:
        problems.append("Their own rules name nothing that works: the usual ones count")
    return PersonState(user.id, user.name, user.email, known.teams.get(user.id, []), on_duty, methods, problems)


def _method(method: ContactMethod, last: list[tuple[str, str, datetime | None]]) -> MethodState:
    state = "proven" if method.usable else "disabled" if method.disabled_at else "unproven"
    if state == "proven" and len(last) == 2 and all(word == "failed" for word, _, _ in last):
        state = "failing"
    reached = [at for word, _, at in last if word != "failed" and at is not None]
    return MethodState(method.name, method.channel, state, max([*reached, *filter(None, (method.last_delivered_at,))],
                                                              default=None))


def _methods(ids: Iterable[int]) -> dict[int, list[ContactMethod]]:
    found: dict[int, list[ContactMethod]] = defaultdict(list)
    for method in session.scalars(select(ContactMethod).where(
            ContactMethod.user_id.in_(list(ids)), ContactMethod.removed_at.is_(None)).order_by(ContactMethod.id)):
        found[method.user_id].append(method)
    return found


def _last_two(ids: Iterable[int]) -> dict[int, list[tuple[str, str, datetime | None]]]:
    """State, error and time of the two newest messages of each method."""
    place = func.row_number().over(partition_by=Message.method_id, order_by=Message.id.desc()).label("place")
    newest = select(Message.method_id, Message.state, Message.error, Message.sent_at, place).where(
        Message.user_id.in_(list(ids)), Message.state.in_(DONE),
        Message.queued_at > clock.now() - timedelta(days=90)).subquery()
    found: dict[int, list[tuple[str, str, datetime | None]]] = defaultdict(list)
    for method, state, error, at in session.execute(select(
            newest.c.method_id, newest.c.state, newest.c.error, newest.c.sent_at).where(newest.c.place <= 2)):
        found[method].append((state, error, at))
    return found


def _teams(ids: Iterable[int], teams: set[int] | None) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(Membership.user_id, Team.name).join(Team, Team.id == Membership.team_id).where(
        Membership.user_id.in_(list(ids))).order_by(Team.name)
    for user_id, name in session.execute(query if teams is None else query.where(Team.id.in_(teams))):
        found[user_id].append(name)
    return found


def _on_duty() -> set[int]:
    """Who is on duty at some time in the next two weeks."""
    now = clock.now()
    plans = schedules.plans_of(session.scalars(schedules.in_use()).all(), since=now)
    inactive = schedules.inactive_of(*plans.values())
    return {one for plan in plans.values() for shift in duty.shifts(plan, now, now + FORTNIGHT, inactive=inactive)
            for one in shift.people}


def _own_rules(ids: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for user_id, method in session.execute(select(NotificationRule.user_id, NotificationRule.method_id).where(
            NotificationRule.user_id.in_(list(ids)), NotificationRule.urgency == "high")):
        found[user_id].add(method)
    return found


def document(one: PersonState) -> dict[str, Any]:
    """The person for machines; no address but that of the account."""
    return {"user": {"email": one.email, "name": one.name}, "teams": one.teams, "on_duty": one.on_duty,
            "problems": one.problems, "methods": [
                {"name": method.name, "channel": method.channel, "state": method.state,
                 "last_reached_at": clock.rfc3339(method.last)} for method in one.methods]}
