"""The page of one schedule: who is on duty, and the lanes of the window that its address names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.panels import panels
from app.identity.models import User
from app.identity.queries import may, uses
from app.oncall import queries, rules, timeline
from app.oncall.gaps import cause
from app.oncall.models import Layer, Override, Schedule
from app.oncall.overrides import exchange_of
from app.oncall.pages import Duty, duties
from app.oncall.rows import CALENDARS, imported_layers, layer_of

_EVER = datetime.max.replace(tzinfo=UTC)
ZONES = {"mine": "My zone", "schedule": "Schedule’s", "utc": "UTC"}


@dataclass(frozen=True)
class Holiday:
    """A day with a name, from `x` on, `width` wide, both in percent."""

    day: date
    name: str
    x: float
    width: float


@dataclass(frozen=True)
class SchedulePage:
    """One schedule: who is on duty, and the lanes of a window. `zone` is mine, schedule or utc."""

    schedule: Schedule
    duty: Duty
    shown: timeline.Window
    zone: str
    now: datetime
    now_at: float | None
    days: list[timeline.Day]
    changes: list[timeline.Change]
    final: list[timeline.Block]
    stand_ins: list[list[timeline.Block]]
    layers: list[tuple[rules.Layer, list[timeline.Block]]]
    overrides: list[Override]
    people: Mapping[int, User]
    used_by: list[str]
    may_edit: bool
    may_override: bool
    may_restore: bool = False
    why: str = ""
    panels: Mapping[str, Any] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=lambda: timeline.VIEWS)
    zones: Mapping[str, str] = field(default_factory=lambda: ZONES)

    @property
    def earlier(self) -> date:
        """The first day of the window before this one."""
        return self.shown.first - timedelta(days={"2-weeks": 14, "quarter": 75}.get(self.shown.view, 1))

    @property
    def later(self) -> date:
        """The first day of the window after this one."""
        return self.shown.last + timedelta(days=1)

    @property
    def title(self) -> str:
        """`23 March to 5 April 2026`."""
        first, last = self.shown.first, self.shown.last
        if first == last:
            return f"{first:%A} {first.day} {first:%B %Y}"
        month = f" {first:%B}" if first.month != last.month else ""
        year = f" {first.year}" if first.year != last.year else ""
        return f"{first.day}{month}{year} to {last.day} {last:%B %Y}"

    @property
    def hours(self) -> list[tuple[float, str]]:
        """The hours above the lanes of a single day."""
        return timeline.hours(self.shown) if self.shown.view == "day" else []

    @property
    def nights(self) -> list[tuple[float, float]]:
        """The nights behind the lanes."""
        return timeline.nights(self.shown)

    @property
    def holidays(self) -> list[Holiday]:
        """The holidays behind the lanes."""
        named = {date.fromisoformat(one.day): one.name for one in self.schedule.holidays}
        return holidays_in(self.shown, named, ZoneInfo(self.schedule.time_zone))

    @property
    def zone_words(self) -> str:
        """`Berlin time`."""
        name = self.shown.zone.key
        return name if name == "UTC" else f"{name.rpartition('/')[2].replace('_', ' ')} time"

    def address(self, *, view: str = "", first: date | str | None = None, zone: str = "") -> str:
        """This page with another view, first day (`""`: today) or zone."""
        day = self.shown.first.isoformat() if first is None and self.now_at is None else first
        asked = {"view": view or self.shown.view, "from": day or "", "zone": zone or self.zone}
        return "?" + urlencode({name: str(value) for name, value in asked.items() if value})

    def says(self, at: datetime) -> str:
        """An instant in words, in the zone of the lanes."""
        local = self.shown.local(at)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"

    def wish(self, one: timeline.Block | rules.Shift) -> dict[str, str]:
        """What an override of this span would be filled in with; it begins now where the span has begun."""
        starts, ends = (self.shown.local(at) for at in (max(one.start or self.now, self.now), one.end or self.now))
        alone = self.people[one.people[0]].email if len(one.people) == 1 else ""
        begun = one.start is None or one.start <= self.now
        return {"starts": "" if begun else f"{starts:%Y-%m-%dT%H:%M}", "ends": f"{ends:%Y-%m-%dT%H:%M}",
                "replaces": alone, "zone": self.shown.zone.key}

    def hue_of(self, one: timeline.Block) -> str:
        """The name that gives a block its colour."""
        return self.people[one.people[0]].name if one.people else ""

    def who(self, one: timeline.Block) -> str:
        """The names of a block's people."""
        return ", ".join(self.people[person].name for person in one.people)

    def stand_in(self, one: Override) -> str:
        """`Bob for Ana`."""
        who = " and ".join(self.people[person].name for person in one.people) or "nobody"
        return who + (f" for {self.people[one.replaces_id].name}" if one.replaces_id is not None else "")

    def exchange(self, one: Override) -> str:
        """`swap` or `cover`, when that is where the override comes from."""
        return exchange_of(one)

    def rotation(self, layer: rules.Layer) -> str:
        """When a layer hands over, and when it is active."""
        if layer.fixed is not None:
            return "imported"
        hours = "; ".join(timeline.restriction_words(one) for one in layer.restrictions[:1])
        more = " …" if len(layer.restrictions) > 1 else ""
        return f"{hours}{more}" if hours and not layer.holidays else timeline.rotation_words(layer)


