"""Alerts of New Relic: workflows with the payload of the guide, and the older notification channels.

Source: https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook
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
    sequence,
    severity_of,
    text,
    web_link,
    words,
)

STATES = words(firing="created, activated, active, open, opened", resolved="deactivated, closed, close, resolved",
               acknowledged="acknowledged, acknowledge")
OPEN = ("createdAt", "timestamp")
OVER = ("closedAt", "updatedAt", "timestamp")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an issue."""
    body = inbound.object()
    key = first(body.get("issueId"), body.get("id"), body.get("incident_id"))
    if not key:
        raise Rejected('The body needs "issueId", "id" or "incident_id"')
    status = meaning(STATES, first(body.get("state"), body.get("current_state")), "firing")
    entity, found = impacted(body), labels(body.get("labels"))
    policy = first(body.get("alertPolicyNames"), body.get("policy_name"))
    condition = first(body.get("alertConditionNames"), body.get("condition_name"))
    return [Signal(
        dedup_key=key, status=status, title=first(body.get("title"), condition, body.get("details")),
        severity=severity_of(first(body.get("priority"), body.get("severity"))),
        body=lines(body.get("description"), body.get("details")),
        url=web_link(first(body.get("issueUrl"), body.get("incident_url"))),
        service_key=found.get("service") or entity,
        labels={**filled(policy=policy, condition=condition, entity=entity), **found},
        started_at=time(body, OPEN), happened_at=time(body, OPEN if status == "firing" else OVER),
    )]


def time(body: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of these times that is said."""
    return next((at for name in names if (at := moment(body.get(name)))), None)


def impacted(body: dict[str, Any]) -> str:
    """The first entity that is concerned; lists come as lists, as text with commas, or alone."""
    said = body.get("impactedEntities")
    targets = [mapping(target).get("name") for target in sequence(body.get("targets"))]
    return first(*sequence(said), "" if isinstance(said, list) else text(said).split(",")[0], *targets)


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("newrelic", "New Relic", read, category="Metrics and monitoring")]
