"""Monitors of Cronitor, sent by its webhook integration.

Source: https://cronitor.io/docs/webhooks
"""

from __future__ import annotations

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
    labels,
    lines,
    meaning,
    moment,
    severity_of,
    text,
    web_link,
    words,
)

TYPES = words(firing="alert, failure, down, failing", resolved="recovery, recovered, up, healthy", suppressed="paused, info")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a monitor."""
    body = inbound.object()
    key = first(body.get("id"), body.get("key"), body.get("monitor"))
    if not key:
        raise Rejected('The body needs an "id"')
    found = {name: value for name, value in labels(body.get("tags")).items() if value}
    return [Signal(
        dedup_key=key, status=meaning(TYPES, first(body.get("type"), body.get("state")), "firing"),
        title=first(body.get("monitor"), body.get("name"), key), severity=severity_of(body.get("severity")),
        body=lines(body.get("description"), body.get("rule")),
        url=first(*map(web_link, (body.get("issue_url"), body.get("monitor_url"), body.get("url")))),
        service_key=found.get("service", ""), labels={**filled(environment=body.get("environment")), **found},
        happened_at=moment(text(body.get("datetime_utc")) or body.get("timestamp")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("cronitor", "Cronitor", read, category="Uptime and cron")]
