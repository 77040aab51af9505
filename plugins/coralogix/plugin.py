"""Alerts of Coralogix, sent by its generic outbound webhook.

Source: https://coralogix.com/docs/user-guides/alerting/outbound-webhooks/generic-outbound-webhooks-alert-webhooks/
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
    first,
    hookimpl,
    labels,
    lines,
    meaning,
    moment,
    severity_of,
    stable_key,
    text,
    web_link,
    words,
)

STATES = words(firing="trigger, triggered, activated", resolved="resolve, resolved")
FIELDS = (Field("secret", "Secret", secret=True, help="A word of your own in the header X-Coralogix-Secret of the webhook"),)
# What Coralogix tells about the alert itself, beside the fields that its logs are grouped by.
ITS_OWN = ("alertUniqueIdentifier", "priority", "severity", "severityLowercase", "timestamp", "timestampISO", "timestampMS",
           "hitCount", "relativeHitCount", "logText", "metricCriteria", "duration", "alertAction", "alertUrl", "logUrl",
           "opsgenieDescription", "queryText", "ratioTimeframe", "definedRelativeTimeframe")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an alert."""
    body = inbound.object()
    found = labels(body.get("fields"))
    number, name = first(body.get("alert_id"), body.get("uuid")), text(body.get("name"))
    unique = found.get("alertUniqueIdentifier", "")
    if not number and not unique and not name:
        raise Rejected('The body needs "alert_id" or a "name"')
    kept = {label: value for label, value in found.items() if label not in ITS_OWN and value}
    word = first(found.get("priority"), found.get("severityLowercase"), found.get("severity"), body.get("priority"))
    return [Signal(
        dedup_key=unique or stable_key(number or name, kept),
        status=meaning(STATES, first(body.get("alert_action"), found.get("alertAction")), "firing"), title=name,
        severity=severity_of(word), body=lines(body.get("description"), found.get("logText")),
        url=first(*map(web_link, (body.get("alert_url"), body.get("log_url")))),
        service_key=first(kept.get("service"), kept.get("application"), kept.get("applicationName")), labels=kept,
        happened_at=moment(first(found.get("timestampISO"), found.get("timestamp"), found.get("timestampMS"))),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("coralogix", "Coralogix", read, FIELDS, signature=Signature("X-Coralogix-Secret", kind="token"),
                   category="Logs, traces and errors")]
