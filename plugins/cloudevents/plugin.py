"""Events in the neutral format CloudEvents 1.0: structured, in batches, and binary, with its webhook handshake.

Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md and …/http-webhook.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.plugin_api import (
    Answer,
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
    meaning,
    moment,
    noted,
    read_each,
    severity_of,
    stable_key,
    text,
    web_link,
    words,
)

STATES = words(firing="firing, triggered, trigger, opened, open, created, failed, failure, down, alert, alarm, "
               "error, critical, warning, raised", acknowledged="acknowledged, acked",
               resolved="resolved, recovered, closed, ok, up, cleared, succeeded, success, fixed",
               suppressed="suppressed, muted")
FIELDS = (
    Field("key_path", "Where the problem's name stands",
          help="A path in the data such as check.id; else source, subject and type"),
    Field("status_path", "Where the state stands",
          help="A path in the data such as check.state; else the last part of the type"),
)


def events(inbound: Inbound) -> list[Any]:
    """The events of a request, each as the structured form writes it. Raises Rejected."""
    if "ce-specversion" in inbound.headers:
        said = {name[3:]: value for name, value in inbound.headers.items() if name.startswith("ce-")}
        return [{**said, "data": inbound.json() if inbound.body.strip() else None}]
    body = inbound.json()
    found = body if isinstance(body, list) else [body]
    if not any(isinstance(one, dict) and text(one.get("type")) for one in found):
        raise Rejected('There is no event in the body: each has "specversion", "id", "source" and "type"')
    return found


def at_path(data: object, path: object) -> str:
    """The text at a path of names with dots between them."""
    found: Any = data
    for part in text(path).split("."):
        found = mapping(found).get(part)
    return text(found)


def signal(event: object, config: Mapping[str, Any]) -> Signal:
    """One event as a signal; the end of its type is its state, the rest of it belongs to the problem's name."""
    said = mapping(event)
    kind, source, subject = text(said.get("type")), text(said.get("source")), text(said.get("subject"))
    if not kind or not source:
        raise Rejected('"type" or "source" is missing')
    data = mapping(said.get("data"))
    family, _, end = kind.rpartition(".")
    family = family if meaning(STATES, end) else kind
    status = first(*(meaning(STATES, word) for word in (
        at_path(data, config.get("status_path")), end, data.get("status"), data.get("state"))), "firing")
    found = labels(first(data.get("labels")) or data.get("labels"))
    return Signal(
        dedup_key=at_path(data, config.get("key_path")) or stable_key(source, subject, family), status=status,
        title=first(data.get("title"), data.get("summary"), data.get("message"), f"{subject} {family}"),
        severity=severity_of(first(data.get("severity"), said.get("severity"), data.get("priority"))),
        body=first(data.get("description"), data.get("details"), said.get("data")),
        url=web_link(first(data.get("url"), data.get("link"))),
        service_key=first(data.get("service"), found.get("service")),
        labels={**filled(source=source, subject=subject, type=family), **found}, happened_at=moment(said.get("time")),
    )


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """One signal for each event."""
    signals, notes = read_each(events(inbound), lambda event: signal(event, config), what="event")
    return noted(signals, notes)


def key(inbound: Inbound) -> str:
    """Source and id name an event for ever; a batch is named by all of its own."""
    names = [(text(mapping(event).get("source")), text(mapping(event).get("id"))) for event in events(inbound)]
    return stable_key(names) if all(name for _, name in names) else ""


@dataclass(frozen=True)
class CloudEvents(Source):
    """The protocol's own question before the first event is answered too."""

    def greet(self, inbound: Inbound) -> Answer:
        """Whoever knows the address may send, at any rate."""
        origin = inbound.headers.get("webhook-request-origin", "")
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"} if origin.isprintable() and origin else {}
        return Answer(200, {"Allow": "POST, OPTIONS", **allowed})


@hookimpl
def integrations() -> list[CloudEvents]:
    """The way in."""
    return [CloudEvents("cloudevents", "CloudEvents", read, FIELDS, key=key)]
