"""Schedules: layers with their restrictions, and overrides that are still to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.plugin_api import Duty, Imported, Keys, grouped, listed, moment, restrictions_of, zone_of

from .importing_people import People

UNITS = (("week", 604800), ("day", 86400), ("hour", 3600))


def schedules(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People, *, now: datetime) -> None:
    """All of them; the answer of a single one says more than the list."""
    for short in listed(data, "schedules"):
        answer = data.get(f"schedules/{short.get('id')}") or {}
        schedule = {**short, **(answer.get("schedule") or answer)}
        key = keys.of("schedules", schedule.get("id"), str(schedule.get("name") or schedule.get("summary") or ""))
        changes: list[str] = []
        zone = zone_of(schedule.get("time_zone"), changes)
        layers = [layer for one in reversed(schedule.get("schedule_layers") or [])
                  if (layer := _layer(one, zone, people, now=now, changes=changes)) is not None]
        overrides = [one for one in map(lambda entry: _override(entry, people, now, changes), _overrides(schedule)) if one]
        imported.add("schedules", key=key, name=str(schedule.get("name") or key)[:100], team=people.team(schedule),
                     time_zone=zone.key, layers=_named(layers) or None, overrides=overrides or None)
        rendered = (schedule.get("final_schedule") or {}).get("rendered_schedule_entries") or []
        if rendered:
            imported.proofs[key] = [Duty(start, end, tuple(filter(None, [people.email(one)]))) for one in rendered
                                    if (start := moment(one.get("start"))) and (end := moment(one.get("end")))]
        imported.judge("schedule", schedule, key, changes)


def _layer(layer: Mapping[str, Any], zone: ZoneInfo, people: People, *, now: datetime,
           changes: list[str]) -> dict[str, Any] | None:
    name = str(layer.get("name") or "layer")
    ends = moment(layer.get("end"))
    if ends is not None and ends <= now:
        return None
    members = [people.email(one) for one in layer.get("users") or []]
    if None in members:
        changes.append(f"{name}: somebody in it has no account any more; the turns of the others close up")
    turns = [[email] for email in members if email]
    seconds = int(layer.get("rotation_turn_length_seconds") or 0)
    unit = next(((unit, seconds // size) for unit, size in UNITS if seconds and seconds % size == 0), None)
    starts = moment(layer.get("rotation_virtual_start")) or moment(layer.get("start"))
    if not turns or unit is None or starts is None:
        changes.append(f"{name} is left out: {'nobody is in it' if not turns else 'its turns are no whole hours'}")
        return None
    windows, exact = _windows(layer)
    if not exact:
        changes.append(f"{name}: its restriction is not in whole minutes")
    effective = moment(layer.get("start"))
    if effective is not None and effective > max(now, starts):
        if (effective - starts).total_seconds() % (seconds * len(turns)):
            changes.append(f"{name} begins in the future, in the middle of a turn; here its first turn begins then")
        starts = effective
    return {"name": name[:50], "starts": _local(starts, zone), "ends": _local(ends, zone) if ends else None,
            "rotation": {"every": unit[1], "unit": unit[0]}, "participants": turns, "restrictions": windows}


def _windows(layer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The restrictions, and whether they are in whole minutes."""
    found: list[tuple[int, str, str]] = []
    exact = True
    for one in layer.get("restrictions") or []:
        hours, minutes, rest = (int(part) for part in str(one.get("start_time_of_day") or "00:00:00").split(":"))
        start, lasts = hours * 3600 + minutes * 60, int(one.get("duration_seconds") or 0)
        exact = exact and not rest and lasts % 60 == 0
        days = range(7) if one.get("type") == "daily_restriction" else [int(one.get("start_day_of_week") or 1) - 1]
        for day in days:
            found += restrictions_of(day, start, lasts)
    return grouped(found), exact


def _overrides(schedule: Mapping[str, Any]) -> list[Any]:
    said = schedule.get("overrides")
    if isinstance(said, list):
        return said
    return list((schedule.get("overrides_subschedule") or {}).get("rendered_schedule_entries") or [])


def _override(entry: Mapping[str, Any], people: People, now: datetime, changes: list[str]) -> dict[str, Any] | None:
    start, end, email = moment(entry.get("start")), moment(entry.get("end")), people.email(entry)
    if start is None or end is None or end <= now:
        return None
    if email is None:
        changes.append("an override for somebody who has no account any more is left out")
        return None
    minute = timedelta(minutes=1)
    return {"starts": start.replace(second=0, microsecond=0).isoformat(),
            "ends": (end + minute - datetime.resolution).replace(second=0, microsecond=0).isoformat(), "people": [email]}


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")[:16]


def _named(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every layer with a name of its own."""
    seen: dict[str, int] = {}
    for layer in layers:
        seen[layer["name"]] = count = seen.get(layer["name"], 0) + 1
        if count > 1:
            layer["name"] = f"{layer['name'][:45]} {count}"
    return [{name: value for name, value in layer.items() if value is not None} for layer in layers]
