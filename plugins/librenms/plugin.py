"""Alerts of LibreNMS, sent by its API transport with the body of the guide.

Source: https://docs.librenms.org/Alerting/Transports/Api/ and https://docs.librenms.org/Alerting/Templates/
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
    meaning,
    moment,
    severity_of,
    text,
    words,
)

# 0 recovered, 1 alert, 2 acknowledged, 3 got worse, 4 got better, 5 changed
STATES = words(firing="1, 3, 4, 5, alert, critical", resolved="0, ok, recovered", acknowledged="2, acknowledged")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an alert."""
    body = inbound.form()
    host = first(body.get("host"), body.get("hostname"), body.get("device_id"))
    rule = first(body.get("rule"), body.get("name"))
    key = f"{first(body.get('device_id'), host)}/{rule}" if host and rule else first(body.get("alert_id"), body.get("uid"))
    if not key:
        raise Rejected('The body needs "host" and "rule"')
    return [Signal(
        dedup_key=key, status=meaning(STATES, body.get("state"), "firing"),
        title=first(body.get("title"), f"{host}: {rule}".strip(": ")), severity=severity_of(body.get("severity")),
        body=first(body.get("message"), body.get("msg")), service_key=text(body.get("service")),
        labels=filled(host=host, rule=rule, location=body.get("location")), happened_at=moment(body.get("time")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("librenms", "LibreNMS", read, category="Metrics and monitoring")]
