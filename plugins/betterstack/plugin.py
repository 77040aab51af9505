"""Incidents of Better Stack Uptime, sent by its incident webhook.

Source: https://betterstack.com/docs/uptime/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    Signature,
    Source,
    filled,
    first,
    hookimpl,
    ignored,
    lines,
    mapping,
    moment,
    sequence,
    text,
    web_link,
)

FIELDS = (Field("secret", "Secret", secret=True, help="A word of your own in the header X-OnCall-Secret of the webhook"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an incident; changes of monitors and of duty are no problems."""
    data = mapping(inbound.object().get("data"))
    said, number, kind = mapping(data.get("attributes")), text(data.get("id")), text(data.get("type")).lower()
    if not number or not said:
        raise Rejected('"data" with an "id" and "attributes" is missing')
    if kind and kind != "incident":
        return ignored(f"Better Stack tells of a {kind}, which is no incident")
    over, taken = text(said.get("resolved_at")), text(said.get("acknowledged_at"))
    return [Signal(
        dedup_key=number, status="resolved" if over else "acknowledged" if taken else "firing",
        title=first(said.get("name"), said.get("url"), said.get("cause")),
        body=lines(said.get("cause"), said.get("response_content")),
        url=web_link(first(said.get("incident_url"), said.get("url"))),
        service_key=text(said.get("team_name")),
        labels=filled(team=said.get("team_name"), region=first(*sequence(said.get("regions")))),
        started_at=moment(said.get("started_at")), happened_at=moment(over or taken or said.get("started_at")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("betterstack", "Better Stack", read, FIELDS, signature=Signature("X-OnCall-Secret", kind="token"),
                   category="Uptime and cron")]
