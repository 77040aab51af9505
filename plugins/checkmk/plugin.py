"""Notifications of Checkmk, sent by the script of the guide, which posts what Checkmk puts into the environment.

Source: https://docs.checkmk.com/latest/en/notifications.html#scripts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    Source,
    filled,
    first,
    hookimpl,
    meaning,
    moment,
    text,
    web_link,
    words,
)

SEVERITIES = words(critical="crit, critical, down", high="unreach, unreachable", medium="warn, warning, unknown")
FIELDS = (Field("site_url", "Address of Checkmk", kind="url",
                help="Such as https://monitoring.example.com; links begin with it"),)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a notification."""
    said = {name.lower().removeprefix("notify_"): value for name, value in inbound.form().items()}
    host, service = first(said.get("host"), said.get("hostname")), first(said.get("service"), said.get("servicedesc"))
    if not host:
        raise Rejected('The body needs a "host"')
    site = first(said.get("site"), said.get("omd_site"))
    state = first(said.get("servicestate") if service else said.get("hoststate"), said.get("status"), said.get("severity"))
    link = first(said.get("url"), said.get("serviceurl") if service else said.get("hosturl"))
    subject = f"{host}/{service}" if service else host
    return [Signal(
        dedup_key="/".join(filter(None, (site, host, service))), status=status(said, state),
        title=first(said.get("summary"), f"{subject} is {state.upper() or 'in trouble'}"),
        severity=meaning(SEVERITIES, state),
        body=first(said.get("output"), said.get("serviceoutput") if service else said.get("hostoutput")),
        url=web_link(text(config.get("site_url")).rstrip("/") + link if link.startswith("/") else link),
        service_key=text(said.get("service_key")),
        labels=filled(host=host, check=service, site=site, address=first(said.get("address"), said.get("hostaddress"))),
        happened_at=moment(said.get("microtime")),
    )]


def status(said: dict[str, Any], state: str) -> Any:
    """The type of the notification decides; several of them only tell of silence."""
    kind = first(said.get("notification_type"), said.get("notificationtype")).lower()
    if kind.startswith(("downtime", "flapping")):
        return "suppressed"
    if kind.startswith("acknowledg"):
        return "acknowledged"
    return "resolved" if kind == "recovery" or state.lower() in ("ok", "up") else "firing"


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("checkmk", "Checkmk", read, FIELDS, category="Metrics and monitoring")]
