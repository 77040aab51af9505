"""Alerts of Datadog: the webhooks integration, with the payload of the guide or one of similar names.

Source: https://docs.datadoghq.com/integrations/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Inbound,
    Rejected,
    Signal,
    Source,
    first,
    hookimpl,
    labels,
    meaning,
    moment,
    severity_of,
    stable_key,
    text,
    web_link,
    words,
)

STATES = words(firing="triggered, re-triggered, warn, re-warn, no data, re-no data, renotify, alert, error, warning",
               resolved="recovered, ok, success, resolved", suppressed="muted")
# What Datadog writes before a title: "[P2] [Triggered on {host:db-1}] ".
PREFIX = re.compile(r"(\[(P[1-5]|(Re-)?(Triggered|Warn|No Data)|Recovered|Renotify|Muted)( on [^\]]*)?\]\s*)+",
                    re.IGNORECASE)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    body = inbound.object()
    title = PREFIX.sub("", first(body.get("title"), body.get("alert_title"), body.get("event_title")), count=1)
    key, found = problem(body, title), labels(body.get("tags"))
    word = first(body.get("alert_transition"), body.get("transition"))
    without_data = word.lower().endswith("no data")
    at = moment(first(body.get("last_updated"), body.get("date")))
    return [Signal(
        dedup_key=key, status=status(body, word), title=f"No Data: {title}" if without_data else title,
        severity=severity(body), body=first(body.get("body"), body.get("event_msg"), body.get("text")),
        url=web_link(first(body.get("url"), body.get("link"))), service_key=found.get("service", ""), labels=found,
        happened_at=at,
    )]


def problem(body: dict[str, Any], title: str) -> str:
    """Monitor and scope; the scope's parts come in any order. Raises Rejected when nothing names the problem."""
    monitor, scopes = text(body.get("monitor_id")), first(body.get("scopes"), body.get("alert_scope"))
    if monitor:
        return f"{monitor}:{','.join(sorted(part.strip() for part in scopes.split(',')))}"
    other = first(body.get("aggreg_key"), body.get("alert_cycle_key"), body.get("alert_id"))
    if not other and not title:
        raise Rejected('The body needs "monitor_id", "alert_id" or a "title"')
    return other or stable_key(title)


def status(body: dict[str, Any], word: str) -> Any:
    """The transition decides, then the status, then the type; what is not said to be over is firing."""
    said = (word, body.get("alert_status"), body.get("status"), body.get("alert_type"))
    return next((known for one in said if (known := meaning(STATES, one))), "firing")


def severity(body: dict[str, Any]) -> Any:
    """The monitor's priority, else the type of the event."""
    said = (body.get("severity"), body.get("alert_priority"), body.get("priority"), body.get("alert_type"))
    return next((known for one in said if (known := severity_of(one))), "")


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("datadog", "Datadog", read, category="Metrics and monitoring")]
