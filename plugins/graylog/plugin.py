"""Alerts of Graylog, sent by its HTTP notification. Graylog never says that a problem is over.

Source: https://go2docs.graylog.org/current/interacting_with_your_log_data/alert_types.htm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
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
    stable_key,
    text,
    words,
)

PRIORITIES = words(critical="4", high="3", medium="2", low="1")
SHOWN = 3
FIELDS = (Field("resolve_after", "Resolve after hours", kind="number", default=24,
                help="After the last alert, since Graylog never says that it is over; 0: only people resolve it"),)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    body = inbound.object()
    event = mapping(body.get("event"))
    definition = first(body.get("event_definition_id"), event.get("event_definition_id"))
    if not definition:
        raise Rejected('The body needs "event_definition_id"')
    found = {name: value for name, value in labels({**mapping(event.get("fields")),
                                                    **mapping(event.get("group_by_fields"))}).items() if value}
    told = [text(mapping(one).get("message")) for one in sequence(body.get("backlog"))[:SHOWN]]
    hours = config.get("resolve_after")
    note = f"Graylog never says that it is over: resolves by itself {hours} h after the last alert" if hours else ""
    return [Signal(
        dedup_key=stable_key(definition, first(event.get("key"), *sequence(event.get("key_tuple"))) or
                             labels(event.get("group_by_fields"))),
        status="firing", title=first(body.get("event_definition_title"), event.get("message"), definition),
        severity=meaning(PRIORITIES, event.get("priority")),
        body=lines(first(event.get("message"), body.get("event_definition_description")), *told),
        service_key=found.get("service", ""), labels={**filled(source=event.get("source")), **found},
        happened_at=moment(event.get("timestamp")), notes=(note,) if note else (),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("graylog", "Graylog", read, FIELDS, can=frozenset({"open"}), category="Logs, traces and errors")]
