"""Hand-offs as they happen: each is stated once, with the note that one person on duty leaves for the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Forbidden
from app.core.events import Event, record
from app.core.forms import check_text, refuse
from app.identity.queries import allow, may
from app.oncall import events, queries, rules
from app.oncall.exchanges import concerned, managers
from app.oncall.exchanges import notes as notes
from app.oncall.gaps import Gap, gaps, unknown
from app.oncall.models import Duty, HandoverNote, Schedule

AT_LEAST = timedelta(days=30)
"""Even where no change is in sight the clock looks again after this time."""
GAPS_AHEAD, REMINDED_EVERY = timedelta(days=30), timedelta(days=7)
LONGEST_NOTE, MOST_KEPT = 4000, 50


def due(limit: int = 100) -> list[int]:
    """The schedules at which the clock has to look: never looked at, or the time has come."""
    found = select(Schedule.id).outerjoin(Duty, Duty.schedule_id == Schedule.id).where(
        Schedule.archived_at.is_(None), Duty.id.is_(None) | (Duty.look_at <= clock.now())).order_by(Schedule.id).limit(limit)
    return list(session.scalars(found))


def look(schedule_id: int) -> bool:
    """State the hand-off that happened since the last look, however many there were: who is on duty now counts."""
    schedule, now = session.get(Schedule, schedule_id), clock.now()
    if schedule is None:
        return False
    duty = session.scalar(select(Duty).where(Duty.schedule_id == schedule_id))
    shift = queries.on_duty(schedule, now)
    look_at = _next_change(schedule, shift, now)
    if duty is None:
        return _first(Duty(schedule_id=schedule_id, people=list(shift.people), look_at=look_at))
    duty = locked(Duty, duty.id) or duty
    former, duty.look_at = list(duty.people), look_at
    if set(former) == set(shift.people):
        return False
    duty.people = list(shift.people)
    names = {key: user.name for key, user in queries.named({*former, *shift.people}).items()}
    record(events.HANDED_OVER, schedule.ref, by=SYSTEM, also=concerned(schedule, {*former, *shift.people}),
           name=schedule.name, key=schedule.key, before=[names[one] for one in former],
           after=[names[one] for one in shift.people] or ["nobody"],
           incoming=[one for one in shift.people if one not in former],
           outgoing=[one for one in former if one not in shift.people],
           until=clock.rfc3339(shift.end) if shift.end else "")
    return True


def _next_change(schedule: Schedule, shift: rules.Shift, now: datetime) -> datetime:
    """When other people come on duty; a change of the deciding layer alone is no hand-off."""
    for following in queries.shifts(schedule, shift.end or now, now + AT_LEAST):
        if following.start and set(following.people) != set(shift.people):
            return following.start
    return now + AT_LEAST


def _first(duty: Duty) -> bool:
    try:
        with session.begin_nested():
            session.add(duty)
    except IntegrityError:
        pass  # another clock was faster
    return False


def postpone(schedule_id: int, _fault: Exception) -> None:
    """Who is on duty can't be worked out: it is looked at again in a minute."""
    session.execute(update(Duty).where(Duty.schedule_id == schedule_id).values(look_at=clock.now() + timedelta(minutes=1)))


def look_soon(schedule_id: int | None) -> None:
    """What is known of this schedule, or of all, may be out of date."""
    changed = update(Duty).values(look_at=clock.now())
    session.execute(changed if schedule_id is None else changed.where(Duty.schedule_id == schedule_id))


def leave_note(schedule: Schedule, body: str, *, by: Actor) -> HandoverNote:
    """A note for whoever comes next, from somebody on duty or a manager. Raises Invalid, Forbidden."""
    allow(by, "shift.exchange", team_id=schedule.team_id)
    on_duty = by.user_id in queries.on_duty(schedule, clock.now()).people
    if by.user_id is None or not (on_duty or may(by, "schedule.edit", team_id=schedule.team_id)):
        raise Forbidden("Whoever is on duty leaves the note.")
    try:
        text = check_text(body, least=1, most=LONGEST_NOTE, label="The note")
    except ValueError as fault:
        refuse("body", str(fault))
    note = HandoverNote(schedule_id=schedule.id, author_id=by.user_id, body=text)
    session.add(note)
    session.flush()
    record(events.NOTE_LEFT, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name, key=schedule.key)
    return note


def watch_gaps(keys: Sequence[int]) -> int:
    """State gaps of these schedules in the next 30 days: those that a change has made, all of them every week, and that all
    are closed."""
    now, done = clock.now(), 0
    schedules = {one.id: one for one in session.scalars(queries.in_use().where(Schedule.id.in_(keys)))}
    plans = queries.plans_of(schedules.values(), since=now)
    inactive = queries.inactive_of(*plans.values())
    told = _last_told([one.ref for one in schedules.values()])
    for key, plan in plans.items():
        done += _watched(schedules[key], gaps(plan, now, now + GAPS_AHEAD, inactive), told.get(schedules[key].ref), now)
    return done


def _watched(schedule: Schedule, found: list[Gap], last: Event | None, now: datetime) -> bool:
    known = [(datetime.fromisoformat(one[0]), datetime.fromisoformat(one[1])) for one in last.data["gaps"]] if last else []
    seen_until = datetime.fromisoformat(last.data["until"]) if last else now
    fresh = unknown(found, known, seen_until)
    weekly = bool(found) and last is not None and bool(known) and last.at + REMINDED_EVERY <= now
    memory = {"name": schedule.name, "key": schedule.key, "until": (now + GAPS_AHEAD).isoformat(),
              "gaps": [[gap.start.isoformat(), gap.end.isoformat(), gap.cause] for gap in found[:MOST_KEPT]]}
    if fresh or weekly:
        # Of what a deactivation opens the managers are told in the moment it happens.
        silent = not weekly and all(gap.cause == "somebody is deactivated" for gap in fresh)
        record(events.GAPS_FOUND, schedule.ref, by=SYSTEM, also=[schedule.team.ref], **memory,
               what=_words(fresh or found), why="week" if weekly else "change", tell=[] if silent else managers(schedule))
    elif known and not found:
        record(events.GAPS_CLOSED, schedule.ref, by=SYSTEM, also=[schedule.team.ref], **memory)
    return bool(fresh or weekly or (known and not found))


def _last_told(refs: Sequence[str]) -> dict[str, Event]:
    """The last fact about gaps of each of these schedules."""
    kinds = (events.GAPS_FOUND.name, events.GAPS_CLOSED.name)
    found = session.scalars(select(Event).where(Event.kind.in_(kinds), Event.subject.in_(refs),
                                                Event.at > clock.now() - 2 * AT_LEAST).order_by(Event.id))
    return {one.subject: one for one in found}


def _words(found: list[Gap]) -> str:
    first = found[0]
    more = f", and {len(found) - 1} more times in 30 days" if len(found) > 1 else ""
    return f"from {first.start:%Y-%m-%d %H:%M} to {first.end:%Y-%m-%d %H:%M} UTC ({first.cause}){more}"
