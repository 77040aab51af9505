"""Commands on schedules. Each works under the lock of the schedule's row, so that no two overrides can conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, NotFound
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, refuse, time_zone
from app.core.panels import panels
from app.identity.models import Team, User
from app.identity.queries import allow, team_by_key
from app.identity.rules import version_of
from app.oncall import drafts, events, overrides
from app.oncall.models import Layer, Override, Schedule
from app.oncall.queries import schedule_by_key, schedule_document

Values = Mapping[str, Any]


def save_schedule(values: Values, *, by: Actor, seen: str = "", new: bool = False) -> Schedule:
    """Create or change the schedule `values["key"]`; only what is named changes, but `layers` is the whole list.

    `overrides` are added to those that people made; the ones a document made before and names no more are taken
    back. `seen` is the `version_of` its document that the editor looked at: a newer one raises Conflict; a key that is
    taken is refused when `new`. Raises Invalid with paths like `layers[0].rotation.every`.
    """
    problems = Problems()
    key = problems.take("key", check_key, values.get("key"))
    schedule = schedule_by_key(key) if key else None
    if schedule is not None:
        if new:
            refuse("key", "There is a schedule with this key already")
        schedule = locked(Schedule, schedule.id) or schedule
        allow(by, "schedule.edit", team_id=schedule.team_id)
    before = schedule_document(schedule) if schedule else {}
    clean = _checked(values, schedule, by, problems)
    zone = clean.get("time_zone") or (schedule.time_zone if schedule else "UTC")
    people = drafts.people_named([values.get("layers"), values.get("overrides")])
    layers = drafts.layers(values["layers"], zone, people, problems) if values.get("layers") is not None else None
    stand_ins = (drafts.overrides(values["overrides"], ZoneInfo(zone), people, problems, clock.now())
                 if values.get("overrides") is not None else None)
    problems.raise_if_any()
    if seen and seen != version_of(before):
        raise Conflict("Somebody else changed this schedule meanwhile. Look at it again before you save.", state=before)
    schedule = _stored(schedule, str(key), clean)
    if layers is not None:
        _set_layers(schedule, layers)
    if stand_ins is not None:
        _set_overrides(schedule, stand_ins, problems)
    session.flush()
    _tell(schedule, before, by)
    return schedule


def _checked(values: Values, schedule: Schedule | None, by: Actor, problems: Problems) -> dict[str, Any]:
    """The clean values of the plain columns that are named."""
    clean: dict[str, Any] = {}
    if "name" in values or schedule is None:
        clean["name"] = problems.take("name", check_text, values.get("name"), least=1, most=100, label="The name")
    if "time_zone" in values or schedule is None:
        clean["time_zone"] = problems.take("time_zone", time_zone, values.get("time_zone"))
    if "team" in values or schedule is None:
        clean["team"] = problems.take("team", _team, values.get("team"), schedule=schedule)
        if clean["team"] is not None:
            allow(by, "schedule.edit", team_id=clean["team"].id)
    return clean


def _team(key: object, *, schedule: Schedule | None) -> Team:
    team = team_by_key(key) if isinstance(key, str) else None
    if team is None or (team.archived_at is not None and (schedule is None or schedule.team_id != team.id)):
        raise ValueError(f"There is no team {key}" if key else "A schedule needs a team")
    return team


def _stored(schedule: Schedule | None, key: str, clean: dict[str, Any]) -> Schedule:
    if schedule is None:
        schedule = Schedule(key=key, layers=[], overrides=[], **clean)
        try:
            with session.begin_nested():
                session.add(schedule)
        except IntegrityError:
            raise Conflict(f"There is a schedule {key} already") from None
    for name, value in clean.items():
        if getattr(schedule, name) != value:
            setattr(schedule, name, value)
    return schedule


COLUMNS = ("position", "name", "time_zone", "starts", "ends", "every", "unit", "turns", "restrictions",
           "skip_inactive")


def _set_layers(schedule: Schedule, drafted: list[Layer]) -> None:
    """Make the layers those of the draft; a row stays the same layer by its name, else by its place."""
    left = list(schedule.layers)
    kept: dict[int, Layer] = {}
    for sign in ("name", "position"):
        for place, draft in enumerate(drafted):
            match = next((old for old in left if place not in kept and getattr(old, sign) == getattr(draft, sign)),
                         None)
            if match is not None:
                left.remove(match)
                kept[place] = match
    rows = []
    for place, draft in enumerate(drafted):
        row = kept.get(place, draft)
        for name in COLUMNS:
            if getattr(row, name) != getattr(draft, name):
                setattr(row, name, getattr(draft, name))
        rows.append(row)
    schedule.layers = rows


def _set_overrides(schedule: Schedule, wanted: list[Override], problems: Problems) -> None:
    """Add the overrides that are not there yet; take back those that only an earlier document wanted."""
    now = clock.now()
    present = {overrides.same(one): one for one in schedule.overrides}
    named = {overrides.same(one) for one in wanted}
    for key, old in present.items():
        if old.created_by == drafts.DOCUMENT and key not in named and old.ends_at > now:
            overrides.end(schedule, old)
    for place, new in enumerate(wanted):
        standing = present.get(overrides.same(new))
        if standing is not None:
            standing.reason = new.reason
            continue
        other = overrides.conflicting(schedule, new)
        if other is not None:
            problems.add(f"overrides[{place}].starts", f"This overlaps the override {overrides.in_words(other)}")
        schedule.overrides.append(new)
    problems.raise_if_any()


def add_override(schedule: Schedule, *, starts: datetime | None, ends: datetime, people: Sequence[User],
                 replaces: User | None = None, reason: str = "", confirmed: bool = False, by: Actor) -> Override:
    """Put `people` on duty from `starts` (None: now) to `ends`, for `replaces` or for everybody.

    Raises Invalid for the past and for one that would leave nobody on duty unless `confirmed`; Conflict, naming the
    other, when it overlaps an override for the same person or for everybody.
    """
    alone = [person.id for person in people] == [by.user_id]
    allow(by, "schedule.override_self" if alone else "schedule.edit", team_id=schedule.team_id)
    schedule = locked(Schedule, schedule.id) or schedule
    now, problems = clock.now(), Problems()
    made = Override(starts_at=_beginning(starts, now, problems), ends_at=ends,
                    people=list(dict.fromkeys(person.id for person in people)),
                    replaces_id=replaces.id if replaces else None, created_by=by.ref,
                    reason=problems.take("reason", check_text, reason, most=drafts.REASON, label="The reason") or "")
    for place, person in enumerate(people):
        if not person.is_active:
            problems.add(f"people[{place}]", f"{person.name} is deactivated")
    drafts.check_override(made, now, problems)
    problems.raise_if_any()
    _refuse_conflict(schedule, made)
    if not made.people and not confirmed and overrides.widens_gap(schedule, made):
        refuse("confirmed", "This leaves nobody on duty for a while. Confirm that you want it so")
    schedule.overrides.append(made)
    session.flush()
    record(events.OVERRIDE_ADDED, schedule.ref, by=by, also=overrides.concerned(schedule, made), name=schedule.name,
           what=overrides.in_words(made), after=overrides.written(schedule, made))
    return made


def remove_override(override: Override, *, by: Actor) -> None:
    """Take an override back: one that runs ends now and what has been stays; one to come is deleted."""
    alone = list(override.people) == [by.user_id]
    allow(by, "schedule.override_self" if alone else "schedule.edit", team_id=override.schedule.team_id)
    schedule = locked(Schedule, override.schedule_id) or override.schedule
    override = session.get(Override, override.id, populate_existing=True) or _gone()
    if override.ends_at <= clock.now():
        raise Conflict("This override is over; what has been stays as it was.")
    before, what = overrides.written(schedule, override), overrides.in_words(override)
    also = overrides.concerned(schedule, override)
    stays = overrides.end(schedule, override)
    session.flush()
    record(events.OVERRIDE_REMOVED, schedule.ref, by=by, also=also, name=schedule.name, what=what, before=before,
           after=overrides.written(schedule, override) if stays else None)


def _gone() -> NoReturn:
    raise NotFound("Somebody else took this override back already.")


def remove_schedule(schedule: Schedule, *, by: Actor) -> None:
    """Delete a schedule that nothing uses. Raises Conflict naming what does."""
    allow(by, "schedule.edit", team_id=schedule.team_id)
    schedule = locked(Schedule, schedule.id) or schedule
    users = [name for names in panels("schedule_used_by", schedule).values() for name in names]
    if users:
        raise Conflict(f"{schedule.name} is used by {', '.join(users)}", {"used_by": users})
    record(events.REMOVED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name,
           before=schedule_document(schedule))
    session.delete(schedule)
    session.flush()


def _beginning(starts: datetime | None, now: datetime, problems: Problems) -> datetime:
    """When an override begins: the past is refused, but for the minute that runs while somebody types, which is now."""
    if starts is None or now - timedelta(minutes=1) < starts <= now:
        return now.replace(microsecond=0)
    if starts < now:
        problems.add("starts", "This has been already; an override begins now or later")
    return starts


def _refuse_conflict(schedule: Schedule, made: Override) -> None:
    other = overrides.conflicting(schedule, made)
    if other is not None:
        raise Conflict(f"This overlaps the override {overrides.in_words(other)}. Take that back first, or choose "
                       "other times.", {"override": {"id": str(other.id), **overrides.written(schedule, other)}})


def _tell(schedule: Schedule, before: dict[str, Any], by: Actor) -> None:
    """Record what is different from `before`, if anything is."""
    after = schedule_document(schedule)
    if not before:
        record(events.CREATED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name, after=after)
    elif after != before:
        record(events.CHANGED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name, before=before,
               after=after)
