"""What people type about schedules and overrides, as the fields of the configuration document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.forms import Problems
from app.identity.models import User
from app.oncall import drafts, limits
from app.oncall.models import Schedule


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