def holidays_in(shown: timeline.Window, named: Mapping[date, str], zone: ZoneInfo) -> list[Holiday]:
    """The holidays within the window, which are days of `zone`, whatever the zone of the lanes."""
    found = []
    for day, name in sorted(named.items()):
        x, end = (shown.at(rules.local_instant(datetime.combine(one, time()), zone))
                  for one in (day, day + timedelta(days=1)))
        if end > x:
            found.append(Holiday(day, name, x, round(end - x, 3)))
    return found


def schedule_page(key: str, by: Actor, args: Mapping[str, str]) -> SchedulePage:
    """One schedule in the window that `args` (view, from, zone) name. Raises NotFound."""
    schedule, now = queries.schedule_for(key, by), clock.now()
    zone = args["zone"] if args.get("zone") in ZONES else "mine"
    shown = _window(args, ZoneInfo(zone_name(schedule, by, zone)), now)
    plan = queries.plan_of(schedule)
    inactive = queries.inactive_of(plan)
    people = queries.named(queries.people_in(plan))
    names = {one: user.name for one, user in people.items()}
    overrides = [one for one in schedule.overrides if one.ends_at > shown.start and one.starts_at < shown.end]
    duty = duties([schedule], now)[0]
    used, may_edit = schedule.archived_at is None, may(by, "schedule.edit", team_id=schedule.team_id)
    return SchedulePage(
        schedule=schedule, duty=duty,
        why=cause(plan, max(duty.gaps[0].start or now, now), inactive) if duty.gaps else "", shown=shown, zone=zone, now=now,
        now_at=shown.at(now) if shown.start <= now < shown.end else None,
        days=timeline.days(shown, now), changes=timeline.changes(shown),
        final=timeline.blocks(rules.whole_shifts(plan, shown.start, shown.end, inactive=inactive), names, shown, now),
        stand_ins=timeline.stacked(timeline.blocks(map(_shift, overrides), names, shown, now)),
        layers=[(versions[-1], timeline.blocks(held, names, shown, now))
                for versions in reversed(lanes_of(schedule))
                if (held := _held(replace(plan, layers=versions, overrides=()), shown, inactive))
                 or versions[-1].until is None],
        overrides=overrides, people=people, used_by=used_by(schedule, by),
        may_edit=used and may_edit, may_restore=may_edit and not used,
        may_override=used and may(by, "schedule.override_self", team_id=schedule.team_id),
        panels=panels("schedule", schedule))


def used_by(schedule: Schedule, by: Actor) -> list[str]:
    """The names of what uses the schedule, as the higher domains tell."""
    return [use.name for use in uses("schedule_used_by", schedule, by)]


def zone_name(schedule: Schedule, by: Actor, zone: str) -> str:
    """The zone that `mine`, `schedule` or `utc` means to this reader."""
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return {"utc": "UTC", "schedule": schedule.time_zone}.get(zone) or (user.time_zone if user else "UTC")


def lanes_of(schedule: Schedule) -> list[tuple[rules.Layer, ...]]:
    """Each layer as all its versions in the order of time, lowest precedence first; those that were removed as well."""
    found: dict[int, list[Layer]] = defaultdict(list)
    for row in sorted(schedule.layers, key=lambda one: one.until or _EVER):
        found[row.origin_id or row.id].append(row)
    in_order = sorted(found.values(), key=lambda rows: rows[-1].position)
    lanes = [tuple(layer_of(row, schedule.time_zone) for row in rows) for rows in in_order]
    below, above = ([(one,) for one in imported_layers(schedule.imported, schedule.time_zone, use)]
                    for use in CALENDARS)
    return [*below, *lanes, *above]


def _window(args: Mapping[str, str], zone: ZoneInfo, now: datetime) -> timeline.Window:
    view = args["view"] if args.get("view") in timeline.VIEWS else "2-weeks"
    try:
        first = date.fromisoformat(args.get("from", ""))
    except ValueError:
        first = rules.wall_time(now, zone).date()
    if first.year not in clock.YEARS[1:-1]:
        first = rules.wall_time(now, zone).date()
    return timeline.window(view, first, zone)


def _shift(one: Override) -> rules.Shift:
    return rules.Shift(one.starts_at, one.ends_at, tuple(one.people), rules.OVERRIDE)


def _held(alone: rules.Schedule, shown: timeline.Window, inactive: frozenset[int]) -> list[rules.Shift]:
    """A layer's own shifts through all its versions; where it has nobody it is empty, which is no gap."""
    return [one for one in rules.whole_shifts(alone, shown.start, shown.end, inactive=inactive) if one.people]
