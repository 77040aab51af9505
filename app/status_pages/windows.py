"""Windows as time passes: they begin, end, are reminded of and listed ahead. Commands of people stand in maintenance."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import alone, session
from app.core.events import record
from app.status_pages import events, recurrence, states
from app.status_pages.announcing import tell_of_window
from app.status_pages.maintenance_models import Announcement, PageWindow, Series
from app.status_pages.models import StatusPage

OPEN = ("scheduled", "in_progress")
SOONEST = timedelta(days=7)  # no reminder comes earlier than this
LISTED_EVERY = timedelta(days=1)


def start(window: PageWindow, by: Actor, at: datetime) -> None:
    """It runs from now on."""
    window.state, window.starts = "in_progress", min(window.starts, at)
    session.flush()
    record(events.WINDOW_STARTED, window.page.ref, by=by, also=states.also(window.page), title=window.title,
           window=window.public_id)
    tell_of_window(window, "started")
    states.touch(window.page)


def end(window: PageWindow, state: str, by: Actor) -> None:
    """It is completed or cancelled."""
    window.state = state
    session.flush()
    kind = events.WINDOW_ENDED if state == "completed" else events.WINDOW_CANCELLED
    record(kind, window.page.ref, by=by, also=states.also(window.page), title=window.title, window=window.public_id)
    tell_of_window(window, "ended" if state == "completed" else "cancelled")
    states.touch(window.page)


def move_on(*, by: Actor = SYSTEM, only: list[int] | None = None) -> int:
    """Windows whose time has come begin, those that are over end, and who wants it is reminded. In the open transaction."""
    alone("status pages")
    now = clock.now()
    query = select(PageWindow).where(PageWindow.state.in_(OPEN), PageWindow.starts <= now).order_by(PageWindow.id)
    found = list(session.scalars((query if only is None else query.where(PageWindow.page_id.in_(only)))
                                 .with_for_update().execution_options(populate_existing=True)))
    for window in found:
        if window.state == "scheduled":
            start(window, by, now)
        if window.ends <= now:
            end(window, "completed", by)
    if found:
        states.settle(only={window.page_id for window in found}, by=by)
    return len(found)


def reminders() -> list[tuple[int, str]]:
    """Which windows subscribers have to be reminded of now, each with the name of the reminder. Only reads."""
    now = clock.now()
    coming = session.scalars(select(PageWindow).join(PageWindow.page).where(
        PageWindow.state == "scheduled", PageWindow.starts > now, PageWindow.starts <= now + SOONEST,
        ~StatusPage.draft)).all()
    due = {f"window:{window.id}:before:{minutes}:{window.starts:%y%m%d%H%M}": window.id for window in coming
           for minutes in window.series.notify if window.created_at <= window.starts - timedelta(minutes=minutes) <= now}
    told = set(session.scalars(select(Announcement.once).where(Announcement.once.in_(due))))
    return [(key, once) for once, key in due.items() if once not in told]


def list_ahead(series: Series) -> int:
    """Make the times of the next 90 days; a day that has one, moved or cancelled or not, never gets another."""
    now = clock.now()
    until = now + recurrence.LISTED
    known = {slot[:10] for slot in session.scalars(select(PageWindow.slot).where(PageWindow.series_id == series.id))}
    fresh = [time for time in recurrence.times(plan_of(series), until)
             if time.slot[:10] not in known and time.ends > now]
    session.add_all(PageWindow(
        page_id=series.page_id, series_id=series.id, slot=time.slot, title=series.title, text=series.text, own=False,
        components=list(series.components), starts=time.starts, ends=time.ends, state="scheduled") for time in fresh)
    series.listed_until = until
    session.flush()
    if fresh:
        states.touch(series.page)
    return len(fresh)


def plan_of(series: Series) -> recurrence.Plan:
    """Its times, as the rules read them."""
    return recurrence.Plan(datetime.fromisoformat(series.starts), datetime.fromisoformat(series.ends),
                           ZoneInfo(series.time_zone), series.repeat)
