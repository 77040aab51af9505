"""Reads on schedules: the plan that the pure rules answer from, who is on duty, and the schedule as a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Text, cast, select
from sqlalchemy.orm import selectinload

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, NotFound
from app.identity.models import User
from app.identity.queries import allow, visible_teams
from app.identity.rules import version_of
from app.oncall import rules, wallclock
from app.oncall.models import Holiday, ImportedShift, Layer, Override, Schedule
from app.oncall.presence import MANY, away_of
from app.oncall.rows import LAYER_COLUMNS, plan_from

_PAST = timedelta(days=400)
"""How far back overrides are read when many schedules are asked at once; no call reads further."""


def schedule_by_key(key: str) -> Schedule | None:
    """The schedule with this key."""
    return session.scalar(select(Schedule).where(Schedule.key == key.strip().lower()))


def schedule_for(key: str, by: Actor, action: str = "schedule.read") -> Schedule:
    """The schedule, if this person may do `action` with it. Raises NotFound, also for what is hidden; Forbidden; Conflict
    for everything but reading when it is archived."""
    schedule = schedule_by_key(key)
    if schedule is None:
        raise NotFound
    allow(by, action, team_id=schedule.team_id)
    if action != "schedule.read":
        refuse_archived(schedule)
    return schedule


def refuse_archived(schedule: Schedule) -> None:
    """Raise Conflict for an archived schedule: what has been stays as it is."""
    if schedule.archived_at is not None:
        raise Conflict(f"{schedule.name} is archived. Restore it before you change anything.")


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only schedules of teams this person may see."""
    teams = visible_teams(by)
    return query if teams is None else query.where(Schedule.team_id.in_(teams))


def in_use() -> Select[tuple[Schedule]]:
    """The schedules that are not archived."""
    return select(Schedule).where(Schedule.archived_at.is_(None))


def all_schedules(by: Actor) -> list[Schedule]:
    """Every schedule in use that this person may see, by name, with its team."""
    query = in_use().options(selectinload(Schedule.team)).order_by(Schedule.name, Schedule.id)
    return list(session.scalars(visible(query, by)))


def plan_of(schedule: Schedule) -> rules.Schedule:
    """The schedule as the pure rules read it."""
    plan = plan_from(schedule.time_zone, schedule.layers, schedule.overrides, schedule.imported)
    days = frozenset(date.fromisoformat(one.day) for one in schedule.holidays) if _by_holidays(plan) else frozenset()
    return replace(plan, away=away_of(people_in(plan)), holidays=days)


def on_duty(schedule: Schedule, at: datetime) -> rules.Shift:
    """The shift that runs at `at`: user ids, until when, by which layer. Nobody means a gap."""
    plan = plan_of(schedule)
    return rules.on_duty(plan, at, inactive=inactive_of(plan))


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[rules.Shift]:
    """Who is on duty from `start` until just before `end`: contiguous, clipped to it, gaps included."""
    plan = plan_of(schedule)
    return rules.shifts(plan, start, end, inactive=inactive_of(plan))


def shifts_of(schedules: Iterable[Schedule], start: datetime, end: datetime) -> dict[int, list[rules.Shift]]:
    """The same of many schedules, by the schedule's id; five queries, however many there are."""
    plans = plans_of(schedules, since=start)
    inactive = inactive_of(*plans.values())
    return {key: rules.shifts(plan, start, end, inactive=inactive) for key, plan in plans.items()}


def shifts_from_their_start(schedule: Schedule, start: datetime, end: datetime) -> list[rules.Shift]:
    """Like `shifts`, but the shift that runs at `start` has its true start."""
    plan = plan_of(schedule)
    inactive = inactive_of(plan)
    found = rules.shifts(plan, start, end, inactive=inactive)
    if found:
        begun = rules.on_duty(plan, start, inactive=inactive).start
        found[0] = replace(found[0], start=begun or found[0].start)
    return found


