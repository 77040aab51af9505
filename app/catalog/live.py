"""Which parts of the catalogue refresh on which facts: of services, and of the incidents and duty they show."""

from __future__ import annotations

from flask import request

from app.catalog import queries, window_pages
from app.core.feed import Feed
from app.core.web import actor

SHOWN = "service.* incident.* schedule.* escalation.*"


def _directory() -> queries.Directory:
    return queries.directory(actor(), request.args)


def _service(key: str) -> queries.ServicePage:
    return queries.service_page(key, actor())


def _windows() -> window_pages.WindowsPage:
    return window_pages.windows_page(actor())


FEEDS = (
    Feed("/maintenance", "catalog/windows.html", _windows, topics=("*",),
         regions={"rows": "maintenance.* silence.* escalation.held escalation.released"}),
    Feed("/services", "catalog/index.html", _directory, topics=("*",), regions={"services": SHOWN}),
    Feed("/services/<key>", "catalog/service.html", _service, topics=("*",),
         regions={"summary": "service.*", "main": SHOWN, "rail": SHOWN}),
)
