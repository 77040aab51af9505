"""Problems of Zabbix, sent by a media type of the kind webhook with the script of the guide.

Source: https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook
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
    parse_json,
    sequence,
    severity_of,
    text,
    web_link,
    words,
)

STATES = words(firing="1, problem", resolved="0, resolved, ok")
NUMBERS = words(critical="5", high="4, 3", medium="2", info="1")
UNKNOWN = re.compile(r"\{[$A-Z?][^{}]*\}|\*UNKNOWN\*")  # a macro that Zabbix did not fill in


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    said = {name: "" if UNKNOWN.fullmatch(text(value)) else value for name, value in inbound.form().items()}
    number = first(said.get("id"), said.get("event_id"))
    if not number:
        raise Rejected('The body needs an "id": give the parameter the value {EVENT.ID}')
    found, host = tags(said.get("tags")), first(said.get("host"), said.get("service"))
    severity = severity_of(said.get("severity")) or meaning(NUMBERS, first(said.get("severity"), said.get("nseverity")))
    return [Signal(
        dedup_key=number, status=status(said), title=first(said.get("name"), said.get("subject")), severity=severity,
        body=text(said.get("message")), url=link(said, number), service_key=found.get("service", ""),
        labels={**filled(host=host, address=said.get("host_ip")), **found},
    )]


def status(said: dict[str, Any]) -> Any:
    """Problem or recovery; what people did to a problem comes as an update of it."""
    done = re.findall(r"[a-z]+", text(said.get("update_action")).lower())
    state = first(meaning(STATES, said.get("value")), meaning(STATES, said.get("status")), "firing")
    if state == "resolved":
        return state
    if "suppressed" in done:
        return "suppressed"
    return "acknowledged" if "acknowledged" in done else "firing"


def tags(value: object) -> dict[str, str]:
    """Tags from {EVENT.TAGSJSON} or {EVENT.TAGS}."""
    if text(value).startswith("["):
        try:
            value = parse_json(text(value).encode())
        except Rejected:
            return {}
    items = [mapping(item) for item in sequence(value)]
    return labels([{**item, "key": item["tag"]} for item in items if "tag" in item] or value)


def link(said: dict[str, Any], number: str) -> str:
    """The page of the event."""
    trigger, home = first(said.get("triggerId"), said.get("trigger_id")), web_link(said.get("url")).rstrip("/")
    return web_link(f"{home}/tr_events.php?triggerid={trigger}&eventid={number}") if home and trigger else home


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("zabbix", "Zabbix", read, category="Metrics and monitoring")]
