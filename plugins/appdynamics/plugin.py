"""Health rule violations of AppDynamics, sent by an HTTP request template.

Source: https://docs.appdynamics.com/appd/24.x/latest/en/appdynamics-essentials/alert-and-respond/actions/http-request-actions-and-templates
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Inbound,
    Rejected,
    Signal,
    Source,
    filled,
    first,
    hookimpl,
    ignored,
    mapping,
    meaning,
    moment,
    parse_json,
    stable_key,
    text,
    web_link,
    words,
)

OVER = ("policy_close", "policy_cancel")
SEVERITIES = words(critical="critical", high="error", medium="warn, warning", info="info")


def body_of(inbound: Inbound) -> dict[str, Any]:
    """The filled-in template, whose texts may hold line breaks as they are. Raises Rejected."""
    try:
        plain = json.dumps(json.loads(inbound.body, strict=False)).encode()
    except (ValueError, RecursionError):
        plain = inbound.body
    body = parse_json(plain)
    if not isinstance(body, dict) or not body:
        raise Rejected("The body must be an object with at least one field")
    return body


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    body = body_of(inbound)
    event = first(body.get("event_type"), body.get("eventType"))
    if not event:
        raise Rejected('The body needs an "event_type": give it the value ${latestEvent.eventType}')
    if not event.lower().startswith("policy_"):
        return ignored(f"AppDynamics tells of {event}, which is no violation of a health rule")
    rule, entity = said(body, "health_rule"), said(body, "entity") or said(body, "node") or said(body, "tier")
    title = f"{rule} on {entity}" if rule and entity else first(rule, body.get("name"), body.get("summary"))
    application = said(body, "application")
    return [Signal(
        dedup_key=text(body.get("incident_id")) or stable_key(application, rule or title, entity),
        status="resolved" if event.lower().startswith(OVER) else "firing", title=title,
        severity=meaning(SEVERITIES, body.get("severity")), body=first(body.get("summary"), body.get("message")),
        url=web_link(first(body.get("link"), body.get("deepLink"))), service_key=application,
        labels=filled(application=application, tier=said(body, "tier"), node=said(body, "node"), health_rule=rule),
        happened_at=moment(first(body.get("time"), body.get("eventTime"))),
    )]


def said(body: dict[str, Any], name: str) -> str:
    """A field that comes as its name, or as an object with one; what was not filled in is empty."""
    found = first(body.get(name), mapping(body.get(name)).get("name"))
    return "" if found.startswith("${") else found


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("appdynamics", "AppDynamics", read, category="Metrics and monitoring")]
