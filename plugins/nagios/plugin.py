"""Notifications of Nagios and Icinga, sent by the commands of the guide as a form, or as JSON.

Sources: https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/macrolist.html and
https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#notification-commands
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
    mapping,
    meaning,
    moment,
    text,
    web_link,
    words,
)

TYPES = words(firing="problem", resolved="recovery", acknowledged="acknowledgement",
              suppressed="downtimestart, downtimeend, downtimeremoved, "
              "downtimecancelled, flappingstart, flappingstop, flappingend, flappingdisabled")
SEVERITIES = words(critical="critical, down, 2", high="unreachable", medium="warning, unknown, 1, 3")
FINE = ("ok", "up", "0")


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a notification."""
    said = inbound.form()
    check, host, service = mapping(said.get("check_result")), named(said.get("host")), named(said.get("service"))
    if not host:
        raise Rejected('The body needs a "host"')
    state = first(said.get("state"), check.get("state"), check.get("exit_status")).lower()
    subject = f"{host}/{service}" if service else host
    severity = meaning(SEVERITIES, state) if service or state != "1" else "critical"  # a host's 1 is "down"
    return [Signal(
        dedup_key=f"{text(said.get('site'))}!{host}!{service}".lstrip("!"),
        status=meaning(TYPES, first(said.get("type"), said.get("notification_type"))) or (
            "resolved" if state in FINE else "firing"),
        title=f"{subject} is {state.upper() or 'in trouble'}", severity=severity,
        body=first(said.get("output"), check.get("output")), url=web_link(first(said.get("url"), said.get("notes_url"))),
        service_key=text(said.get("service_key")),
        labels=filled(host=host, check=service, site=said.get("site"), group=said.get("group"), by=said.get("author")),
        happened_at=moment(first(said.get("time"), check.get("execution_end"))),
    )]


def named(value: object) -> str:
    """A host or service, which comes as its name or as an object with one."""
    return first(value, mapping(value).get("name"), mapping(value).get("display_name"))


@hookimpl
def integrations() -> list[Source]:
    """Two ways in that are read alike."""
    return [Source("nagios", "Nagios", read, category="Metrics and monitoring"),
            Source("icinga", "Icinga", read, category="Metrics and monitoring")]
