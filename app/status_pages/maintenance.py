"""Commands on published maintenance: plan, change, start, end, cancel; one time or the series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import Problems, check_list, check_text, time_zone
from app.identity.queries import allow
from app.oncall.wallclock import local_instant
from app.status_pages import events, queries, recurrence, states
from app.status_pages.announcing import tell_of_window
from app.status_pages.maintenance_models import PageWindow, Series, WindowUpdate
from app.status_pages.models import StatusPage
from app.status_pages.windows import OPEN, end, list_ahead, move_on, plan_of, start

NOTIFY = [24 * 60, 60]


def plan(page: StatusPage, values: Mapping[str, Any], *, by: Actor) -> Series:
    """New maintenance, once or in a series. What started already, but is not over, starts at once. Raises Invalid."""
    allow(by, "status_page.edit", team_id=page.team_id)
    alone("status pages")
    series = Series(page_id=page.id, page=page, repeat={}, notify=list(NOTIFY), time_zone=page.time_zone)
    with session.no_autoflush:
        _fill(series, values, fresh=True)
    session.add(series)
    session.flush()
    record(events.WINDOW_PLANNED, page.ref, by=by, also=states.also(page), title=series.title, series=series.id,
           starts=series.starts, ends=series.ends, repeat=dict(series.repeat))
    list_ahead(series)
    move_on(by=by, only=[page.id])
    states.touch(page)
    return series


def change_series(series: Series, values: Mapping[str, Any], *, by: Actor) -> Series:
    """Change what is named, for all times that have not started; those that did, or were changed alone, stay.

    A time is known by its day: at another hour it moves, on another day it is cancelled and one is made anew.
    """
    page = series.page
    allow(by, "status_page.edit", team_id=page.team_id)
    alone("status pages")
    held = locked(Series, series.id) or series
    with session.no_autoflush:
        _fill(held, values, fresh=False)
    wanted = {time.slot[:10]: time for time in recurrence.times(plan_of(held), clock.now() + recurrence.LISTED)}
    for window in _coming(held):
        if window.own:
            continue
        time = wanted.get(window.slot[:10])
        if time is None:
            end(window, "cancelled", by)
            continue
        window.title, window.text, window.components = held.title, held.text, list(held.components)
        _move(window, time.starts, time.ends)
    held.listed_until = None
    list_ahead(held)
    record(events.WINDOW_CHANGED, page.ref, by=by, also=states.also(page), title=held.title, series=held.id, window=None)
    states.touch(page)
    return held


def change_window(window: PageWindow, values: Mapping[str, Any], *, by: Actor) -> None:
    """Change one time alone. Raises Invalid."""
    page = window.page
    allow(by, "status_page.edit", team_id=page.team_id)
    alone("status pages")
    window = locked(PageWindow, window.id) or window
    if window.state not in OPEN:
        raise Conflict(f"It is {window.state} already")
    faults, zone = Problems(), ZoneInfo(page.time_zone)
    starts, ends = (_instant(values, name, zone, faults) or getattr(window, name) for name in ("starts", "ends"))
    if fault := recurrence.length_fault(starts, ends):
        faults.add("ends", fault)
    if ends <= clock.now():
        faults.add("ends", "It has to end in the future")
    for name, most in (("title", 200), ("text", 5000)):
        if name in values:
            setattr(window, name, faults.take(name, check_text, values[name] or "", least=int(name == "title"), most=most)
                    or "")
    faults.raise_if_any()
    window.own = True
    _move(window, window.starts if window.state == "in_progress" else starts, ends)
    record(events.WINDOW_CHANGED, page.ref, by=by, also=states.also(page), title=window.title, series=window.series_id,
           window=window.public_id)
    move_on(by=by, only=[page.id])
    states.touch(page)


def _instant(values: Mapping[str, Any], name: str, zone: ZoneInfo, faults: Problems) -> datetime | None:
    text = faults.take(name, recurrence.read_local, values[name]) if values.get(name) else ""
    return local_instant(datetime.fromisoformat(text), zone) if text else None


def _move(window: PageWindow, starts: datetime, ends: datetime) -> None:
    if (window.starts, window.ends) != (starts, ends):
        window.starts, window.ends = starts, ends
        session.flush()
        tell_of_window(window, "moved", once=f"window:{window.id}:moved:{starts:%y%m%d%H%M}:{ends:%y%m%d%H%M}")


def start_now(window: PageWindow, *, by: Actor) -> None:
    """It begins, before its time."""
    _command(window, by, ("scheduled",))
    start(window, by, clock.now())
    states.settle(only=[window.page_id], by=by)


def end_now(window: PageWindow, *, by: Actor) -> None:
    """It is over, before its time."""
    _command(window, by, ("in_progress",))
    window.ends = clock.now()
    end(window, "completed", by)
    states.settle(only=[window.page_id], by=by)


def cancel(window: PageWindow, *, by: Actor) -> None:
    """It does not take place, or stops; others of the series stay."""
    _command(window, by, OPEN)
    end(window, "cancelled", by)
    states.settle(only=[window.page_id], by=by)


def cancel_series(series: Series, *, by: Actor) -> None:
    """None of its coming times takes place, and no more are listed; one that runs goes on."""
    allow(by, "status_page.edit", team_id=series.page.team_id)
    alone("status pages")
    series.repeat = {}
    for window in _coming(series):
        end(window, "cancelled", by)
    states.touch(series.page)


def _coming(series: Series) -> list[PageWindow]:
    """Its windows that have not started, as they are now; nobody starts them meanwhile."""
    return list(session.scalars(select(PageWindow).where(PageWindow.series_id == series.id, PageWindow.state == "scheduled")
                                .order_by(PageWindow.id).with_for_update().execution_options(populate_existing=True)))


def add_update(window: PageWindow, text: str, *, by: Actor) -> WindowUpdate:
    """Say how it goes. Raises Invalid."""
    page = window.page
    allow(by, "status_page.write", team_id=page.team_id)
    faults = Problems()
    said = faults.take("text", check_text, text, least=1, most=5000, label="The text")
    faults.raise_if_any()
    made = WindowUpdate(window=window, state=window.state, text=said, author=by.ref, author_name=by.name[:200])
    session.add(made)
    session.flush()
    record(events.WINDOW_UPDATED, page.ref, by=by, also=states.also(page), title=window.title, text=said,
           window=window.public_id)
    tell_of_window(window, "update", once=f"window-update:{made.id}", text=made.text)
    states.touch(page)
    return made


def _command(window: PageWindow, by: Actor, from_: tuple[str, ...]) -> None:
    allow(by, "status_page.edit", team_id=window.page.team_id)
    alone("status pages")
    locked(PageWindow, window.id)
    if window.state not in from_:
        raise Conflict(f"It is {window.state.replace('_', ' ')} already")


def _fill(series: Series, values: Mapping[str, Any], *, fresh: bool) -> None:
    faults = Problems()
    for name, least, most in (("title", 1, 200), ("text", 0, 5000)):
        if name in values or fresh:
            setattr(series, name, faults.take(name, check_text, values.get(name) or "", least=least, most=most) or "")
    if "time_zone" in values:
        series.time_zone = faults.take("time_zone", time_zone, values["time_zone"]) or series.time_zone
    for name in ("starts", "ends"):
        if name in values or fresh:
            setattr(series, name, faults.take(name, recurrence.read_local, values.get(name)) or "")
    if "components" in values or fresh:
        series.components = [queries.component_of(series.page, str(one)).id for one in values.get("components") or []]
        if not series.components:
            faults.add("components", "Choose at least one component")
    if "repeat" in values:
        series.repeat = recurrence.read_repeat(values["repeat"], faults.at("repeat"))
    if "notify" in values:
        series.notify = [int(one) for one in faults.take("notify", check_list, values["notify"], most=5) or []]
    if not faults:
        _check_times(series, faults, fresh)
    faults.raise_if_any()


def _check_times(series: Series, faults: Problems, fresh: bool) -> None:
    plan_ = plan_of(series)
    if fault := recurrence.length_fault(plan_.starts, plan_.ends):
        faults.add("ends", fault)
    elif fresh and not series.repeat and local_instant(plan_.ends, plan_.zone) <= clock.now():
        faults.add("ends", "It has to end in the future")
