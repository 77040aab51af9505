"""Commands on maintenance windows and silences. What is held by one is looked at again when it changes or ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.catalog import events, windows
from app.catalog.models import Window
from app.catalog.window_queries import is_open, maintenance_by_key, maintenance_document, plan_of, silence_document
from app.catalog.window_scope import Edit, fill_owner, fill_scope
from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import Problems, check_boolean, check_key, check_text, duration, one_of, time_zone
from app.core.matching import DAYS
from app.identity.queries import allow

LONGEST_SILENCE = timedelta(days=30)


def save_maintenance(values: Mapping[str, Any], *, by: Actor) -> Window:
    """Create or change the maintenance window `values["key"]`; only what is named changes. Raises Invalid, Forbidden."""
    faults = Problems()
    key = faults.take("key", check_key, values.get("key"))
    window = maintenance_by_key(key) if key else None
    before = None if window is None else maintenance_document(window)
    if window is None:
        window = Window(kind="maintenance", key=key, name="", labels={}, services=[], teams=[], integrations=[], starts="",
                        ends="", time_zone="UTC", repeat={}, hold_pages=True, page_critical=False, reason="")
    else:
        window = locked(Window, window.id) or window
        allow(by, "maintenance.edit", team_id=window.team_id)
    with session.no_autoflush:
        edit = Edit(window, by, faults)
        fill_owner(edit, values)
        fill_scope(edit, values)
        _fill_texts(window, values, faults, fresh=before is None)
        _fill_times(window, values, faults, fresh=before is None)
        faults.raise_if_any()
    window.over_at = windows.over_at(plan_of(window))
    _keep(window)
    after = maintenance_document(window)
    if after != before:
        record(events.MAINTENANCE_CREATED if before is None else events.MAINTENANCE_CHANGED, window.ref, by=by,
               also=_also(window), name=window.name, before=before, after=after)
    return window


def _keep(window: Window) -> None:
    try:
        with session.begin_nested():
            session.add(window)
    except IntegrityError:
        raise Conflict(f"There is a maintenance window {window.key} already") from None


def _also(window: Window) -> list[str]:
    return ["windows", *([f"team:{window.team_id}"] if window.team_id else [])]


def _fill_texts(window: Window, values: Mapping[str, Any], faults: Problems, *, fresh: bool) -> None:
    if "name" in values or fresh:
        window.name = faults.take("name", check_text, values.get("name", ""), least=2, most=100, label="A name") or ""
    if "reason" in values:
        window.reason = faults.take("reason", check_text, values["reason"] or "", most=500) or ""
    for name in ("hold_pages", "page_critical"):
        if name in values:
            setattr(window, name, bool(faults.take(name, check_boolean, values[name])))


def _fill_times(window: Window, values: Mapping[str, Any], faults: Problems, *, fresh: bool) -> None:
    if "time_zone" in values:
        window.time_zone = faults.take("time_zone", time_zone, values["time_zone"]) or "UTC"
    for name in ("starts", "ends"):
        if name in values or fresh:
            setattr(window, name, faults.take(name, _local_text, values.get(name), zone=window.time_zone) or "")
    if "repeat" in values:
        window.repeat = _repeat(values["repeat"] or {}, faults.at("repeat"))
    if not faults:
        plan = plan_of(window)
        if not windows.SHORTEST <= plan.ends - plan.starts <= windows.LONGEST:
            faults.add("ends", "A window lasts from 1 minute to 30 days")


def _local_text(text: object, *, zone: str) -> str:
    """A local time as it is kept; one with an offset is taken over into the window's zone."""
    try:
        found = datetime.fromisoformat(str(text or "").strip())
    except ValueError:
        raise ValueError("Write a local time like 2026-03-01T02:00") from None
    clock.check_year(found)
    if found.tzinfo is not None:
        found = found.astimezone(windows.ZoneInfo(zone)).replace(tzinfo=None)
    return found.isoformat(timespec="seconds")


