"""Monitors of Uptime Kuma, sent by its webhook notification.

Source: https://github.com/louislam/uptime-kuma/blob/master/server/notification-providers/webhook.js
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
    ignored,
    labels,
    mapping,
    meaning,
    moment,
    text,
    web_link,
    words,
)

STATES = words(firing="0", resolved="1", suppressed="2, 3")  # down, up, pending, maintenance


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a heartbeat; without one it is about a certificate, or a test."""
    body = inbound.object()
    beat, monitor = mapping(body.get("heartbeat")), mapping(body.get("monitor"))
    number, told = first(monitor.get("id"), beat.get("monitorID")), text(body.get("msg"))
    if not number and not told:
        raise Rejected('The body needs "monitor" or "msg"')
    if not number:
        return ignored(told)
    found, name = labels(monitor.get("tags")), first(monitor.get("name"), told)
    about = {"url": web_link(monitor.get("url")), "service_key": found.get("service", ""),
             "labels": {**filled(monitor=name, type=monitor.get("type"), host=monitor.get("hostname")), **found}}
    if not beat:
        return [Signal(f"{number}:certificate", "firing", title=f"{name}: certificate", severity="medium", body=told,
                       **about)]
    return [Signal(
        dedup_key=number, status=meaning(STATES, beat.get("status"), "firing"), title=name,
        body=first(beat.get("msg"), told), happened_at=moment(beat.get("time")), **about,
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("uptime-kuma", "Uptime Kuma", read, category="Uptime and cron")]
