"""Monitors of UptimeRobot, sent by its webhook as JSON, as a form or in the query.

Source: https://help.uptimerobot.com/en/articles/11361316-how-to-set-up-webhook-integration
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
    lines,
    meaning,
    moment,
    text,
    web_link,
    words,
)

STATES = words(firing="1, 3, down", resolved="2, up")
CERTIFICATE = "3"


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a monitor; its certificate is a problem of its own."""
    said: Mapping[str, Any] = inbound.query if inbound.query.get("monitorID") else inbound.form()
    number, kind = text(said.get("monitorID")), text(said.get("alertType"))
    if not number:
        raise Rejected('"monitorID" is missing')
    name, about = first(said.get("monitorFriendlyName"), said.get("monitorURL")), kind == CERTIFICATE
    left = text(said.get("sslExpiryDaysLeft"))
    return [Signal(
        dedup_key=f"{number}:ssl" if about else number,
        status=meaning(STATES, first(kind, said.get("alertTypeFriendlyName")), "firing"),
        title=f"{name}: certificate expires" if about else name, severity="medium" if about else "",
        body=lines(said.get("alertDetails"), f"{left} days left" if about and left else ""),
        url=web_link(said.get("monitorURL")), service_key=text(said.get("service")), labels=filled(monitor=name),
        happened_at=moment(said.get("alertDateTime")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("uptimerobot", "UptimeRobot", read, category="Uptime and cron")]
