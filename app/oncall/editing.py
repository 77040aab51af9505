"""Edits of a schedule: read from the document's fields, looked at before they are made, and stored as versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.forms import Problems, check_text, time_zone
from app.identity.models import Team
from app.identity.queries import allow, team_named
from app.oncall import drafts, imports, overrides, preview, rules
from app.oncall.models import Layer, Override, Schedule, ScheduleVersion
from app.oncall.presence import away_of
from app.oncall.queries import inactive_of, latest, people_in, plan_of
from app.oncall.rows import CALENDARS, layer_of, override_of
from app.oncall.versions import Draft, Version, When, begin, edited

Values = Mapping[str, Any]
WORDS = ("name", "time_zone", "starts", "ends", "every", "unit", "turns", "restrictions", "skip_inactive", "holidays")
"""The columns that say what a layer is; the others say since when."""


@dataclass(frozen=True)
class Wish:
    """What an edit asks for: clean columns of the schedule, and drafts of its layers and overrides, if named."""

    columns: dict[str, Any]
    layers: list[Layer] | None
    overrides: list[Override] | None
    zone: str
    calendars: dict[str, str] | None = None


def read(values: Values, schedule: Schedule | None, by: Actor, problems: Problems) -> Wish:
    """The wish that the fields of a document express; every fault is added to `problems`."""
    columns = _columns(values, schedule, by, problems)
    zone = columns.get("time_zone") or (schedule.time_zone if schedule else "UTC")
    people = drafts.people_named([values.get("layers"), values.get("overrides")])
    layers = drafts.layers(values["layers"], zone, people, problems) if values.get("layers") is not None else None
    stand_ins = (drafts.overrides(values["overrides"], ZoneInfo(zone), people, problems, now=clock.now())
                 if values.get("overrides") is not None else None)
    if layers is None and schedule is not None and zone != schedule.time_zone:
        layers = [_copy(row) for row in latest(schedule)]
    read_from = (imports.read(values["calendars"], schedule, problems)
                 if values.get("calendars") is not None else None)
    return Wish(columns, layers, stand_ins, zone, read_from)


def _columns(values: Values, schedule: Schedule | None, by: Actor, problems: Problems) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if "name" in values or schedule is None:
        clean["name"] = problems.take("name", check_text, values.get("name"), least=1, most=100, label="The name")
    if "time_zone" in values or schedule is None:
        clean["time_zone"] = problems.take("time_zone", time_zone, values.get("time_zone"))
    if "team" in values or schedule is None:
        clean["team"] = problems.take("team", _team, values.get("team"), schedule=schedule, by=by)
        if clean["team"] is not None:
            allow(by, "schedule.edit", team_id=clean["team"].id)
    return clean


def _team(key: object, *, schedule: Schedule | None, by: Actor) -> Team:
    team = team_named(key, by)
    if team is None or (team.archived_at is not None and (schedule is None or schedule.team_id != team.id)):
        raise ValueError(f"There is no team {key}" if key else "A schedule needs a team")
    return team


def check_when(when: When, now: datetime, problems: Problems) -> None:
    """An edit never counts from an instant that has been."""
    if isinstance(when, datetime) and when < now:
        problems.add("from", "This has been already; an edit counts from now on or later")


def versions_of(schedule: Schedule) -> list[Version]:
    """Every version of every layer as the pure rules know it."""
    return [Version(row.origin_id or row.id, row.id, row.position, layer_of(row, schedule.time_zone))
            for row in schedule.layers]


def after(schedule: Schedule, wish: Wish, when: When, now: datetime) -> list[Version]:
    """The versions of the layers that the edit would leave."""
    present = versions_of(schedule)
    if wish.layers is None:
        return present
    if when == "next" and not present:
        when = "now"  # nobody waits for a hand-off of nothing
    return edited(present, [Draft(layer_of(row, wish.zone)) for row in wish.layers], when, now)


def store(schedule: Schedule, wish: Wish, versions: Iterable[Version]) -> None:
    """Make the rows of the layers those of `versions`; rows that say the same are left alone."""
    for row in schedule.layers:  # what has been was in the old zone
        row.time_zone = row.time_zone or schedule.time_zone if schedule.time_zone != wish.zone else row.time_zone
    rows = {row.id: row for row in schedule.layers}
    wanted = list(versions)
    schedule.layers = [_row(one, rows, wish.layers or []) for one in wanted]


def _row(version: Version, rows: Mapping[int, Layer], wished: Sequence[Layer]) -> Layer:
    row = rows[version.id] if version.id is not None else wished[version.draft or 0]
    columns: dict[str, Any] = {"position": version.place, "since": version.layer.since, "until": version.layer.until,
               "first_turn": version.layer.first_turn}
    if version.id is None:
        columns["origin_id"] = version.lane
    elif version.draft is not None:
        columns["time_zone"] = wished[version.draft].time_zone
    for name, value in columns.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    return row


def effects(before: Iterable[Version], now_are: Iterable[Version], zone: str) -> str:
    """From when the edit counts for each layer: `base from 2026-07-27 09:00; office until 2026-07-24 17:00`."""
    was = {one.id: one for one in before}
    found, local = [], ZoneInfo(zone)
    made = list(now_are)
    for one in made:
        if one.id is None:
            found.append(f"{one.layer.name} from {rules.wall_time(begin(one.layer), local):%Y-%m-%d %H:%M}")
    continued = {one.lane for one in made if one.layer.until is None}
    for one in made:
        ended = one.id in was and was[one.id].layer.until is None and one.layer.until
        if ended and one.lane not in continued:
            found.append(f"{one.layer.name} until {rules.wall_time(ended, local):%Y-%m-%d %H:%M}")
    return "; ".join(found)[:200]


def planned(schedule: Schedule, wish: Wish, when: When) -> preview.Preview:
    """What the edit would change; stores nothing. From an instant that is named, else from now."""
    now = clock.now()
    present = plan_of(schedule)
    layers = tuple(one.layer for one in sorted(after(schedule, wish, when, now), key=lambda one: one.place))
    stand_ins = present.overrides if wish.overrides is None else tuple(_stand_ins(schedule, wish.overrides, now))
    imported = [one for one in present.layers if one.fixed is not None]
    below = tuple(one for one in imported if one.name == CALENDARS["primary"])
    above = tuple(one for one in imported if one not in below)
    asked = replace(present, layers=(*below, *layers, *above), overrides=stand_ins)
    asked = replace(asked, away=away_of(people_in(asked)))
    start = when if isinstance(when, datetime) and when > now + preview.LENGTH else now
    return preview.compare(present, asked, start, inactive=inactive_of(present, asked))


def with_override(schedule: Schedule, made: Override) -> preview.Preview:
    """What one more override would change; stores nothing."""
    now, present = clock.now(), plan_of(schedule)
    asked = replace(present, overrides=(*present.overrides, override_of(made)))
    asked = replace(asked, away=away_of(people_in(asked)))
    start = made.starts_at if made.starts_at > now + preview.LENGTH else now
    return preview.compare(present, asked, start, inactive=inactive_of(present, asked))


def _stand_ins(schedule: Schedule, wanted: Sequence[Override], now: datetime) -> Iterable[rules.Override]:
    """The overrides that would stand: people's own, what has been, and those that are wanted."""
    named = {overrides.same(one) for one in wanted}
    for old in schedule.overrides:
        if old.created_by != drafts.DOCUMENT or overrides.same(old) in named or old.ends_at <= now:
            yield override_of(old)
        elif old.starts_at < now:
            yield replace(override_of(old), ends=now.replace(microsecond=0))
    present = {overrides.same(one) for one in schedule.overrides}
    yield from (override_of(one) for one in wanted if overrides.same(one) not in present)


