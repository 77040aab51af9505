"""Which blocks of the incident pages refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.errors import Failure
from app.core.feed import Feed
from app.core.web import actor
from app.incidents import alert_pages, detail, pages, queries


def _list() -> pages.IncidentList:
    return pages.incident_list(actor(), request.args)


def _alerts() -> alert_pages.AlertList:
    return alert_pages.alert_list(actor(), request.args)


def _list_rights() -> str:
    """Who was asked about incidents of teams they are not in sees rows of their own."""
    by = actor()
    return by.ref if queries.asked_elsewhere(by) else ""


def _one(id: str) -> detail.IncidentPage:
    return detail.incident_page(id, actor(), request.args)


def _rights(id: str) -> str:
    """Who was paged for it may act on it, whatever their role; dates stand in the reader's zone; fresh notes of one's
    own can be changed, and who was asked may answer."""
    by = actor()
    try:
        incident = queries.incident_for(id, by)
        own = by.ref if detail.wrote(incident, by) or queries.involved(incident, by) else ""
        return f"{detail.may_act(incident, by)} {detail.zone_of(by)} {own}"
    except Failure:
        return "hidden"


FEEDS = (
    Feed("/incidents", "incidents/index.html", _list, topics=("incidents",), apart=_list_rights,
         regions={"counters": "incident.*", "rows": "incident.* escalation.*"},
         rows={"rows": ("row", "incidents", "incident")}),
    Feed("/alerts", "incidents/all_alerts.html", _alerts, topics=("incidents",), apart=_list_rights,
         regions={"rows": "incident.*"}),
    Feed("/incidents/<id>", "incidents/incident.html", _one, topics=("incident:{id}",), apart=_rights,
         regions={"about": "incident.*", "act": "incident.*", "room": "incident.*", "told": "incident.*",
                  "posts": "incident.*",
                  "strip": "incident.* escalation.* message.*",
                  "paged": "incident.* escalation.* message.*", "alerts": "incident.*", "timeline": "*",
                  "workflows": "workflow.*",
                  "runbooks": "runbook.* incident.*",
                  "status": "incident.* status_*", "impact": "incident.opened incident.resolved incident.reopened",
                  "postmortem": "postmortem.* incident.resolved incident.reopened"},
         wider={"impact": ("incidents",), "status": ("status_pages",)}),
)
