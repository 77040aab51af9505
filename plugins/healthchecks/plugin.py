"""Checks of Healthchecks.io, sent by its webhook integration with the body of the guide.

Source: https://healthchecks.io/docs/configuring_notifications/
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
    moment,
    severity_of,
    text,
    web_link,
)

FIELDS = (Field("site", "Address of Healthchecks", kind="url", default="https://healthchecks.io",
                help="Of your own installation, if it is one"),)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a check."""
    said = inbound.form()
    code, check = text(said.get("code")), mapping(said.get("check"))
    if not code:
        raise Rejected('The body needs "code": give it the value $CODE')
    found = labels(first(said.get("tags"), check.get("tags")).split())
    over = first(said.get("status"), check.get("status")).lower() == "up"
    # The check's own "ping_url" is no link: whoever opened it would report success.
    page = f"{text(config.get('site')).rstrip('/')}/checks/{code}/details/"
    return [Signal(
        dedup_key=code, status="resolved" if over else "firing", title=first(said.get("name"), check.get("name")),
        severity=severity_of(found.get("severity")), body=lines(check.get("desc"), said.get("last_ping")),
        url=web_link(page), service_key=found.get("service", ""),
        labels={**filled(slug=first(said.get("slug"), check.get("slug")), exit_status=said.get("exit_status")), **found},
        happened_at=moment(said.get("now")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("healthchecks", "Healthchecks.io", read, FIELDS, category="Uptime and cron")]
