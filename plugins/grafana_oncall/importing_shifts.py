"""Schedules with their shifts, swaps and imported calendars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.plugin_api import Duty, Imported, Keys, grouped, listed, minutes_of, moment, restrictions_of, zone_of

from .importing_people import People

DAYS = {name: number for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
UNITS = {"hourly": ("hour", 3600), "daily": ("day", 86400), "weekly": ("week", 604800), "monthly": ("month", 2419200)}
DAY = 86400
Windows = list[tuple[int, str, str]]


def schedules(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People, *, now: datetime) -> None:
    """All of them: web and Terraform ones by their shifts, calendars by their addresses."""
    shifts = {str(one.get("id")): one for one in listed(data, "on_call_shifts", "results")}
    for schedule in listed(data, "schedules", "results"):
        changes: list[str] = []
        zone = zone_of(schedule.get("time_zone"), changes)
        named = [str(one) for one in schedule.get("shifts") or []]
        changes += [f"its shift {one} is not in the export" for one in named if one not in shifts]
        own = [shifts[one] for one in named if one in shifts]
        layers, overrides = _read(own, zone, people, now=now, changes=changes)
        overrides += _swaps(schedule, data, people, now=now, changes=changes)
        calendars = [{"use": use, "url": schedule[name]} for use, name in (
            ("primary", "ical_url_primary"), ("override", "ical_url_overrides")) if schedule.get(name)]
        key = keys.of("schedules", schedule.get("id"), str(schedule.get("name") or ""))
        imported.add("schedules", key=key, name=str(schedule.get("name") or key)[:100], time_zone=zone.key,
                     team=people.team(schedule.get("team_id")), layers=layers or None, overrides=overrides or None,
                     calendars=calendars or None)
        if calendars:
            changes.append("people of its calendars are found by the e-mail addresses in them")
        imported.judge("schedule", schedule, key, changes)
        if duties := _rendered(listed(data, f"schedules/{schedule.get('id')}/final_shifts", "results")):
            imported.proofs[key] = duties


def _read(shifts: list[Mapping[str, Any]], zone: ZoneInfo, people: People, *, now: datetime,
          changes: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Layers, lowest level first, and overrides that are not over."""
    layers: list[tuple[int, dict[str, Any], Windows]] = []
    overrides = []
    for shift in shifts:
        own = zone_of(shift.get("time_zone"), changes) if shift.get("time_zone") else zone
        if shift.get("type") in ("override", "single_event"):
            overrides += _override(shift, own, people, now=now, changes=changes)
        elif (made := _layer(shift, own, people, now=now, changes=changes)) is not None:
            layer, windows = made
            layers.append((int(shift.get("level") or 0), layer | ({"time_zone": own.key} if own != zone else {}), windows))
    _say_overlaps(layers, changes)
    return [layer for _, layer, _ in sorted(layers, key=lambda one: one[0])], overrides


def _say_overlaps(layers: list[tuple[int, dict[str, Any], Windows]], changes: list[str]) -> None:
    taken: dict[int, set[int]] = {}
    for level, layer, windows in layers:
        own = minutes_of(windows) if windows else set(range(10080))
        if taken.setdefault(level, set()) & own:
            changes.append(f"{layer['name']} is on duty at once with another shift of its level; here the later one decides")
        taken[level] |= own


