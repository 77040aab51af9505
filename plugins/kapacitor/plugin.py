"""Alerts of Kapacitor, sent by its HTTP post handler.

Source: https://docs.influxdata.com/kapacitor/v1/reference/event_handlers/post/
"""

from __future__ import annotations

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
    mapping,
    moment,
    sequence,
    severity_of,
    text,
)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a change of level."""
    body = inbound.object()
    key, level = first(body.get("id"), body.get("message")), text(body.get("level")).lower()
    if not key or not level:
        raise Rejected('"id" or "level" is missing')
    tags: dict[str, str] = {}
    for series in sequence(mapping(body.get("data")).get("series")):
        tags |= labels(mapping(series).get("tags"))
    return [Signal(
        dedup_key=key, status="resolved" if level.startswith("ok") else "firing",
        title=first(body.get("message"), body.get("id")), severity=severity_of(level), body=text(body.get("details")),
        service_key=tags.get("service", ""), labels=tags, happened_at=moment(body.get("time")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("kapacitor", "Kapacitor", read, category="Metrics and monitoring")]