def override_for(schedule: Schedule, key: str) -> Override:
    """An override of this schedule by the id in an address. Raises NotFound."""
    found = session.get(Override, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    if found is None or found.schedule_id != schedule.id:
        raise NotFound
    return found


def on_duty_now(schedules: Iterable[Schedule], at: datetime) -> dict[int, rules.Shift]:
    """The shift of each schedule at `at`, by the schedule's id; five queries, however many there are."""
    plans = plans_of(schedules, since=at - _PAST)
    inactive = inactive_of(*plans.values())
    return {key: rules.on_duty(plan, at, inactive=inactive) for key, plan in plans.items()}


def plans_of(schedules: Iterable[Schedule], *, since: datetime) -> dict[int, rules.Schedule]:
    """The plans of many schedules by id, without the overrides and layers that ended before `since`; four queries."""
    wanted = {schedule.id: schedule.time_zone for schedule in schedules}
    few = len(wanted) <= MANY
    layers: dict[int, list[Layer]] = defaultdict(list)
    overrides: dict[int, list[Override]] = defaultdict(list)
    query = select(*LAYER_COLUMNS).order_by(Layer.schedule_id, Layer.position)
    query = query.where(Layer.until.is_(None) | (Layer.until > since))
    for layer in session.execute(query.where(Layer.schedule_id.in_(wanted)) if few else query):
        layers[layer.schedule_id].append(layer)  # type: ignore[arg-type]  # a row has the columns' names
    stand_ins = select(*Override.__table__.columns).where(Override.ends_at > since)
    for one in session.execute(stand_ins.where(Override.schedule_id.in_(wanted)) if few else stand_ins):
        overrides[one.schedule_id].append(one)  # type: ignore[arg-type]
    imported: dict[int, list[ImportedShift]] = defaultdict(list)
    read = select(*ImportedShift.__table__.columns).where(ImportedShift.ends_at > since).order_by(
        ImportedShift.starts_at)
    for shift in session.execute(read.where(ImportedShift.schedule_id.in_(wanted)) if few else read):
        imported[shift.schedule_id].append(shift)  # type: ignore[arg-type]
    plans = {key: plan_from(zone, layers[key], overrides[key], imported[key]) for key, zone in wanted.items()}
    for key, days in _holidays({key for key, plan in plans.items() if _by_holidays(plan)}).items():
        plans[key] = replace(plans[key], holidays=days)
    people = {key: people_in(plan) for key, plan in plans.items()}
    away = away_of(set().union(*people.values()))
    return {key: replace(plan, away=tuple(one for one in away if one.person in people[key])) if away else plan
            for key, plan in plans.items()}


def _by_holidays(plan: rules.Schedule) -> bool:
    return any(layer.holidays for layer in plan.layers)


def _holidays(wanted: set[int]) -> dict[int, frozenset[date]]:
    """The holidays of these schedules; no query for none."""
    found: dict[int, set[date]] = defaultdict(set)
    query = select(Holiday.schedule_id, Holiday.day).where(Holiday.schedule_id.in_(wanted))
    for key, day in session.execute(query) if wanted else ():
        found[key].add(date.fromisoformat(day))
    return {key: frozenset(days) for key, days in found.items()}


def naming(person: int) -> set[int]:
    """The ids of the schedules whose rows may name this person, and few more: what there is to look at more closely."""
    named_in = ((Layer, Layer.turns), (Override, Override.people), (ImportedShift, ImportedShift.people))
    return {key for model, column in named_in for key in session.scalars(
        select(model.schedule_id).where(cast(column, Text).contains(str(person))).distinct())}


def inactive_of(*plans: rules.Schedule) -> frozenset[int]:
    """Those people of the plans who are deactivated, but for those of whom the plans know since when; one query."""
    gone = select(User.id).where(User.state != "active")
    people = {person for plan in plans for person in people_in(plan)} if len(plans) <= MANY else set()
    if 0 < len(people) <= MANY:
        gone = gone.where(User.id.in_(people))
    known = {one.person for plan in plans for one in plan.away if one.until is None}
    return frozenset(session.scalars(gone)) - known


def people_in(plan: rules.Schedule) -> set[int]:
    """Everybody whom the layers and overrides of a plan name."""
    people = {person for layer in plan.layers for turn in layer.turns for person in turn}
    people.update(person for layer in plan.layers for span in layer.fixed or () for person in span[2])
    for one in plan.overrides:
        people.update(one.people, () if one.replaces is None else (one.replaces,))
    return people


def named(ids: Iterable[int]) -> dict[int, User]:
    """The people with these ids."""
    wanted = set(ids)
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(wanted)))} if wanted else {}


