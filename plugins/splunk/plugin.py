"""Alerts of Splunk, sent by the alert action "Webhook". Splunk never says that a problem is over.

Source: https://help.splunk.com/en/splunk-enterprise/alert-and-respond/alerting-manual/9.4/configure-alert-actions/use-a-webhook-alert-action
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
    mapping,
    moment,
    severity_of,
    stable_key,
    text,
    web_link,
)

USUAL = ["service", "host"]
FIELDS = (
    Field("resolve_after", "Resolve after hours", kind="number", default=24,
          help="After the last alert of a problem, since Splunk never says that it is over; 0: only people resolve it"),
    Field("key_fields", "Fields that tell problems apart", kind="lines", default=USUAL,
          help="One name on each line; those that the search's result has are used, beside the search's name"),
)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a search that found something."""
    body = inbound.object()
    found, search = mapping(body.get("result")), text(body.get("search_name"))
    if not search and not found and not text(body.get("sid")):
        raise Rejected('The body needs "search_name" or "result"')
    hours = config.get("resolve_after")
    told = f"Splunk never says that it is over: resolves by itself {hours} h after the last alert" if hours else ""
    telling = {name: text(found.get(name)) for name in config.get("key_fields") or USUAL}
    shown = {name: text(value) for name, value in found.items() if not name.startswith("_") and text(value)}
    return [Signal(
        dedup_key=stable_key(search, text(body.get("app")), telling), status="firing", title=search,
        severity=severity_of(first(found.get("severity"), found.get("log_level"))),
        body=first(found.get("message"), found.get("_raw")), url=web_link(body.get("results_link")),
        service_key=text(found.get("service")),
        labels={**labels(shown), **filled(app=body.get("app"), owner=body.get("owner"))},
        happened_at=moment(found.get("_time")), notes=(told,) if told else (),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("splunk", "Splunk", read, FIELDS, can=frozenset({"open"}), category="Logs, traces and errors")]
