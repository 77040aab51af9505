"""Incidents of PagerDuty, sent by its webhooks of version 3, for as long as both are in use.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    Signature,
    Source,
    filled,
    first,
    hookimpl,
    ignored,
    mapping,
    meaning,
    moment,
    severity_of,
    text,
    web_link,
    words,
)

EVENTS = words(firing="incident.triggered, incident.reopened, incident.unacknowledged, incident.escalated, "
               "incident.priority_updated", acknowledged="incident.acknowledged", resolved="incident.resolved")
FIELDS = (Field("secret", "Webhook secret", secret=True, help="As PagerDuty shows it once; it signs what PagerDuty sends"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    event = mapping(inbound.object().get("event"))
    kind, data = text(event.get("event_type")), mapping(event.get("data"))
    if not kind:
        raise Rejected('"event" with an "event_type" is missing')
    status = meaning(EVENTS, kind)
    if not status:
        return ignored(f"PagerDuty tells of {kind}, which changes no alert")
    if not text(data.get("id")):
        raise Rejected('"data" has no "id"')
    service, priority = mapping(data.get("service")), mapping(data.get("priority"))
    return [Signal(
        dedup_key=text(data["id"]), status=status, title=text(data.get("title")),
        severity=severity_of(first(priority.get("summary"), data.get("urgency"))),
        url=web_link(data.get("html_url")), service_key=text(service.get("summary")),
        labels=filled(number=data.get("number"), service=service.get("summary"), incident_key=data.get("incident_key")),
        started_at=moment(data.get("created_at")), happened_at=moment(event.get("occurred_at")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("pagerduty_webhooks", "PagerDuty webhooks", read, FIELDS,
                   signature=Signature("X-PagerDuty-Signature", prefix="v1="),
                   key=lambda inbound: mapping(mapping(inbound.json()).get("event")).get("id"),
                   category="From another pager")]
