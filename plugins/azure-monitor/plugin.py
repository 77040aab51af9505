"""Alerts of Azure Monitor in the common alert schema, sent by an action group.

Source: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

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
    moment,
    sequence,
    text,
    web_link,
    words,
)

SEVERITIES = words(critical="sev0", high="sev1", medium="sev2", low="sev3", info="sev4")
PORTAL = "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring/AlertDetailsTemplateBlade/alertId/"


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an alert."""
    data = mapping(inbound.object().get("data"))
    said = mapping(data.get("essentials"))
    name, alert = text(said.get("alertRule")), text(said.get("alertId"))
    if not first(name, alert):
        raise Rejected('"data.essentials" is missing: switch on the common alert schema in the action group')
    over = text(said.get("monitorCondition")).lower() == "resolved"
    started, found = moment(said.get("firedDateTime")), labels(data.get("customProperties"))
    resource = first(*sequence(said.get("configurationItems")), *sequence(said.get("alertTargetIDs")))
    return [Signal(
        dedup_key=alert.rpartition("/")[2] or f"{name}:{resource}", status="resolved" if over else "firing", title=name,
        severity=meaning(SEVERITIES, said.get("severity")), body=text(said.get("description")),
        url=web_link(PORTAL + quote(alert, safe="")) if alert else "", service_key=found.get("service", ""),
        labels={**filled(resource=resource, signal=said.get("signalType"), monitor=said.get("monitoringService")), **found},
        started_at=started, happened_at=moment(said.get("resolvedDateTime")) if over else started,
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("azure-monitor", "Azure Monitor", read, category="Clouds")]
