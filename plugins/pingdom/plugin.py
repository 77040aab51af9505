"""Checks of Pingdom, uptime and transaction alike, sent by its webhook integration.

Source: https://www.pingdom.com/resources/webhooks/
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
    mapping,
    meaning,
    moment,
    severity_of,
    text,
    web_link,
    words,
)

STATES = words(firing="down, failing, failed, unconfirmed_down", resolved="up, success", suppressed="paused, unknown")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a check."""
    body = inbound.object()
    number, asked, found = text(body.get("check_id")), mapping(body.get("check_params")), labels(body.get("tags"))
    if not number:
        raise Rejected('"check_id" is missing')
    return [Signal(
        dedup_key=number, status=meaning(STATES, body.get("current_state"), "firing"),
        title=first(body.get("check_name"), asked.get("hostname")), severity=severity_of(body.get("importance_level")),
        body=lines(first(body.get("long_description"), body.get("description")), body.get("custom_message")),
        url=web_link(first(asked.get("full_url"), asked.get("url"))), service_key=found.get("service", ""),
        labels={**filled(host=asked.get("hostname"), type=body.get("check_type")), **found},
        happened_at=moment(first(body.get("state_changed_timestamp"), body.get("state_changed_utc_time"))),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("pingdom", "Pingdom", read, category="Uptime and cron")]
