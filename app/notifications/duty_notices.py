"""Notices of hand-offs: a day before, at the start with the note and what is open, at the end; each as a person chose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.events import Event
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications import queries, service
from app.notifications.compose import seal_data
from app.notifications.duty_wishes import choices
from app.oncall import queries as schedules
from app.oncall import rules as duty
from app.oncall.handover import notes
from app.oncall.models import Schedule

AHEAD = timedelta(hours=24)
FORTNIGHT = timedelta(days=14)
OPEN = ("triggered", "acknowledged")
MOST_SHOWN = 10


def tell_of_handover(event: Event) -> None:
    """`schedule.handed_over`: whoever comes on duty and whoever goes."""
    schedule = session.get(Schedule, int(event.subject.partition(":")[2]))
    if schedule is None:
        return
    incoming, outgoing = event.data["incoming"], event.data["outgoing"]
    wanted = choices([*incoming, *outgoing])
    until = event.data["until"]
    begun = f"You are on duty in {schedule.name}" + (f" until {_said(until)}" if until else "")
    said = service.tell(_people(one for one in incoming if wanted[one]["start"]), kind="shift",
                        cause=f"event:{event.id}", reason=begun, scope=f"team:{schedule.team_id}")
    for message in said:
        seal_data(message, _handed(schedule))
    after = " and ".join(event.data["after"])
    service.tell(_people(one for one in outgoing if wanted[one]["end"]), kind="shift", cause=f"event:{event.id}:end",
                 reason=f"Your shift in {schedule.name} is over; {after} took over", scope=f"team:{schedule.team_id}")


def look_ahead(keys: Sequence[int]) -> int:
    """A day ahead in these schedules: whoever comes on duty is told, and managers when nobody does; each shift and gap
    once. Every week managers learn of people on duty whom no page can reach."""
    now = clock.now()
    every = {one.id: one for one in session.scalars(schedules.in_use().where(Schedule.id.in_(keys)))}
    plans = schedules.plans_of(every.values(), since=now)
    inactive = schedules.inactive_of(*plans.values())
    return sum(_ahead(every[key], plan, now, inactive) for key, plan in plans.items())


def _ahead(schedule: Schedule, plan: duty.Schedule, now: datetime, inactive: frozenset[int]) -> int:
    shifts = duty.shifts(plan, now, now + AHEAD, inactive=inactive)
    written = 0
    for before, shift in zip(shifts, shifts[1:], strict=False):
        assert shift.start is not None
        key = f"{schedule.id}:{shift.start:%Y-%m-%dT%H:%M}"
        if not shift.people:
            written += len(service.tell(_people(_managers(schedule)), kind="gap", cause=f"gap-ahead:{key}", reason=(
                f"Nobody is on duty in {schedule.name} from {_said(clock.rfc3339(shift.start))}, in less than a day"),
                scope=f"team:{schedule.team_id}"))
        coming = [one for one in shift.people if one not in before.people]
        wanted = choices(coming) if coming else {}
        written += len(service.tell(
            _people(one for one in coming if wanted[one]["before"]), kind="shift", cause=f"shift-ahead:{key}",
            reason=f"Your shift in {schedule.name} begins {_said(clock.rfc3339(shift.start))}",
            scope=f"team:{schedule.team_id}"))
    return written + _unreachable(schedule, plan, now, inactive)


def unreachable(plan: duty.Schedule, now: datetime, inactive: frozenset[int]) -> set[int]:
    """Who is on duty in the next two weeks and has no proven way to be reached."""
    people = {one for shift in duty.shifts(plan, now, now + FORTNIGHT, inactive=inactive) for one in shift.people}
    return people - queries.reachable(people)


def _unreachable(schedule: Schedule, plan: duty.Schedule, now: datetime, inactive: frozenset[int]) -> int:
    written, week = 0, "{}-{}".format(*now.isocalendar()[:2])
    for person in _people(unreachable(plan, now, inactive)):
        written += len(service.tell(
            _people(_managers(schedule)), kind="unreachable", cause=f"unreachable:{schedule.id}:{person.id}:{week}",
            reason=f"{person.name} is on duty in {schedule.name} within two weeks and can't be paged",
            scope=f"team:{schedule.team_id}"))
    return written


def _handed(schedule: Schedule) -> dict[str, Any]:
    """What the next person needs to know: the note, and what is open in the team."""
    note = notes([schedule.id]).get(schedule.id)
    found = session.scalars(select(Incident).where(Incident.team_id == schedule.team_id, Incident.status.in_(OPEN),
                                                   ~Incident.test).order_by(Incident.id.desc()).limit(MOST_SHOWN))
    return {"note": note.body if note else "", "author": note.author.name if note else "",
            "incidents": [f"#{one.id} {one.title} ({one.status})" for one in found], "key": schedule.key}


def _managers(schedule: Schedule) -> list[int]:
    return [one.user_id for one in schedule.team.memberships if one.role == "manager"]


def _people(ids: Iterable[int]) -> list[User]:
    wanted = list(ids)
    return list(session.scalars(select(User).where(User.id.in_(wanted), User.state == "active").order_by(User.id)
                                )) if wanted else []


def _said(instant: str) -> str:
    return f"{datetime.fromisoformat(instant.replace('Z', '+00:00')):%a %Y-%m-%d %H:%M} UTC"
