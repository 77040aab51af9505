"""Alerts of Elastic: Kibana's rules through a webhook connector with the body of the guide, and security alerts.

Source: https://www.elastic.co/docs/reference/kibana/connectors-kibana/webhook-action-type
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
    labels,
    lines,
    mapping,
    meaning,
    moment,
    noted,
    read_each,
    severity_of,
    text,
    web_link,
    words,
)

STATES = words(firing="active, alert, open", resolved="recovered, closed, untracked")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The signals of a rule's action: one, or each of a list of security alerts."""
    body = inbound.object()
    listed = body.get("alerts")
    if not isinstance(listed, list):
        return [security(body) if said(body, "rule.name") else rule(body)]
    signals, notes = read_each(listed, security, what="alert")
    return noted(signals, notes)


def said(body: dict[str, Any], name: str) -> Any:
    """A field of a security alert, written `kibana.alert.<name>` or as nested objects."""
    if (flat := body.get(f"kibana.alert.{name}")) is not None:
        return flat
    found: Any = mapping(mapping(body.get("kibana")).get("alert"))
    for part in name.split("."):
        found = mapping(found).get(part)
    return found


def security(alert: object) -> Signal:
    """One alert as the security app stores it."""
    body = mapping(alert)
    number, name = first(said(body, "id"), said(body, "uuid")), text(said(body, "rule.name"))
    if not number:
        raise Rejected('it has no "kibana.alert.uuid"')
    found = labels(said(body, "rule.tags"))
    at = moment(first(body.get("@timestamp"), said(body, "start")))
    return Signal(
        dedup_key=number, status=meaning(STATES, said(body, "status"), "firing"), title=name or text(said(body, "reason")),
        severity=severity_of(first(said(body, "severity"), found.get("severity"))),
        body=lines(said(body, "reason"), said(body, "rule.description")), url=web_link(said(body, "url")),
        service_key=first(found.get("service"), body.get("service.name")), labels=found, started_at=at, happened_at=at,
    )


def rule(body: dict[str, Any]) -> Signal:
    """One action of a rule. Raises Rejected when neither rule nor alert has a name."""
    about, alert, context = mapping(body.get("rule")), mapping(body.get("alert")), mapping(body.get("context"))
    parts = text(about.get("id")), text(alert.get("id"))
    key = ":".join(parts) if all(parts) else first(alert.get("uuid"), *parts)
    if not key:
        raise Rejected('The body needs "rule" and "alert" with their "id"')
    found, at = labels(about.get("tags")), moment(first(body.get("date"), context.get("timestamp")))
    return Signal(
        dedup_key=key, status=meaning(STATES, alert.get("actionGroup"), "firing"),
        title=first(about.get("name"), context.get("title")),
        severity=severity_of(first(body.get("severity"), found.get("severity"), alert.get("actionGroup"))),
        body=first(context.get("reason"), context.get("message"), body.get("message")),
        url=first(*map(web_link, (context.get("alertDetailsUrl"), about.get("url"), context.get("link")))),
        service_key=found.get("service", ""), labels={**filled(rule=about.get("name"), alert=alert.get("id")), **found},
        happened_at=at,
    )


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("elastic", "Elastic / Kibana", read, category="Logs, traces and errors")]
