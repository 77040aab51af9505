"""Triggers and burn alerts of Honeycomb, sent by a webhook recipient with its default payload.

Source: https://docs.honeycomb.io/integrations/webhooks/
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
    labels,
    lines,
    mapping,
    sequence,
    severity_of,
    text,
    web_link,
)

FIELDS = (Field("secret", "Webhook secret", secret=True, help="The shared secret of the recipient"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a trigger; its groups are told, but open no problems of their own."""
    body = inbound.object()
    key = text(body.get("id"))
    if not key:
        raise Rejected('"id" is missing')
    groups = [mapping(one) for one in sequence(body.get("result_groups_triggered"))]
    found = labels(groups[0].get("Group")) if groups else {}
    return [Signal(
        dedup_key=key, status="resolved" if text(body.get("status")).lower() == "ok" else "firing",
        title=first(body.get("name"), body.get("summary")), severity=severity_of(body.get("severity")),
        body=lines(body.get("summary"), body.get("description"), *map(result, groups)),
        url=first(*map(web_link, (body.get("result_url"), body.get("trigger_url")))), service_key=found.get("service", ""),
        labels={**filled(dataset=body.get("dataset"), environment=body.get("environment")), **found},
    )]


def result(group: dict[str, Any]) -> str:
    """One group and its value as a line."""
    named = ", ".join(f"{name}={value}" for name, value in labels(group.get("Group")).items())
    return f"{named or 'Result'}: {text(group.get('Result'))}"


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("honeycomb", "Honeycomb", read, FIELDS, signature=Signature("X-Honeycomb-Webhook-Token", kind="token"),
                   category="Logs, traces and errors")]
