"""Checks of Checkly, sent by its webhook alert channel with the payload of the guide.

Source: https://www.checklyhq.com/docs/integrations/alerts/webhooks/
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
    meaning,
    moment,
    text,
    web_link,
    words,
)

TYPES = words(firing="alert_failure, alert_failure_remain, alert_degraded, alert_degraded_remain, alert_degraded_failure, "
              "alert_failure_degraded, alert_ssl", resolved="alert_recovery, alert_degraded_recovery")
FIELDS = (Field("secret", "Webhook secret", secret=True, help="Of the alert channel; it signs what Checkly sends"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a check."""
    body = inbound.object()
    number, kind = first(body.get("check_id"), body.get("CHECK_ID")), first(body.get("alert_type"), body.get("ALERT_TYPE"))
    if not number:
        raise Rejected('The body needs a "check_id": give it the value {{CHECK_ID}}')
    certificate, found = kind.upper() == "ALERT_SSL", labels(body.get("tags"))
    name = first(body.get("check_name"), body.get("CHECK_NAME"), number)
    return [Signal(
        dedup_key=f"{number}:ssl" if certificate else number, status=meaning(TYPES, kind, "firing"),
        title=f"{name}: the certificate ends soon" if certificate else name,
        severity="low" if certificate or "DEGRADED" in kind.upper() else "",
        body=lines(body.get("alert_title"), body.get("error"), days_left(body)),
        url=web_link(first(body.get("link"), body.get("RESULT_LINK"))),
        service_key=found.get("service") or text(body.get("group_name")),
        labels={**filled(group=body.get("group_name"), type=body.get("check_type")),
                **{label: value for label, value in found.items() if value}},
        happened_at=moment(body.get("started_at")),
    )]


def days_left(body: dict[str, Any]) -> str:
    """How long a certificate still holds, as a line."""
    days = text(body.get("ssl_days_remaining"))
    return f"The certificate ends in {days} days" if days else ""


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("checkly", "Checkly", read, FIELDS, signature=Signature("X-Checkly-Signature"),
                   category="Uptime and cron")]