def _repeat(given: Mapping[str, Any], faults: Problems) -> dict[str, Any]:
    if not given or not given.get("unit"):
        return {}
    found: dict[str, Any] = {"unit": faults.take("unit", one_of, given["unit"], choices=tuple(windows.UNITS))}
    every = given.get("every") or 1
    if not str(every).isdecimal() or not 1 <= int(every) <= 52:
        faults.add("every", "From 1 to 52")
    elif int(every) != 1:
        found["every"] = int(every)
    if given.get("days"):
        found["days"] = [faults.take("days", one_of, day, choices=DAYS) for day in given["days"]]
    if given.get("until"):
        until = faults.take("until", _local_text, given["until"], zone="UTC")
        found["until"] = (until or "")[:16]
    return found


def add_silence(values: Mapping[str, Any], *, by: Actor) -> Window:
    """Hold pages from now (or `starts`) until `ends`, or `for` so long; with a reason, owned by whoever asks."""
    faults, now = Problems(), clock.now()
    window = Window(kind="silence", owner_id=by.user_id, name="", labels={}, services=[], teams=[], integrations=[],
                    time_zone="UTC", repeat={}, hold_pages=True, page_critical=False)
    with session.no_autoflush:
        edit = Edit(window, by, faults)
        fill_owner(edit, {"team": None, **values})
        fill_scope(edit, values)
    window.reason = faults.take("reason", check_text, values.get("reason"), least=3, most=500, label="A reason") or ""
    window.page_critical = bool(faults.take("page_critical", check_boolean, values.get("page_critical", False)))
    starts = faults.take("starts", _moment, values["starts"]) if values.get("starts") else now
    ends = faults.take("ends", _moment, values["ends"]) if values.get("ends") else None
    if values.get("for") and starts:
        seconds = faults.take("for", duration, values["for"])
        ends = starts + timedelta(seconds=seconds or 0)
    if not faults and (ends is None or starts is None or not now < ends <= starts + LONGEST_SILENCE):
        faults.add("ends", "A silence ends in the future, and lasts 30 days at most")
    faults.raise_if_any()
    _set_bounds(window, starts or now, ends or now)
    session.add(window)
    session.flush()
    record(events.SILENCE_CREATED, window.ref, by=by, also=_also(window), reason=window.reason,
           after=silence_document(window))
    return window


def _moment(text: object) -> datetime:
    try:
        return clock.parse_instant(str(text))
    except ValueError:
        raise ValueError("Write a time like 2026-03-01T09:00:00Z") from None


def _set_bounds(window: Window, starts: datetime, ends: datetime) -> None:
    window.starts, window.ends = (one.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
                                  for one in (starts, ends))
    window.over_at = windows.over_at(plan_of(window))


def end_window(window: Window, *, by: Actor) -> Window:
    """End what is open now; a window that repeats opens again at its next time. What was held is paged if still needed."""
    window = locked(Window, window.id) or window
    allow(by, f"{window.kind}.edit", team_id=window.team_id)
    if not is_open(window, clock.now()):
        raise Conflict("It is not open now")
    window.not_before = clock.now()
    if not window.repeat:
        window.over_at = clock.now()
    session.flush()
    record(events.MAINTENANCE_ENDED if window.kind == "maintenance" else events.SILENCE_ENDED, window.ref, by=by,
           also=_also(window), name=window.title)
    return window


def extend(window: Window, seconds: int, *, by: Actor) -> Window:
    """Let what is open now, once, last so much longer."""
    window = locked(Window, window.id) or window
    allow(by, f"{window.kind}.edit", team_id=window.team_id)
    plan = plan_of(window)
    ends = plan.ends + timedelta(seconds=seconds)
    if window.repeat or not is_open(window, clock.now()) or ends - plan.starts > windows.LONGEST:
        raise Conflict("Only what is open now and does not repeat can be extended, to 30 days at most")
    window.ends = ends.isoformat(timespec="seconds")
    window.over_at = windows.over_at(plan_of(window))
    session.flush()
    record(events.WINDOW_EXTENDED, window.ref, by=by, also=_also(window), name=window.title,
           until=clock.rfc3339(window.over_at))
    return window


def remove_maintenance(window: Window, *, by: Actor) -> None:
    """Cancel it for good."""
    allow(by, "maintenance.edit", team_id=window.team_id)
    before, ref, also, name = maintenance_document(window), window.ref, _also(window), window.name
    session.delete(window)
    session.flush()
    record(events.MAINTENANCE_DELETED, ref, by=by, also=also, name=name, before=before)
