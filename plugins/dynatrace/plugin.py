"""Problems of Dynatrace, sent by a custom integration with the payload of the guide.

Source: https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
"""

from __future__ import annotations

import re
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
    mapping,
    meaning,
    sequence,
    text,
    web_link,
    words,
)

STATES = words(firing="open", resolved="resolved, merged, closed")
SEVERITIES = words(critical="availability", high="error, monitoring_unavailable, monitoring unavailable", info="info",
                   medium="performance, slowdown, resource_contention, resource, resource contention, custom_alert, custom")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a problem."""
    body = inbound.object()
    key = first(body.get("PID"), body.get("ProblemID"))
    if not key:
        raise Rejected('The body needs "PID": give it the value {PID}')
    said = body.get("Tags")
    # A tag may begin with where it comes from: "[Kubernetes]app:checkout".
    found = labels(re.sub(r"\[[^\]]*\]", "", said) if isinstance(said, str) else said)
    entities = [mapping(one).get("name") for one in sequence(body.get("ImpactedEntities"))]
    entity = first(*entities, body.get("ImpactedEntity"), body.get("NamesOfImpactedEntities"))
    return [Signal(
        dedup_key=key, status=meaning(STATES, body.get("State"), "firing"), title=text(body.get("ProblemTitle")),
        severity=meaning(SEVERITIES, body.get("ProblemSeverity")), body=text(body.get("ProblemDetailsText")),
        url=web_link(body.get("ProblemURL")), service_key=found.get("service", ""),
        labels={**filled(problem=body.get("ProblemID"), impact=body.get("ProblemImpact"), entity=entity), **found},
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("dynatrace", "Dynatrace", read, category="Metrics and monitoring")]
