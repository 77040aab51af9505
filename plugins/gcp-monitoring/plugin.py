"""Incidents of Google Cloud Monitoring, sent by a webhook channel or pushed by Pub/Sub.

Sources: https://cloud.google.com/monitoring/support/notification-options#webhooks and https://cloud.google.com/pubsub/docs/push
"""

from __future__ import annotations

import base64
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
    moment,
    parse_json,
    severity_of,
    text,
    web_link,
)


def envelope(inbound: Inbound) -> dict[str, Any]:
    """The message around an incident that Pub/Sub pushes; empty when it came directly."""
    return mapping(inbound.object().get("message"))


def incident(inbound: Inbound) -> dict[str, Any]:
    """The incident of the body. Raises Rejected."""
    body, packed = inbound.object(), text(envelope(inbound).get("data"))
    if packed:
        try:
            body = mapping(parse_json(base64.b64decode(packed)))
        except ValueError:
            raise Rejected('"message.data" is not base64') from None
    found = mapping(body.get("incident"))
    if not text(found.get("incident_id")):
        raise Rejected('"incident" with an "incident_id" is missing')
    return found


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an incident."""
    said = incident(inbound)
    over, started = text(said.get("state")).lower() == "closed", moment(said.get("started_at"))
    found, told = labels(said.get("policy_user_labels")), mapping(said.get("documentation"))
    name = ": ".join(filter(None, map(text, (said.get("policy_name"), said.get("condition_name")))))
    return [Signal(
        dedup_key=text(said["incident_id"]), status="resolved" if over else "firing",
        title=first(told.get("subject"), name, said.get("summary")),
        severity=severity_of(said.get("severity")) or severity_of(found.get("severity")),
        body=lines(said.get("summary"), first(told.get("content"), said.get("documentation"))),
        url=web_link(said.get("url")), service_key=found.get("service", ""),
        labels={**filled(resource=said.get("resource_display_name"), project=said.get("scoping_project_id"),
                         metric=mapping(said.get("metric")).get("displayName")), **found},
        started_at=started, happened_at=moment(said.get("ended_at")) if over else started,
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("gcp-monitoring", "Google Cloud Monitoring", read,
                   key=lambda inbound: envelope(inbound).get("messageId"), category="Clouds")]
