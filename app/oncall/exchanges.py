"""What swaps and covers have in common: whose a span is, who may take it, and how it changes its owner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden
from app.core.forms import Problems
from app.identity.models import User
from app.identity.queries import allow, may, role_in
from app.oncall import overrides, rules
from app.oncall.exchange_rules import Span
from app.oncall.models import HandoverNote, Override, Schedule
from app.oncall.queries import inactive_of, named, people_in, plan_of, refuse_archived
from app.oncall.rows import override_of

NOTE_LIVES = timedelta(days=14)


def begin(schedule: Schedule, by: Actor) -> Schedule:
    """The schedule, ours until the transaction ends, if this person may exchange shifts in it, and it is in use."""
    allow(by, "shift.exchange", team_id=schedule.team_id)
    refuse_archived(schedule)
    return locked(Schedule, schedule.id) or schedule


def manages(schedule: Schedule, by: Actor) -> bool:
    """Whether this person decides about everybody's shifts."""
    return may(by, "schedule.edit", team_id=schedule.team_id)


def for_oneself(schedule: Schedule, owner: User, by: Actor) -> None:
    """Only the owner of a shift or a manager gives it away. Raises Forbidden."""
    if by.user_id != owner.id and not manages(schedule, by):
        raise Forbidden("Only whoever holds a shift, or a manager of its team, gives it away.")


def check_span(span: Span, now: datetime, problems: Problems, *, running: bool = False) -> None:
    """Add what is wrong with a span by itself; with `running` it may have begun."""
    start, end = span
    if start >= end:
        problems.add("ends", "The end lies before the start")
    elif (end if running else start) <= now:
        problems.add("starts", "This has been already" if running or end <= now else
                     "This shift has begun; ask for cover for the rest of it")


def fault_of_owner(schedule: Schedule, person: User, span: Span) -> str:
    """Why the person can't give the span away; "" when it is theirs from the first instant to the last."""
    if not person.is_active:
        return f"{person.name} is deactivated"
    if all(person.id in shift.people for shift in _shifts(schedule, span)):
        return ""
    return f"{person.name} is not on duty through all of this time"


def fault_of_taker(schedule: Schedule, person: User, span: Span) -> str:
    """Why the person can't take the span; "" when they can."""
    fault = fault_of_stand_in(schedule, person)
    if fault:
        return fault
    if any(person.id in shift.people for shift in _shifts(schedule, span)):
        return f"{person.name} is on duty then already"
    return ""


def fault_of_stand_in(schedule: Schedule, person: User) -> str:
    """Why the person can't take any shift of this schedule; "" when they can."""
    role = role_in(person, schedule.team_id)
    if not person.is_active:
        return f"{person.name} is deactivated"
    if role == "observer":
        return f"{person.name} observes {schedule.team.name} and takes no duty"
    if role is None and person.id not in people_in(plan_of(schedule)):
        return f"{person.name} is neither in {schedule.team.name} nor in this schedule"
    return ""


def stand_ins(schedule: Schedule) -> list[User]:
    """Everybody who could take a shift: responders and managers of the team, and who is in the schedule."""
    from_team = {member.user.id: member.user for member in schedule.team.memberships}
    in_plan = named(people_in(plan_of(schedule)))
    return sorted((one for one in {**in_plan, **from_team}.values() if not fault_of_stand_in(schedule, one)),
                  key=lambda one: (one.name, one.id))


def managers(schedule: Schedule) -> list[int]:
    """The managers of the owning team."""
    return sorted(member.user_id for member in schedule.team.memberships
                  if member.role == "manager" and member.user.is_active)


def hand(schedule: Schedule, giver: User, taker: User, span: Span, *, origin: str, reason: str) -> Override:
    """Put `taker` on duty in the place of `giver`. Raises Conflict where an override for everybody stands above."""
    made = Override(starts_at=span[0], ends_at=span[1], people=[taker.id], replaces_id=giver.id, created_by=origin,
                    reason=reason)
    other = overrides.conflicting(schedule, made)
    if other is not None:
        raise Conflict(f"This overlaps the override {overrides.in_words(other)}. Take that back first.",
                       {"override": {"id": str(other.id), **overrides.written(schedule, other)}})
    schedule.overrides.append(made)
    return made


def fault_of_hand(schedule: Schedule, giver: User, span: Span) -> str:
    """Why `hand` would refuse this span; "" when it would not."""
    asked = Override(starts_at=span[0], ends_at=span[1], people=[], replaces_id=giver.id)
    other = next((one for one in schedule.overrides if rules.conflicts(override_of(one), override_of(asked))), None)
    return f"This overlaps the override {overrides.in_words(other)}; take that back first" if other else ""


def take_back(schedule: Schedule, origin: str) -> None:
    """The overrides that came of this exchange go."""
    for one in [one for one in schedule.overrides if one.created_by == origin]:
        overrides.end(schedule, one)


def span_words(span: Span) -> str:
    """`2026-03-01 10:00 to 2026-03-02 10:00 UTC`."""
    return f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M} UTC"


def concerned(schedule: Schedule, people: Iterable[int]) -> list[str]:
    """The refs of the team and of these people."""
    return [schedule.team.ref, *(f"user:{person}" for person in sorted(set(people)))]


def facts(schedule: Schedule, what: str, tell: Iterable[int], by: Actor, **more: Any) -> dict[str, Any]:
    """What every event of an exchange says: `tell` are the people who learn of it, but for who did it."""
    return {"name": schedule.name, "key": schedule.key, "what": what,
            "tell": sorted(set(tell) - {by.user_id}), **more}


def moment() -> datetime:
    """Now, to the second."""
    return clock.now().replace(microsecond=0)


def _shifts(schedule: Schedule, span: Span) -> list[rules.Shift]:
    plan = plan_of(schedule)
    return rules.shifts(plan, *span, inactive=inactive_of(plan))


def notes(schedules: Iterable[int]) -> dict[int, HandoverNote]:
    """The newest note of each schedule, unless it is older than two weeks; one query."""
    found = select(HandoverNote).where(HandoverNote.schedule_id.in_(list(schedules)),
                                       HandoverNote.written_at > clock.now() - NOTE_LIVES).order_by(HandoverNote.id)
    return {one.schedule_id: one for one in session.scalars(found)}
