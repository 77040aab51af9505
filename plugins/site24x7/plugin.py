"""Monitors of Site24x7, sent by a webhook integration as JSON or as a form.

Source: https://www.site24x7.com/help/admin/third-party-integrations/webhooks.html
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
    text,
    web_link,
    words,
)

STATES = words(firing="down, critical, trouble", resolved="up", suppressed="maintenance, suspended")
SEVERITIES = words(critical="down", high="critical", medium="trouble")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a monitor."""
    said = inbound.form()
    number, name, found = text(said.get("MONITOR_ID")), text(said.get("MONITORNAME")), labels(said.get("TAGS"))
    if not first(number, name):
        raise Rejected('"MONITOR_ID" is missing')
    return [Signal(
        dedup_key=number or name, status=meaning(STATES, said.get("STATUS"), "firing"), title=name,
        severity=meaning(SEVERITIES, said.get("STATUS")),
        body=lines(said.get("INCIDENT_REASON"), said.get("FAILED_LOCATIONS")),
        url=web_link(first(said.get("MONITOR_DASHBOARD_LINK"), said.get("MONITORURL"))),
        service_key=found.get("service", ""),
        labels={**filled(type=said.get("MONITORTYPE"), group=said.get("MONITOR_GROUPNAME")), **found},
        happened_at=moment(said.get("INCIDENT_TIME_ISO")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("site24x7", "Site24x7", read, category="Uptime and cron")]
