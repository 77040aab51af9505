"""Sensors of PRTG, sent by the notification method "Execute HTTP Action" as a form.

Source: https://www.paessler.com/manuals/prtg/notification_templates_settings#http
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
    lines,
    meaning,
    text,
    web_link,
    words,
)

PRIORITIES = words(critical="5, *****", high="4, ****", medium="3, ***", low="2, **", info="1, *")
WAS = re.compile(r"\(?was:[^)]*\)?", re.IGNORECASE)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a sensor."""
    said = inbound.form()
    number = text(said.get("sensorid"))
    if not number:
        raise Rejected('The form needs "sensorid": give it the value %sensorid')
    name = " ".join(filter(None, (text(said.get("device")), text(said.get("sensor")))))
    return [Signal(
        dedup_key=number, status=status(text(said.get("status"))), title=first(name, said.get("name")),
        severity=meaning(PRIORITIES, said.get("priority")),
        body=lines(said.get("message"), said.get("lastvalue")), url=web_link(said.get("linksensor")),
        service_key=text(said.get("service")),
        labels=filled(device=said.get("device"), group=said.get("group"), probe=said.get("probe"), host=said.get("host")),
    )]


def status(said: str) -> Any:
    """From words such as "Down (Acknowledged)", "Up (was: Down)", "now: Up"."""
    present = re.findall(r"[a-z]+", WAS.sub("", said).lower())
    if "acknowledged" in present:
        return "acknowledged"
    if "paused" in present:
        return "suppressed"
    return "resolved" if "up" in present else "firing"


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("prtg", "PRTG", read, category="Metrics and monitoring")]