def _layer(shift: Mapping[str, Any], zone: ZoneInfo, people: People, *, now: datetime,
           changes: list[str]) -> tuple[dict[str, Any], Windows] | None:
    name = str(shift.get("name") or "shift")
    until = moment(shift.get("until"))
    if until is not None and until <= now:
        return None
    groups = shift.get("rolling_users") or [shift.get("users") or []]
    turns = [[email for one in group if (email := people.email(one))] for group in groups]
    turns = [turn for turn in turns if turn]
    if sum(len(turn) for turn in turns) < sum(len(group) for group in groups):
        changes.append(f"{name}: somebody in it is not in the account")
    unit, size = UNITS.get(str(shift.get("frequency")), ("", 0))
    start = _wall(shift.get("rotation_start") or shift.get("start"))
    if not turns or not unit or start is None:
        changes.append(f"{name} is left out: {'nobody is in it' if not turns else 'it does not recur'}")
        return None
    every, lasts = int(shift.get("interval") or 1), int(shift.get("duration") or 0)
    windows = _windows(shift, unit, lasts, size * every)
    pauses = lasts < size * every and (unit in ("hour", "month") or (every > 1 and not shift.get("by_day")))
    if shift.get("by_month") or shift.get("by_monthday") or (unit in ("day", "hour") and shift.get("by_day")) or pauses:
        changes.append(f"{name}: the days on which it recurs can't all be said here")
    if unit == "week" and shift.get("by_day"):
        start = _week_begins(start, str(shift.get("week_start") or "MO"))
    first = int(shift.get("start_rotation_from_user_index") or 0) % len(turns)
    layer = {"name": name[:50], "starts": start.isoformat(timespec="minutes"), "rotation": {"every": every, "unit": unit},
             "participants": [*turns[first:], *turns[:first]], "restrictions": grouped(windows)}
    if until is not None:
        layer["ends"] = until.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
    return layer, windows


def _windows(shift: Mapping[str, Any], unit: str, lasts: int, period: int) -> Windows:
    """When within the week its people are on duty; empty when always."""
    start = _wall(shift.get("start"))
    if start is None or unit in ("hour", "month") or lasts >= period:
        return []
    begins = start.hour * 3600 + start.minute * 60
    days = [DAYS[day] for day in shift.get("by_day") or [] if day in DAYS] or (
        list(range(7)) if unit == "day" else [start.weekday()])
    if lasts >= DAY and len(days) > 1:
        lasts = DAY
    return [window for day in days for window in restrictions_of(day, begins, lasts)]


def _wall(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)[:16])
    except ValueError:
        return None


def _week_begins(at: datetime, day: str) -> datetime:
    """Groups change when the week does: midnight of the last such day."""
    back = (at.weekday() - DAYS.get(day, 0)) % 7
    return (at - timedelta(days=back)).replace(hour=0, minute=0)


def _override(shift: Mapping[str, Any], zone: ZoneInfo, people: People, *, now: datetime,
              changes: list[str]) -> list[dict[str, Any]]:
    groups = shift.get("rolling_users") or [shift.get("users") or []]
    said = [one for group in groups for one in group]
    found = [email for one in said if (email := people.email(one))]
    name, start = f"the override {shift.get('name') or shift.get('id')}", _wall(shift.get("start"))
    if start is None:
        changes.append(f"{name} is left out: it has no beginning")
        return []
    first = start.replace(tzinfo=zone)
    last = first + timedelta(seconds=int(shift.get("duration") or 0))
    if last <= now:
        return []
    if not found:
        changes.append(f"{name} is left out: nobody in it is in the account")
        return []
    if len(found) < len(said):
        changes.append(f"{name}: somebody in it is not in the account")
    return [{"starts": first.isoformat(), "ends": last.isoformat(), "people": found}]


def _swaps(schedule: Mapping[str, Any], data: Mapping[str, Any], people: People, *, now: datetime,
           changes: list[str]) -> list[dict[str, Any]]:
    found = []
    for swap in listed(data, "shift_swaps", "results"):
        start, end = moment(swap.get("swap_start")), moment(swap.get("swap_end"))
        taker, giver = people.email(swap.get("benefactor")), people.email(swap.get("beneficiary"))
        mine = str(swap.get("schedule")) == str(schedule.get("id"))
        if not (mine and start and end and end > now and swap.get("benefactor") and swap.get("status") in (None, "taken")):
            continue
        if taker and giver:
            found.append({"starts": start.isoformat(), "ends": end.isoformat(), "people": [taker], "replaces": giver})
        else:
            changes.append("a swap of somebody who is not in the account is left out")
    return found


def _rendered(shifts: Any) -> list[Duty]:
    return [Duty(start, end, (str(one.get("user_email")).lower(),)) for one in shifts
            if one.get("user_email") and (start := moment(one.get("shift_start"))) and (end := moment(one.get("shift_end")))]