def _copy(row: Layer) -> Layer:
    return Layer(**{name: getattr(row, name) for name in WORDS})


def content(schedule: Schedule) -> dict[str, Any]:
    """What a version keeps: the last word on name, zone and layers."""
    return {"name": schedule.name, "time_zone": schedule.time_zone,
            "layers": [{name: getattr(row, name) for name in (*WORDS, "first_turn")} for row in latest(schedule)]}


def kept_layers(version: ScheduleVersion) -> list[Layer]:
    """The layers of a version that was kept, as rows that are not stored."""
    return [Layer(**columns, position=place) for place, columns in enumerate(version.content["layers"])]


def wish_of(version: ScheduleVersion) -> Wish:
    """The wish for what a schedule was to be before; overrides stay as they are."""
    zone = version.content["time_zone"]
    return Wish({"name": version.content["name"], "time_zone": zone}, kept_layers(version), None, zone)


def keep(schedule: Schedule, before: Mapping[str, Any], by: Actor, note: str) -> None:
    """Keep what the schedule is now as its newest version; `before` becomes the first where none was kept yet."""
    if before and not schedule.versions:
        schedule.versions.append(ScheduleVersion(number=1, made_at=schedule.created_at, content=dict(before)))
    number = schedule.versions[-1].number + 1 if schedule.versions else 1
    schedule.versions.append(ScheduleVersion(number=number, made_by=by.name[:200], note=note,
                                             content=content(schedule)))
    session.flush()
