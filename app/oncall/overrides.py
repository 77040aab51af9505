"""One override beside the others of its schedule: what it conflicts with, how it ends, and how it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core import clock
from app.oncall import rules
from app.oncall.models import Override, Schedule
from app.oncall.queries import inactive_of, named, override_document, plan_of
from app.oncall.rows import override_of


def same(one: Override) -> tuple[object, ...]:
    """Equal for two overrides that say the same."""
    return one.starts_at, one.ends_at, tuple(one.people), one.replaces_id


def conflicting(schedule: Schedule, new: Override) -> Override | None:
    """The override of the schedule with which `new` may not stand."""
    asked = override_of(new)
    return next((one for one in schedule.overrides if rules.conflicts(override_of(one), asked)), None)


def end(schedule: Schedule, override: Override) -> bool:
    """End it now, or delete it when it has not begun; whether it stays."""
    now = clock.now().replace(microsecond=0)
    if override.starts_at < now:
        override.ends_at = now
        return True
    schedule.overrides.remove(override)
    return False


def widens_gap(schedule: Schedule, new: Override) -> bool:
    """Whether nobody would be on duty for longer than without `new`."""
    plan = plan_of(schedule)
    changed = replace(plan, overrides=(*plan.overrides, override_of(new)))
    inactive = inactive_of(changed)
    was, will = (rules.shifts(one, new.starts_at, new.ends_at, inactive=inactive) for one in (plan, changed))
    return _uncovered(will) > _uncovered(was)


def _uncovered(shifts: Iterable[rules.Shift]) -> timedelta:
    return sum((one.end - one.start for one in shifts if not one.people and one.end and one.start), timedelta())


def concerned(schedule: Schedule, override: Override) -> list[str]:
    """The refs of the team and of everybody whose duty it changes."""
    return [schedule.team.ref, *(f"user:{person}" for person in sorted(involved(override)))]


def exchange_of(override: Override) -> str:
    """`swap` or `cover`, when that is where the override comes from; its undoing is theirs too. Else ""."""
    word = override.created_by.partition(":")[0]
    return word if word in ("swap", "cover") else ""


def involved(override: Override) -> set[int]:
    """The people whom the override names."""
    return {*override.people, *([] if override.replaces_id is None else [override.replaces_id])}


def written(schedule: Schedule, override: Override) -> dict[str, Any]:
    """The override as the configuration document writes it."""
    emails = {key: user.email for key, user in named(involved(override)).items()}
    return override_document(override, emails, ZoneInfo(schedule.time_zone))


def in_words(override: Override) -> str:
    """`Bob for Ana, 2026-03-01 10:00 to 2026-03-01 11:00 UTC`."""
    people = named(involved(override))
    who = " and ".join(people[person].name for person in override.people) or "nobody"
    for_whom = f" for {people[override.replaces_id].name}" if override.replaces_id is not None else ""
    return f"{who}{for_whom}, {override.starts_at:%Y-%m-%d %H:%M} to {override.ends_at:%Y-%m-%d %H:%M} UTC"
