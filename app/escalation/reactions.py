"""What escalation does because something happened to an incident."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.events import Event, sentence
from app.escalation import answers, holds, queries, service
from app.escalation.models import Run
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.models import Message
from app.notifications.queries import usable
from app.notifications.service import UNDER_WAY, Paging, ask, page, plain_message
from app.oncall import queries as schedules
from app.oncall import rules as duty
from app.oncall.models import Schedule

AHEAD = timedelta(days=30)


def _incident(event: Event) -> Incident:
    return incidents.lock(int(event.subject.partition(":")[2]))


def begin(event: Event) -> None:
    """`incident.opened` by hand or by machine: the same start as the ingest road takes; a second one does nothing."""
    service.start(_incident(event))


def begin_again(event: Event) -> None:
    """Given back or reopened: from the first level, unless a run has begun since."""
    incident = _incident(event)
    run = queries.running(incident.id)
    if run is not None and run.started_at >= incident.triggered_at:
        return
    service.void(incident)
    service.start(incident)


def stop(event: Event) -> None:
    """Acknowledged, resolved or snoozed: the run reads `voided`, if the incident is still so."""
    incident = _incident(event)
    if incident.status != "triggered" or incident.snoozed_until is not None:
        service.void(incident)
        holds.drop(incident)


def watch_answer(event: Event) -> None:
    """Acknowledged, or said to be still in hand: from now on the time until the question counts."""
    answers.watch(_incident(event))


def let_go(event: Event) -> None:
    """A window changed or ended, or an incident is over: what was held because of it is looked at now."""
    holds.look_again(event.subject)


def weigh_anew(event: Event) -> None:
    """A worse severity may be held by less: its hold is looked at now."""
    holds.look_again_at(int(event.subject.partition(":")[2]))


def page_again(event: Event) -> None:
    """`incident.severity_raised`: everybody paged in this round is paged anew by the rules of the new severity; who
    acknowledged is asked. Timers stay; a run that began since has paged by it already."""
    incident = _incident(event)
    if incident.status == "acknowledged" and incident.acknowledged_by != event.actor:
        key = (incident.acknowledged_by or "").partition("user:")[2]
        ask(incident, _active([int(key)] if key else []), reason=sentence(event), cause=f"event:{event.id}")
    run = queries.running(incident.id) if incident.status == "triggered" and not incident.snoozed_until else None
    if run is None or run.started_at > event.at:
        return
    people = _active(session.scalars(select(Message.user_id).where(
        Message.run_id == run.id, Message.round == run.round, Message.kind == "page")))
    page(incident, people, Paging(run_id=run.id, level=run.level, round=run.round, again=f"event:{event.id}",
                                  reasons=dict.fromkeys([one.id for one in people], sentence(event))))


def _active(ids: Iterable[int]) -> list[User]:
    return list(session.scalars(select(User).where(User.id.in_(set(ids)), User.state == "active").order_by(User.id)))


def revive(event: Event) -> None:
    """`incident.undone`: a run that the taken-back move ended goes on as it stood; nobody is paged anew."""
    incident = _incident(event)
    run = queries.latest(incident.id)
    waits = incident.status == "triggered" and incident.snoozed_until is None
    if waits and run is not None and run.state == "voided" and run.started_at >= incident.triggered_at:
        run.state, run.ended_at = "running", None


def restart_timer(event: Event) -> None:
    """The present level's clock restarts."""
    service.restart_timer(_incident(event))


def skip_unreachable(event: Event) -> None:
    """`message.unreachable`: when nobody of the level is left, the next one is due now."""
    data = event.data
    if data.get("run") is not None and data.get("alone"):
        service.hurry(int(event.subject.partition(":")[2]), data["run"], data["level"], data["round"])


def hand_on(event: Event) -> None:
    """`user.deactivated`: where a level paged nobody but them, the next one is due now."""
    user = _person(event)
    if user.is_active:
        return
    theirs = select(Message.run_id).where(Message.user_id == user.id, Message.run_id.is_not(None))
    for run in list(session.scalars(select(Run).where(Run.state == "running", Run.id.in_(theirs)).order_by(
            Run.incident_id))):
        level = select(Message.user_id).where(Message.run_id == run.id, Message.level == run.level,
                                              Message.round == run.round)
        paged = set(session.scalars(level))
        left = set(session.scalars(level.where(Message.state.in_(("queued", *UNDER_WAY))))) - {user.id}
        if user.id in paged and not left:
            service.hurry(run.incident_id, run.id, run.level, run.round)


def tell_of_gaps(event: Event) -> None:
    """`user.deactivated`: the managers of each team whose schedule has nobody at some time now are told when."""
    user, now = _person(event), clock.now()
    plans = {} if user.is_active else schedules.plans_of(session.scalars(schedules.in_use()).all(), since=now)
    for key in sorted(key for key, plan in plans.items() if user.id in schedules.people_in(plan)):
        schedule = session.get_one(Schedule, key)
        gap = next(_new_gaps(plans[key], user), None)
        managers = [member.user_id for member in schedule.team.memberships
                    if member.role == "manager" and member.user.is_active]
        for method in [] if gap is None else [one for found in usable(managers).values() for one in found]:
            since = max(gap.start or now, now)
            for message in plain_message("gap", method, once=f"gap:{event.id}:{schedule.id}:{method.id}"):
                message.scope = f"team:{schedule.team_id}"
                message.reason = f"{user.name} was deactivated, so nobody is on duty in {schedule.name} from " \
                                 f"{since:%Y-%m-%d %H:%M} UTC"


def _new_gaps(plan: duty.Schedule, user: User) -> Iterator[duty.Shift]:
    """When nobody is on duty in the next 30 days that would not be so with `user`."""
    now, inactive = clock.now(), schedules.inactive_of(plan)
    present = replace(plan, away=tuple(one for one in plan.away if one.person != user.id))
    for shift in duty.shifts(plan, now, now + AHEAD, inactive=inactive):
        if not shift.people and duty.on_duty(present, shift.start or now, inactive=inactive - {user.id}).people:
            yield shift


def _person(event: Event) -> User:
    return session.get_one(User, int(event.subject.partition(":")[2]))
