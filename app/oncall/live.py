"""Which parts of the pages about duty refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.live import Feed
from app.core.web import actor
from app.oncall.calendar_pages import CalendarsPage, calendars_page
from app.oncall.lanes import SchedulePage, schedule_page
from app.oncall.pages import OnCallPage, SchedulesPage, on_call_page, schedules_page
from app.oncall.request_pages import RequestsPage, requests_page

CHANGES = "schedule.* user.changed user.activated user.deactivated"


def _on_call() -> OnCallPage:
    return on_call_page(actor(), request.args)


def _requests() -> RequestsPage:
    return requests_page(actor())


def _calendars() -> CalendarsPage:
    return calendars_page(actor(), request.args.get("of", ""))


def _schedules() -> SchedulesPage:
    return schedules_page(actor(), request.args)


def _schedule(key: str) -> SchedulePage:
    return schedule_page(key, actor(), request.args)


FEEDS = (
    Feed("/on-call", "oncall/on_call.html", _on_call, topics=("*",), personal=True,
         regions={"mine": CHANGES, "everybody": CHANGES, "coming": CHANGES}),
    Feed("/on-call/requests", "oncall/requests.html", _requests, topics=("*",), personal=True,
         regions={"waiting": CHANGES, "mine": CHANGES, "past": CHANGES}),
    Feed("/me/calendars", "oncall/calendars.html", _calendars, topics=("*",), personal=True,
         regions={"addresses": "calendar_feed.*", "outside": "calendar_link.*"}),
    Feed("/schedules", "oncall/index.html", _schedules, topics=("*",), regions={"schedules": CHANGES}),
    Feed("/schedules/<key>", "oncall/schedule.html", _schedule, topics=("*",), personal=True,
         regions={"now": CHANGES, "lanes": CHANGES}),
)
