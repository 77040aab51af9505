"""Tests of StatusCake, sent by the web hook of a contact group as a form.

Source: https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/
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
    stable_key,
    text,
    web_link,
)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a test."""
    said = inbound.form()
    name, address = text(said.get("Name")), text(said.get("URL"))
    state, code = text(said.get("Status")), text(said.get("StatusCode"))
    if not state or not first(said.get("TestID"), name, address):
        raise Rejected('The form needs "Status" and one of "TestID", "Name" and "URL"')
    found = labels(said.get("Tags"))
    return [Signal(
        dedup_key=text(said.get("TestID")) or stable_key(name, address),
        status="resolved" if state.lower() == "up" else "firing", title=name or address,
        body=f"Status code {code}" if code else "", url=web_link(address), service_key=found.get("service", ""),
        labels={**filled(address=said.get("IP"), method=said.get("Method")), **found},
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("statuscake", "StatusCake", read, category="Uptime and cron")]
