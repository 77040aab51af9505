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
from app.core.db import session
from app.core.errors import Conflict, Invalid, Problem
from app.core.forms import Problems
from app.identity.models import User
from app.identity.queries import may
from app.oncall import drafts, limits, pages, queries, rules
from app.oncall.edit_pages import Difference, standing
from app.oncall.models import Schedule
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


@dataclass(frozen=True)
class ScheduleForm:
    """The form of a schedule with its layers, and an empty one for the next."""

    schedule: Schedule | None
    values: Mapping[str, Any]
    layers: list[Mapping[str, str]]
    teams: list[tuple[str, str]]
    members: list[User]
    seen: str = ""
    problem: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    difference: Difference | None = None
    standing: list[tuple[str, str, str]] = field(default_factory=list)


def override_form(schedule: Schedule, by: Actor, typed: Mapping[str, str],
                  problems: Sequence[Problem] = ()) -> OverrideForm:
    """The form with what was typed, or what the address asks for. Who may not edit stands in alone."""
    others = may(by, "schedule.edit", team_id=schedule.team_id)
    zone = typed.get("zone", "")
    zone = zone if zone in available_timezones() else schedule.time_zone
    named = queries.named(queries.people_in(queries.plan_of(schedule))).values()
    members = {one.id: one for one in [*named, *(member.user for member in schedule.team.memberships)] if one.is_active}
    choices = sorted((one.name, one.email) for one in members.values() if others or one.id == by.user_id)
    return OverrideForm(schedule, zone, typed, [(email, name) for name, email in choices],
                        sorted(((one.email, one.name) for one in named), key=lambda one: one[1]), others,
                        shown_faults(problems),
                        frozenset(name for name in ("starts", "ends") if _occurs_twice(typed.get(name, ""), zone)))


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


def schedule_form(schedule: Schedule | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
                  problems: Sequence[Problem] = (), problem: str = "",
                  difference: Difference | None = None) -> ScheduleForm:
    """The form of `schedule` (None: a new one) with what was typed, if that was refused (`problem`: because of what
    stands by now, which is shown beside it) or is only looked at (`difference`)."""
    document = queries.schedule_document(schedule) if schedule else {"time_zone": _own_zone(by)}
    values: Mapping[str, Any] = dict(typed) if typed is not None else document
    written = [_as_text(layer) for layer in values.get("layers", [])]
    members = sorted((one.user for one in schedule.team.memberships), key=lambda one: one.name) if schedule else []
    return ScheduleForm(schedule, values, [*written, _as_text({})], pages.teams_for(by), members,
                        queries.mark_of(document) if schedule else "", problem, shown_faults(problems), difference,
                        standing(schedule) if schedule and problem else [])


def typed_schedule(form: Mapping[str, str], schedule: Schedule | None) -> dict[str, Any]:
    """The posted fields as values for `save_schedule`; layers left empty or marked for removal are left out."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "team", "time_zone")}
    values["key"] = schedule.key if schedule else form.get("key", "").strip()
    values |= {name: form.get(name, "") for name in ("from_when", "from_date")}
    found = []
    for place in range(limits.LAYERS + 1):
        given = {name: form.get(f"layers-{place}-{name}", "").strip() for name in LAYER_FIELDS}
        if given["remove"] or not (given["participants"] or given["name"]):
            continue
        found.append((_number(given["position"], place), place, _layer(given)))
    return {**values, "layers": [layer for _, _, layer in sorted(found, key=lambda one: one[:2])]}


def typed_when(form: Mapping[str, str], schedule: Schedule | None) -> When:
    """From when the posted edit counts; a schedule that is new counts from the starts of its layers."""
    if schedule is None:
        return None
    word = form.get("from_when", "next")
    return read_when(form.get("from_date", "") if word == "date" else "now" if word == "now" else "next", schedule)


LAYER_FIELDS = ("name", "starts", "ends", "every", "unit", "participants", "restrictions", "time_zone",
                "skip_inactive", "position", "remove")


def _layer(given: Mapping[str, str]) -> dict[str, Any]:
    lines = given["participants"].splitlines()
    turns = [[email.strip() for email in line.split(",") if email.strip()] for line in lines]
    return {"name": given["name"] or "base", "starts": given["starts"], "ends": given["ends"] or None,
            "rotation": {"every": _number(given["every"], 0), "unit": given["unit"]},
            "participants": [turn for turn in turns if turn], "time_zone": given["time_zone"] or None,
            "restrictions": [_restriction(line) for line in given["restrictions"].splitlines() if line.strip()],
            "skip_inactive": bool(given["skip_inactive"])}


def _restriction(line: str) -> dict[str, Any]:
    """`mon, tue 09:00-17:00` or `mon-fri 09:00 to 17:00`."""
    words = re.findall(r"[a-z]+|\d\d?:\d\d|[-–]", line.lower().replace(" to ", "-"))
    days: list[str] = []
    for place, word in enumerate(words):
        day = word[:3]
        if day in queries.DAYS and place > 1 and words[place - 1] in "-–" and days and words[place - 2][:3] == days[-1]:
            first, last = queries.DAYS.index(days[-1]), queries.DAYS.index(day)
            days += [queries.DAYS[one % 7] for one in range(first + 1, last + 1 + (7 if last < first else 0))]
        elif word not in "-–" and ":" not in word:
            days.append(day)
    clocks = [word.zfill(5) for word in words if ":" in word] + ["", ""]
    return {"days": days, "from": clocks[0], "to": clocks[1]}


def _as_text(layer: Mapping[str, Any]) -> dict[str, str]:
    rotation = layer.get("rotation", {})
    return {"name": layer.get("name", ""), "starts": layer.get("starts", ""), "ends": layer.get("ends") or "",
            "every": str(rotation.get("every", 1)), "unit": rotation.get("unit", "week"),
            "participants": "\n".join(", ".join(turn) for turn in layer.get("participants", [])),
            "restrictions": "\n".join(f"{', '.join(one['days'])} {one['from']}-{one['to']}"
                                      for one in layer.get("restrictions", [])),
            "time_zone": layer.get("time_zone") or "", "skip_inactive": "1" if layer.get("skip_inactive") else ""}


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


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else default


def _own_zone(by: Actor) -> str:
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return user.time_zone if user else "UTC"
