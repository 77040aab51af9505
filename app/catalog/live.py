"""Which parts of the catalogue refresh on which facts: of services, and of the incidents and duty they show."""

from __future__ import annotations

from flask import request

from app.catalog import pages, queries, window_pages
from app.core.feed import Feed
from app.core.web import actor

SHOWN = "service.* incident.* schedule.* escalation.*"


def _directory() -> queries.Directory:
    return queries.directory(actor(), request.args)


def _service(key: str) -> pages.ServicePage:
    return pages.service_page(key, actor())


def _windows() -> window_pages.WindowsPage:
    return window_pages.windows_page(actor())


def _graph() -> pages.GraphPage:
    return pages.graph_page(actor(), request.args)


def _around(key: str) -> pages.GraphPage:
    return pages.graph_page(actor(), request.args, key)


GRAPH = {"graph": "service.* incident.opened incident.resolved incident.reopened incident.severity*"}

FEEDS = (
    Feed("/maintenance", "catalog/windows.html", _windows, topics=("*",),
         regions={"rows": "maintenance.* silence.* escalation.held escalation.released"}),
    Feed("/services/-/graph", "catalog/graph.html", _graph, topics=("services", "incidents"), regions=GRAPH),
    Feed("/services/<key>/graph", "catalog/graph.html", _around, topics=("services", "incidents"), regions=GRAPH),
    Feed("/services", "catalog/index.html", _directory, topics=("*",), regions={"services": SHOWN}),
    Feed("/services/<key>", "catalog/service.html", _service, topics=("*",),
         regions={"summary": "service.*", "around": SHOWN, "rail": SHOWN}),
)
