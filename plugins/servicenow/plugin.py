"""Incidents of ServiceNow, sent by a business rule as the guide writes it.

Source: https://www.servicenow.com/docs/bundle/zurich-it-service-management/page/product/incident-management/concept/c_IncidentManagementStateModel.html
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
    mapping,
    meaning,
    moment,
    text,
    web_link,
    words,
)

STATES = words(firing="1, new", acknowledged="2, 3, in progress, on hold",
               resolved="6, 7, 8, resolved, closed, canceled, cancelled")
PRIORITIES = words(critical="1, 1 - critical, critical", high="2, 2 - high, high", medium="3, 3 - moderate, moderate",
                   low="4, 4 - low, low", info="5, 5 - planning, planning")
FIELDS = (Field("secret", "Secret", secret=True, help="A word of your own, sent in the header X-OnCall-Secret"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an incident."""
    body = inbound.object()
    said = {name: first(value, mapping(value).get("display_value"), mapping(value).get("value"))
            for name, value in body.items()}
    number = first(said.get("number"), said.get("sys_id"))
    if not number:
        raise Rejected('The body needs a "number"')
    service = first(said.get("service"), said.get("business_service"), said.get("ci"), said.get("cmdb_ci"))
    return [Signal(
        dedup_key=number, status=meaning(STATES, said.get("state"), "firing"), title=said.get("short_description", ""),
        severity=meaning(PRIORITIES, first(said.get("priority"), said.get("urgency"))),
        body=said.get("description", ""), url=web_link(said.get("link")), service_key=service,
        labels=filled(record=number, group=first(said.get("group"), said.get("assignment_group")),
                      category=said.get("category"), ci=first(said.get("ci"), said.get("cmdb_ci"))),
        happened_at=moment(text(said.get("updated"))),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("servicenow", "ServiceNow", read, FIELDS, signature=Signature("X-OnCall-Secret", kind="token"),
                   category="Code and tickets")]
