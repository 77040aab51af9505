"""Commands on schedules. Each works under the lock of the schedule's row, so that no two overrides can conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, NotFound
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, refuse
from app.identity.models import User
from app.identity.queries import allow, uses
from app.oncall import drafts, editing, events, imports, overrides
from app.oncall.models import Override, Schedule
from app.oncall.preview import Preview
from app.oncall.queries import mark_of, refuse_archived, schedule_by_key, schedule_document
from app.oncall.versions import When

Values = Mapping[str, Any]


def save_schedule(values: Values, *, by: Actor, seen: str = "", new: bool = False, when: When = None) -> Schedule:
    """Create or change the schedule `values["key"]`; only what is named changes, but `layers` is the whole list.

    Layers change from `when` on, what has been stays. `overrides` are added to those that people made; the ones a
    document made before and names no more are taken back. `seen` is the `mark_of` its document that the editor looked
    at: a newer one raises Conflict with both; a key that is taken is refused when `new`. Raises Invalid with paths
    like `layers[0].rotation.every`.
    """
    problems = Problems()
    key = problems.take("key", check_key, values.get("key"))
    schedule = schedule_by_key(key) if key else None
    if schedule is not None:
        if new:
            refuse("key", "There is a schedule with this key already")
        schedule = locked(Schedule, schedule.id) or schedule
        allow(by, "schedule.edit", team_id=schedule.team_id)
    wish = editing.read(values, schedule, by, problems)
    editing.check_when(when, clock.now(), problems)
    problems.raise_if_any()
    if schedule is None:
        return _created(str(key), wish, by)
    if seen and seen != mark_of(schedule_document(schedule)):
        raise Conflict("Somebody else changed this schedule meanwhile. Look at what stands now before you save.",
                       state={"current": schedule_document(schedule), "yours": dict(values)})
    _change(schedule, wish, when, by)
    return schedule


def preview_schedule(schedule: Schedule, values: Values, *, by: Actor, when: When = None) -> Preview:
    """What `save_schedule` of these values would change, for those who may save them; stores nothing."""
    allow(by, "schedule.edit", team_id=schedule.team_id)
    problems = Problems()
    wish = editing.read(values, schedule, by, problems)
    editing.check_when(when, clock.now(), problems)
    problems.raise_if_any()
    return editing.planned(schedule, wish, when)


def preview_new(values: Values, *, by: Actor) -> tuple[Schedule, Preview]:
    """The schedule that these values would make, not stored, and its spans as what would be added. Raises Invalid."""
    problems = Problems()
    problems.take("key", check_key, values.get("key"))
    wish = editing.read(values, None, by, problems)
    problems.raise_if_any()
    schedule = Schedule(layers=[], overrides=[], versions=[], calendars=[], imported=[],
                        name=wish.columns["name"], time_zone=wish.columns["time_zone"])
    return schedule, editing.planned(schedule, wish, None)


def put_back(schedule: Schedule, number: int, *, by: Actor, when: When = "now") -> Schedule:
    """Make a version of the schedule count again, from `when` on: what has been stays. Raises NotFound, Invalid."""
    allow(by, "schedule.edit", team_id=schedule.team_id)
    schedule = locked(Schedule, schedule.id) or schedule
    version = next((one for one in schedule.versions if one.number == number), None)
    if version is None:
        raise NotFound("There is no such version.")
    problems = Problems()
    editing.check_when(when, clock.now(), problems)
    problems.raise_if_any()
    _change(schedule, editing.wish_of(version), when, by)
    return schedule


def _created(key: str, wish: editing.Wish, by: Actor) -> Schedule:
    schedule = Schedule(key=key, layers=[], overrides=[], versions=[], **wish.columns)
    try:
        with session.begin_nested():
            session.add(schedule)
    except IntegrityError:
        raise Conflict(f"There is a schedule {key} already") from None
    editing.store(schedule, wish, editing.after(schedule, wish, None, clock.now()))
    _set_overrides(schedule, wish.overrides or [])
    session.flush()
    imports.store(schedule, wish.calendars or {})
    editing.keep(schedule, {}, by, "")
    record(events.CREATED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name,
           after=schedule_document(schedule))
    return schedule


def _change(schedule: Schedule, wish: editing.Wish, when: When, by: Actor) -> None:
    """Make the schedule what is wished and tell what is different, if anything is."""
    before, kept = schedule_document(schedule), editing.content(schedule)
    present = editing.versions_of(schedule)
    versions = editing.after(schedule, wish, when, clock.now())
    note = editing.effects(present, versions, wish.zone)
    editing.store(schedule, wish, versions)
    for name, value in wish.columns.items():
        if getattr(schedule, name) != value:
            setattr(schedule, name, value)
    if wish.overrides is not None:
        _set_overrides(schedule, wish.overrides)
    moved = wish.calendars is not None and imports.store(schedule, wish.calendars)
    session.flush()
    if note or kept != editing.content(schedule):
        editing.keep(schedule, kept, by, note)
    if note or moved or before != schedule_document(schedule):
        record(events.CHANGED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name, before=before,
               after=schedule_document(schedule), takes_effect=note)


def _set_overrides(schedule: Schedule, wanted: list[Override]) -> None:
    """Add the overrides that are not there yet; take back those that only an earlier document wanted."""
    now, problems = clock.now(), Problems()
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
    refuse_archived(schedule)
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


def preview_override(schedule: Schedule, made: Override, *, by: Actor) -> Preview:
    """What an override would change in 8 weeks, from now or from its start when that lies further ahead; stores
    nothing. Raises Conflict as making it would."""
    alone = list(made.people) == [by.user_id]
    allow(by, "schedule.override_self" if alone else "schedule.edit", team_id=schedule.team_id)
    problems = Problems()
    _beginning(made.starts_at, clock.now(), problems)
    drafts.check_override(made, clock.now(), problems)
    problems.raise_if_any()
    _refuse_conflict(schedule, made)
    return editing.with_override(schedule, made)


def remove_override(override: Override, *, by: Actor) -> None:
    """Take an override back: one that runs ends now and what has been stays; one to come is deleted."""
    alone = list(override.people) == [by.user_id]
    allow(by, "schedule.override_self" if alone else "schedule.edit", team_id=override.schedule.team_id)
    schedule = locked(Schedule, override.schedule_id) or override.schedule
    override = session.get(Override, override.id, populate_existing=True) or _gone()
    if override.ends_at <= clock.now():
        raise Conflict("This override is over; what has been stays as it was.")
    if overrides.exchange_of(override):
        raise Conflict(f"This came of a {overrides.exchange_of(override)}; undo that instead, so that both agree.")
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
    refuse_used(schedule, by)
    record(events.REMOVED, schedule.ref, by=by, also=[schedule.team.ref], name=schedule.name,
           before=schedule_document(schedule))
    session.delete(schedule)
    session.flush()


def refuse_used(schedule: Schedule, by: Actor) -> None:
    """Raise Conflict naming what pages by this schedule."""
    users = [use.name for use in uses("schedule_used_by", schedule, by)]
    if users:
        raise Conflict(f"{schedule.name} is used by {', '.join(users)}", {"used_by": users})


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
