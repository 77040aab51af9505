"""What people type about schedules and overrides, as the fields of the configuration document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from app.core import clock
from app.core.access import Actor
from app.core.errors import Conflict, Invalid, Problem
from app.core.forms import Problems
from app.identity.models import User
from app.identity.queries import may
from app.oncall import drafts, limits, queries, rules
from app.oncall.edit_pages import Difference
from app.oncall.models import Override, Schedule
from app.oncall.versions import When


@dataclass(frozen=True)
class OverrideDraft:
    """An override that was read, for `service.add_override`; `starts` None is now."""

    starts: datetime | None
    ends: datetime
    people: list[User]
    replaces: User | None
    reason: str
    confirmed: bool


def read_override(values: Mapping[str, Any], schedule: Schedule, *, zone: str = "") -> OverrideDraft:
    """An override from the fields of the document; without `starts` it begins now. Local times are in `zone`, else in
    the schedule's. Raises Invalid with a fault for each field."""
    problems = Problems()
    people = drafts.people_named([values.get("people"), values.get("replaces")])
    given = {**values, "starts": values.get("starts") or clock.now().isoformat()}
    row = drafts.override(given, ZoneInfo(zone or schedule.time_zone), people, problems)
    problems.raise_if_any()
    assert row is not None
    by_id = {user.id: user for user in people.values()}
    return OverrideDraft(row.starts_at if values.get("starts") else None, row.ends_at,
                         [by_id[person] for person in row.people],
                         by_id[row.replaces_id] if row.replaces_id is not None else None, row.reason,
                         bool(values.get("confirmed")))


def draft_of(wish: OverrideDraft) -> Override:
    """The override as a row that is not stored."""
    return Override(starts_at=wish.starts or clock.now().replace(microsecond=0), ends_at=wish.ends,
                    people=list(dict.fromkeys(one.id for one in wish.people)), reason=wish.reason,
                    replaces_id=wish.replaces.id if wish.replaces else None)


def read_instant(text: str, field: str) -> datetime:
    """An instant from an address: RFC 3339, UTC where no offset is named. Raises Invalid for `field`."""
    problems = Problems()
    # A `+` that was not encoded arrives as a space.
    at = problems.take(field, drafts.instant, text) or problems.take(field, drafts.instant, text.replace(" ", "+"))
    if at is None:
        problems.found = problems.found[:1]
        problems.raise_if_any()
    assert at is not None
    return at


def read_span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The span to read shifts for. Raises Invalid."""
    problems = Problems()
    for fault in limits.check_range(start, end):
        problems.add(fault.field, fault.message)
    problems.raise_if_any()
    return start.astimezone(UTC), end.astimezone(UTC)


def read_when(text: str | None, schedule: Schedule, field: str = "from") -> When:
    """From when an edit counts: `next`, `now`, an RFC 3339 time or a local time in the schedule's zone; nothing is
    what documents mean. Raises Invalid for `field`."""
    if text is None or text in ("next", "now"):
        return text  # type: ignore[return-value]  # the two words
    problems = Problems()
    at = problems.take(field, drafts.moment, text, zone=ZoneInfo(schedule.time_zone))
    problems.raise_if_any()
    return at


@dataclass(frozen=True)
class OverrideForm:
    """The form of an override: what stands in it, what is wrong, and which of its times occur twice."""

    schedule: Schedule
    zone: str
    values: Mapping[str, str]
    people: list[tuple[str, str]]
    replaced: list[tuple[str, str]]
    others: bool
    faults: Mapping[str, str] = field(default_factory=dict)
    doubled: frozenset[str] = frozenset()
    difference: Difference | None = None


def override_form(schedule: Schedule, by: Actor, typed: Mapping[str, str],
                  problems: Sequence[Problem] = (), *, difference: Difference | None = None) -> OverrideForm:
    """The form with what was typed, or what the address asks for, and what it would change when that is asked
    (`difference`). Who may not edit stands in alone."""
    others = may(by, "schedule.edit", team_id=schedule.team_id)
    zone = typed.get("zone", "")
    zone = zone if zone in available_timezones() else schedule.time_zone
    named = queries.named(queries.people_in(queries.plan_of(schedule))).values()
    members = {one.id: one for one in [*named, *(member.user for member in schedule.team.memberships)] if one.is_active}
    choices = sorted((one.name, one.email) for one in members.values() if others or one.id == by.user_id)
    return OverrideForm(schedule, zone, typed, [(email, name) for name, email in choices],
                        sorted(((one.email, one.name) for one in named), key=lambda one: one[1]), others,
                        shown_faults(problems),
                        frozenset(name for name in ("starts", "ends") if _occurs_twice(typed.get(name, ""), zone)),
                        difference)


def typed_override(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a posted override; of a time that occurs twice, the one that was chosen."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("starts", "ends", "replaces", "reason")}
    for name in ("starts", "ends"):
        if form.get(f"{name}_which") in ("0", "1") and _occurs_twice(values[name], form.get("zone", "")):
            zone = ZoneInfo(form["zone"])
            both = rules.instants_of(datetime.fromisoformat(values[name]), zone)
            values[name] = both[int(form[f"{name}_which"])].isoformat()
    people = form.get("people", "").strip()
    values["people"] = [people] if people not in ("", "nobody") else []
    return {**values, "confirmed": bool(form.get("confirmed"))}


def _occurs_twice(text: str, zone: str) -> bool:
    try:
        return len(rules.instants_of(drafts.wall(text), ZoneInfo(zone))) > 1
    except (ValueError, KeyError):
        return False


def problems_of(refused: Invalid | Conflict) -> list[Problem]:
    """What to show of a refusal: its faults, or its one sentence."""
    return refused.problems if isinstance(refused, Invalid) else [Problem("conflict", refused.detail)]


def shown_faults(problems: Sequence[Problem]) -> dict[str, str]:
    """The first sentence for each control of a form: `layers[0].rotation.every` stands at `layers-0-every`."""
    found: dict[str, str] = {}
    for one in problems:
        path = re.sub(r"^layers\[(\d+)\]\.(rotation\.)?(\w+).*", r"layers-\1-\3", one.field)
        found.setdefault(path.partition("[")[0], one.message)
    return found


