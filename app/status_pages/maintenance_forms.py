"""What people type on the forms of published maintenance, and what its pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound
from app.core.forms import duration, duration_text
from app.core.matching import DAYS
from app.identity.queries import may
from app.status_pages import queries
from app.status_pages.forms import faults
from app.status_pages.maintenance_models import PageWindow, Series
from app.status_pages.models import StatusPage

NTH = [("", "Every such weekday"), ("1", "The first"), ("2", "The second"), ("3", "The third"), ("4", "The fourth"),
       ("-1", "The last")]
PAST = timedelta(days=30)


@dataclass(frozen=True)
class MaintenancePage:
    """What runs, comes and was, on one page; `weeks` is the calendar of the next five weeks."""

    status: StatusPage
    now: list[PageWindow]
    coming: list[PageWindow]
    past: list[PageWindow]
    weeks: list[list[tuple[Any, list[PageWindow]]]]
    may_write: bool
    may_edit: bool


@dataclass(frozen=True)
class MaintenanceForm:
    """The form of new maintenance, of a series, or of one time alone."""

    status: StatusPage
    series: Series | None
    window: PageWindow | None
    values: Mapping[str, Any]
    nth: list[tuple[str, str]] = field(default_factory=lambda: NTH)
    weekdays: Sequence[str] = DAYS
    errors: Mapping[str, str] = field(default_factory=dict)


def maintenance_page(slug: str, by: Actor) -> MaintenancePage:
    """The page. Raises NotFound."""
    found, now = queries.page_for(slug, by), clock.now()
    windows = list(session.scalars(select(PageWindow).where(PageWindow.page_id == found.id, PageWindow.ends > now - PAST)
                                   .order_by(PageWindow.starts, PageWindow.id)))
    return MaintenancePage(
        found, [one for one in windows if one.state == "in_progress"], [one for one in windows if one.state == "scheduled"],
        [one for one in windows if one.state in ("completed", "cancelled")][::-1], _weeks(windows, found.time_zone),
        may(by, "status_page.write", team_id=found.team_id), may(by, "status_page.edit", team_id=found.team_id))


def _weeks(windows: Sequence[PageWindow], zone: str) -> list[list[tuple[Any, list[PageWindow]]]]:
    here = ZoneInfo(zone)
    today = clock.now().astimezone(here).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=at) for at in range(35)]
    held = {day: [one for one in windows if one.state != "cancelled" and one.starts.astimezone(here).date() <= day
                  <= (one.ends - timedelta(seconds=1)).astimezone(here).date()] for day in days}
    return [[(day, held[day]) for day in days[at:at + 7]] for at in range(0, 35, 7)]


def window_of(page: StatusPage, public_id: str) -> PageWindow:
    """A window of the page. Raises NotFound."""
    found = session.scalar(select(PageWindow).where(PageWindow.page_id == page.id, PageWindow.public_id == public_id))
    if found is None:
        raise NotFound
    return found


def read(form: Mapping[str, str], components: Sequence[str], days: Sequence[str]) -> dict[str, Any]:
    """The typed text as values for the commands; its reminders are still text."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("title", "text", "starts", "ends")}
    if form.get("time_zone"):
        values["time_zone"] = form["time_zone"].strip()
    values["components"] = list(components)
    values["repeat"] = {**{name: form.get(name, "").strip() for name in ("unit", "every", "until", "count", "nth")},
                        "days": list(days)}
    values["notify"] = form.get("notify", "")
    return values


def reminders(text: str) -> list[int]:
    """The minutes before a start. Raises ValueError for what is no duration."""
    return [duration(one) // 60 for one in text.replace(",", " ").split()]


def shown(status: StatusPage, series: Series | None, window: PageWindow | None = None, *,
          typed: Mapping[str, Any] | None = None, invalid: Invalid | None = None) -> MaintenanceForm:
    """The form with the present values, or with what was typed."""
    names = {one.id: one.public_id for one in status.components}
    zone = ZoneInfo(status.time_zone)
    values: dict[str, Any] = {"time_zone": status.time_zone, "repeat": {}, "notify": [1440, 60], "components": []}
    if window is not None:
        local = {name: f"{getattr(window, name).astimezone(zone):%Y-%m-%dT%H:%M}" for name in ("starts", "ends")}
        values |= {"title": window.title, "text": window.text, **local}
    elif series is not None:
        values |= {"title": series.title, "text": series.text, "starts": series.starts, "ends": series.ends,
                   "time_zone": series.time_zone, "repeat": series.repeat, "notify": series.notify,
                   "components": [names[key] for key in series.components if key in names]}
    values |= dict(typed or {})
    if not isinstance(values["notify"], str):
        values["notify"] = " ".join(duration_text(int(one) * 60) for one in values["notify"])
    return MaintenanceForm(status, series, window, values, errors=faults(invalid))
