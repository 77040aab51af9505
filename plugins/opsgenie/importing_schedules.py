"""Schedules. All rotations of a schedule are on duty at once there, while here one layer decides: rotations whose hours
never meet become layers of one schedule, others become schedules of their own which a level pages together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.plugin_api import Duty, Imported, Keys, grouped, listed, minutes_of, moment, restrictions_of, zone_of

from .importing_people import People

UNITS = {"weekly": "week", "daily": "day", "hourly": "hour"}
DAYS = {name: number for number, name in enumerate(
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))}
DAY = 86400
Windows = list[tuple[int, str, str]]
Groups = dict[str, list[str]]


def schedules(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People, *, now: datetime) -> Groups:
    """All of them. Gives the keys of ours for each schedule of theirs, by id and by name."""
    groups: Groups = {}
    for schedule in listed(data, "schedules", "data"):
        changes: list[str] = []
        zone = zone_of(schedule.get("timezone"), changes)
        layers = [made for one in schedule.get("rotations") or []
                  if (made := _layer(one, zone, people, now=now, changes=changes)) is not None]
        overrides = _overrides(schedule, data, people, now=now, changes=changes)
        name = str(schedule.get("name") or schedule.get("id"))
        together = _together([windows for _, windows in layers])
        if not together:
            changes.append("its rotations are on duty at once: each is a schedule of its own, and levels page all of them")
        parts = [[layer for layer, _ in layers]] if together else [[layer] for layer, _ in layers]
        if schedule.get("enabled") is False:
            changes.append("it was switched off there")
        own = []
        for at, part in enumerate(parts):
            title = name if len(parts) == 1 else f"{name} {part[0]['name']}"
            own.append(keys.of("schedules", schedule.get("id") if at == 0 else f"{schedule.get('id')}/{at}", title))
            imported.add("schedules", key=own[-1], name=title[:100], team=people.team(schedule.get("ownerTeam")),
                         time_zone=zone.key, layers=part or None, overrides=overrides or None)
        groups[str(schedule.get("id"))] = groups[name] = own
        imported.judge("schedule", schedule, own[-1], changes)
        if duties := _rendered(data.get(f"schedules/{schedule.get('id')}/timeline"), people):
            imported.proofs["+".join(own)] = duties
    return groups


def _together(of_layers: list[Windows]) -> bool:
    """Whether no minute of the week belongs to two rotations."""
    taken: set[int] = set()
    for windows in of_layers:
        own = minutes_of(windows) if windows else set(range(10080))
        if taken & own:
            return False
        taken |= own
    return True


def _layer(rotation: Mapping[str, Any], zone: ZoneInfo, people: People, *, now: datetime,
           changes: list[str]) -> tuple[dict[str, Any], Windows] | None:
    name = str(rotation.get("name") or "rotation")
    starts, ends = moment(rotation.get("startDate")), moment(rotation.get("endDate"))
    if ends is not None and ends <= now:
        return None
    turns = []
    for one in rotation.get("participants") or []:
        email = people.email(one) if one.get("type") == "user" else None
        if email is None and one.get("type") != "none":
            changes.append(f"{name}: {one.get('username') or one.get('name') or one.get('type')} can't be in a turn here")
        if one.get("type") == "none":
            changes.append(f"{name}: a turn of nobody is left out")
        turns += [[email]] if email else []
    unit = UNITS.get(str(rotation.get("type")))
    if not turns or unit is None or starts is None:
        changes.append(f"{name} is left out: {'nobody is in it' if not turns else 'its kind of turn is unknown'}")
        return None
    windows = _windows(rotation.get("timeRestriction") or {})
    layer = {"name": name[:50], "starts": _local(starts, zone), "ends": _local(ends, zone) if ends else None,
             "rotation": {"every": int(rotation.get("length") or 1), "unit": unit}, "participants": turns,
             "restrictions": grouped(windows)}
    return {key: value for key, value in layer.items() if value is not None}, windows


def _windows(restriction: Mapping[str, Any]) -> Windows:
    one = restriction.get("restriction") or {}
    many = restriction.get("restrictions") or []
    if restriction.get("type") == "time-of-day" and one:
        start, end = _second(one, "start"), _second(one, "end")
        lasts = (end - start) % DAY or DAY
        return [window for day in range(7) for window in restrictions_of(day, start, lasts)]
    found: Windows = []
    for span in many:
        first, last = DAYS[str(span.get("startDay")).lower()], DAYS[str(span.get("endDay")).lower()]
        start, end = _second(span, "start"), _second(span, "end")
        lasts = ((last - first) * DAY + end - start) % (7 * DAY) or 7 * DAY
        found += restrictions_of(first, start, lasts)
    return found


def _second(one: Mapping[str, Any], edge: str) -> int:
    hour, minute = one.get(f"{edge}Hour"), one.get(f"{edge}Min", one.get(f"{edge}Minute"))
    return (int(hour or 0) * 3600 + int(minute or 0) * 60) % DAY


def _overrides(schedule: Mapping[str, Any], data: Mapping[str, Any], people: People, *, now: datetime,
               changes: list[str]) -> list[dict[str, Any]]:
    found = []
    for one in schedule.get("overrides") or listed(data, f"schedules/{schedule.get('id')}/overrides", "data"):
        start, end, email = moment(one.get("startDate")), moment(one.get("endDate")), people.email(one.get("user") or {})
        if start is None or end is None or end <= now:
            continue
        if email is None:
            changes.append("an override for somebody who is not a person of the account is left out")
        elif one.get("rotations"):
            changes.append(f"the override of {email} holds for the whole schedule, not for one rotation")
        if email:
            found.append({"starts": _minute(start), "ends": _minute(end + timedelta(minutes=1) - datetime.resolution),
                          "people": [email]})
    return found


def _rendered(timeline: Any, people: People) -> list[Duty]:
    """What the source's own timeline says: its final one."""
    final = ((timeline or {}).get("data") or {}).get("finalTimeline") or {}
    return [Duty(start, end, tuple(filter(None, [people.email(period.get("recipient") or {})])))
            for rotation in final.get("rotations") or [] for period in rotation.get("periods") or []
            if (start := moment(period.get("startDate"))) and (end := moment(period.get("endDate")))]


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")


def _minute(at: datetime) -> str:
    return at.replace(second=0, microsecond=0).isoformat()