def latest(schedule: Schedule) -> list[Layer]:
    """The last word on each layer that was not removed, lowest precedence first; it may take effect only later."""
    return sorted((layer for layer in schedule.layers if layer.until is None), key=lambda one: one.position)


def schedule_document(schedule: Schedule) -> dict[str, Any]:
    """The schedule as the configuration document writes it: local times, people by e-mail; the last word on its
    layers, without what was before."""
    return schedule_documents([schedule])[0]


def schedule_documents(schedules: Iterable[Schedule]) -> list[dict[str, Any]]:
    """The same of many, whose people are read at once."""
    found = list(schedules)
    people = {person for one in found for layer in latest(one) for turn in layer.turns for person in turn}
    people |= {person for one in found for shift in one.overrides for person in (*shift.people, shift.replaces_id) if person}
    emails = {key: user.email for key, user in named(people).items()}
    return [_document(one, emails) for one in found]


def _document(schedule: Schedule, emails: Mapping[int, str]) -> dict[str, Any]:
    zone, overrides = ZoneInfo(schedule.time_zone), sorted(schedule.overrides, key=lambda one: (one.starts_at, one.id))
    rare = {"calendars": [{"use": one.use} for one in schedule.calendars]} if schedule.calendars else {}
    return {"key": schedule.key, "name": schedule.name, "team": schedule.team.key, "time_zone": schedule.time_zone,
            "layers": [layer_document(layer, emails) for layer in latest(schedule)],
            "overrides": [override_document(one, emails, zone) for one in overrides], **rare}


def mark_of(document: Mapping[str, Any]) -> str:
    """A short mark of what an editor of the schedule looks at: overrides, which come and go, are no part of it."""
    return version_of({name: value for name, value in document.items() if name != "overrides"})


def layer_document(layer: Layer, emails: Mapping[int, str]) -> dict[str, Any]:
    """A layer as the document writes it; what is rare stands there only where it is so."""
    rare: dict[str, Any] = {"time_zone": layer.time_zone} if layer.time_zone else {}
    if layer.skip_inactive:
        rare["skip_inactive"] = True
    if layer.holidays:
        rare["holidays"] = layer.holidays
    if layer.first_turn:
        rare["first_turn"] = layer.first_turn
    return {"name": layer.name, "starts": layer.starts, "ends": layer.ends,
            "rotation": {"every": layer.every, "unit": layer.unit},
            "participants": [[emails[person] for person in turn] for turn in layer.turns],
            "restrictions": [dict(one) for one in layer.restrictions], **rare}


def override_document(override: Override, emails: Mapping[int, str], zone: ZoneInfo) -> dict[str, Any]:
    """An override as the document writes it; `replaces` and `reason` only where there are any."""
    starts, ends = (wallclock.local_text(at, zone) for at in (override.starts_at, override.ends_at))
    written: dict[str, Any] = {"starts": starts, "ends": ends, "people": [emails[one] for one in override.people]}
    if override.replaces_id is not None:
        written["replaces"] = emails[override.replaces_id]
    if override.reason:
        written["reason"] = override.reason
    return written
