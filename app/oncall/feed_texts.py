"""What stands in the calendar that somebody subscribed to: the shifts as the rules answer them, gaps as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask import current_app

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.shadow import standing
from app.identity.models import Team, User
from app.identity.queries import may
from app.oncall import queries, rules
from app.oncall.calendar_models import CalendarFeed
from app.oncall.ical import Entry, written
from app.oncall.models import Schedule

BACK, AHEAD = timedelta(days=30), timedelta(days=181)
GONE = "There is no such calendar."


@dataclass(frozen=True)
class Subject:
    """What a feed is about: its name, its schedules, and whose shifts alone, if anybody's."""

    name: str
    schedules: list[Schedule]
    person: int | None = None


def reader(user: User) -> Actor:
    """The person as whom a calendar program reads."""
    return Actor(user.ref, user.name, via="calendar", user_id=user.id)


def subject_of(what: str, user: User) -> Subject:
    """What `me`, `schedule:3` or `team:2` is to this person. Raises NotFound, also for what they may not see."""
    by, (kind, _, key) = reader(user), what.partition(":")
    if not may(by, "own.read"):
        raise NotFound(GONE)
    if kind == "me":
        return Subject("My shifts", queries.all_schedules(by), user.id)
    number = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0
    if kind == "schedule":
        schedule = session.get(Schedule, number)
        if schedule is not None and may(by, "schedule.read", team_id=schedule.team_id):
            return Subject(schedule.name, [schedule])
    team = session.get(Team, number) if kind == "team" else None
    if team is None or not may(by, "schedule.read", team_id=team.id):
        raise NotFound(GONE)
    found = session.scalars(queries.in_use().where(Schedule.team_id == team.id).order_by(Schedule.name))
    return Subject(team.name, list(found))


def text_of(feed: CalendarFeed) -> bytes:
    """The whole calendar, from 30 days ago to 180 days ahead. Raises NotFound for what its owner may not see."""
    today = datetime.combine(clock.now().date(), time(), clock.now().tzinfo)
    name, entries = entries_of(feed.what, feed.user, today - BACK, today + AHEAD)
    return written(f"{name} · on call", entries)


def shifts_of(user: User, start: datetime, end: datetime) -> tuple[list[Entry], list[Entry]]:
    """A person's entries, those of teams that are in shadow apart. Raises NotFound."""
    dark = standing()
    _, live = entries_of("me", user, start, end, wanted=lambda one: f"team:{one.team_id}" not in dark)
    return live, entries_of("me", user, start, end, wanted=lambda one: f"team:{one.team_id}" in dark)[1] if dark else []


def entries_of(what: str, user: User, start: datetime, end: datetime, *,
               wanted: Callable[[Schedule], bool] = lambda _: True) -> tuple[str, list[Entry]]:
    """The name of a calendar, and its entries of the schedules that are `wanted`, as far as they touch [start, end), with
    their true edges. Raises NotFound."""
    subject = subject_of(what, user)
    plans = queries.plans_of(subject.schedules, since=start)
    inactive = queries.inactive_of(*plans.values())
    people = {key: user.name for key, user in queries.named(
        person for plan in plans.values() for person in queries.people_in(plan)).items()}
    whose, entries = f"p{user.id}" if what == "me" else "all", []
    for schedule in subject.schedules:
        plan = plans[schedule.id]
        if not wanted(schedule) or (subject.person is not None and subject.person not in queries.people_in(plan)):
            continue
        shifts = rules.whole_shifts(plan, start, end, inactive=inactive)
        spans = shifts if subject.person is None else spans_of(shifts, subject.person)
        entries += [_entry(schedule, one, people, what, whose=whose) for one in spans]
    return subject.name, entries


def spans_of(shifts: Iterable[rules.Shift], person: int) -> Iterator[rules.Shift]:
    """The spans in which one person is on duty without a break, whoever else is."""
    held: rules.Shift | None = None
    for shift in shifts:
        if person not in shift.people:
            continue
        if held is not None and held.end == shift.start:
            held = rules.Shift(held.start, shift.end, held.people, held.layer)
            continue
        if held is not None:
            yield held
        held = shift
    if held is not None:
        yield held


def _entry(schedule: Schedule, shift: rules.Shift, people: dict[int, str], what: str, *, whose: str) -> Entry:
    assert shift.start is not None and shift.end is not None
    names = ", ".join(people[person] for person in shift.people)
    title = f"On duty: {schedule.name}" if what == "me" else names if shift.people else f"Nobody on duty: {schedule.name}"
    if what.startswith("team:") and shift.people:
        title = f"{schedule.name}: {names}"
    why = f"by {shift.layer}" if shift.layer else "a gap: nobody is paged here"
    today = datetime.combine(clock.now().date(), time(), clock.now().tzinfo)
    return Entry(f"schedule-{schedule.id}-{shift.start:%Y%m%dT%H%M%SZ}-{whose}@oncall", shift.start, shift.end, title,
                 f"{schedule.name}, {why}" + (f"\nOn duty: {names}" if names else ""),
                 f"{current_app.config['BASE_URL']}/schedules/{schedule.key}", today)
