"""Senders built for the PagerDuty Events API, v2 and v1, and its change events, with the answers that they expect.

Sources: https://developer.pagerduty.com/docs/events-api-v2-overview, …/send-change-events and …/events-api-v1-overview
"""

from __future__ import annotations

import json
from typing import Any

from app.plugin_api import (
    Answer,
    Ask,
    Door,
    Inbound,
    Rejected,
    Signal,
    first,
    hookimpl,
    labels,
    mapping,
    moment,
    sequence,
    severity_of,
    stable_key,
    text,
    web_link,
)

from .importing import PagerDutyAccount

STATUSES = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}
SEVERITIES = ("critical", "error", "warning", "info")
CHANGES = "/v2/change/enqueue"


def event(inbound: Inbound) -> dict[str, Any]:
    """The body, as version 2 writes it. Raises Rejected listing all its faults at once, as the vendor does."""
    body = inbound.json()
    if not isinstance(body, dict):
        raise Rejected("Event object is invalid: The event must be an object", errors=["The event must be an object"])
    if is_change(inbound, body):
        found = [] if text(mapping(body.get("payload")).get("summary")) else ["'payload.summary' is missing or blank"]
    else:
        body = from_first(body) if "event_type" in body else body
        found = faults(body)
    if found:
        raise Rejected("Event object is invalid: " + "; ".join(found), errors=found)
    return body


def is_change(inbound: Inbound, body: dict[str, Any]) -> bool:
    """Whether this is a change event, which is known by its address and has no action."""
    return inbound.parts.get("door") == CHANGES and "event_action" not in body


def change(body: dict[str, Any], inbound: Inbound) -> Signal:
    """A change is written down at the service and fires nothing."""
    payload, links = mapping(body.get("payload")), [mapping(link) for link in sequence(body.get("links"))]
    said = labels(payload.get("custom_details"))
    return Signal(
        dedup_key=dedup_key(body, inbound), status="suppressed", title=text(payload.get("summary")),
        url=web_link(next((link.get("href") for link in links), "")), body=details(payload.get("custom_details")),
        service_key=first(said.get("service"), body.get("routing_key"), inbound.headers.get("x-routing-key")),
        labels={name: value for name, value in {"source": text(payload.get("source"))}.items() if value},
        happened_at=moment(payload.get("timestamp")), asks=(Ask("change", text(payload.get("summary"))),))


def from_first(body: dict[str, Any]) -> dict[str, Any]:
    """An event of version 1 as version 2 writes it; it knows neither source nor severity."""
    said = {"summary": body.get("description"), "source": first(body.get("client"), "events v1"),
            "custom_details": body.get("details")}
    contexts = [mapping(context) for context in sequence(body.get("contexts"))]
    return {"version": 1, "routing_key": body.get("service_key"), "event_action": body["event_type"],
            "dedup_key": body.get("incident_key"), "payload": said, "client_url": body.get("client_url"),
            "links": [context for context in contexts if context.get("type") == "link"]}


def faults(body: dict[str, Any]) -> list[str]:
    """What is wrong with an event, each as a sentence."""
    found = []
    action = body.get("event_action")
    if action not in tuple(STATUSES):
        found.append("'event_action' must be one of trigger, acknowledge, resolve")
    if not isinstance(body.get("dedup_key", ""), (str, type(None))):
        found.append("'dedup_key' must be a text")
    if action in ("acknowledge", "resolve") and not text(body.get("dedup_key")):
        found.append(f"'dedup_key' is missing: {action} needs it")
    if action in ("acknowledge", "resolve"):
        return found
    payload = body.get("payload")
    if not isinstance(payload, dict):
        return [*found, "'payload' must be an object"]
    found += [f"'payload.{name}' is missing or blank" for name in ("summary", "source")
              if not text(payload.get(name))]
    if payload.get("severity") not in SEVERITIES and body.get("version") != 1:
        found.append(f"'payload.severity' must be one of {', '.join(SEVERITIES)}")
    return found


def dedup_key(body: dict[str, Any], inbound: Inbound) -> str:
    """The sender's key, or one made from this very delivery: the same whenever it is read again."""
    made = stable_key(inbound.received_at.isoformat(), inbound.body.decode("latin-1"))[:32]
    return text(body.get("dedup_key")) or made


def details(custom: object) -> str:
    """Custom details as lines."""
    lines = [f"{name}: {value}" for name, value in labels(custom).items()] if isinstance(custom, (dict, list)) else []
    return "\n".join(lines) or text(custom)


class PagerDutyEvents:
    """The Events API."""

    slug = "pagerduty_events"
    name = "PagerDuty Events"
    category = "From another pager"
    can = frozenset({"open", "resolve"})
    fields = ()
    doors = (Door("/v2/enqueue"), Door(CHANGES), Door("/generic/2010-04-15/create_event.json"))

    def credential(self, inbound: Inbound) -> str:
        """The routing key of version 2, in the body or the header, or the service key of version 1."""
        try:
            body = mapping(inbound.json())
        except Rejected:
            body = {}
        return first(body.get("routing_key"), body.get("service_key"), inbound.headers.get("x-routing-key"))

    def verify(self, inbound: Inbound, config: Any) -> None:
        """The routing key is the credential and checked before; here the event is."""
        event(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """The one signal of an event."""
        body = event(inbound)
        if is_change(inbound, body):
            return [change(body, inbound)]
        payload = mapping(body.get("payload"))
        links = [mapping(link).get("href") for link in sequence(body.get("links"))]
        named = {name: text(payload.get(name)) for name in ("source", "component", "group", "class")}
        at = moment(payload.get("timestamp"))
        return [Signal(
            dedup_key=dedup_key(body, inbound), status=STATUSES[body["event_action"]],
            title=text(payload.get("summary")), severity=severity_of(payload.get("severity")),
            body=details(payload.get("custom_details")),
            url=first(*map(web_link, [body.get("client_url"), *links])), service_key=text(body.get("routing_key")),
            labels={name: value for name, value in named.items() if value}, started_at=at, happened_at=at,
        )]

    def respond(self, inbound: Inbound, fault: Rejected | None) -> Answer:
        """The vendor's own answer; 400 lists every fault."""
        if fault is not None:
            errors = list(fault.errors) or [fault.reason]
            return answer(400, status="invalid event", message="Event object is invalid", errors=errors)
        body = event(inbound)
        if is_change(inbound, body):
            return answer(202, status="success", message="Change event processed")
        key, said = dedup_key(body, inbound), {"status": "success", "message": "Event processed"}
        if body.get("version") == 1:
            return answer(200, **said, incident_key=key)
        return answer(202, **said, dedup_key=key)


def answer(code: int, /, **said: Any) -> Answer:
    """An answer in JSON."""
    return Answer(code, {"content-type": "application/json"}, json.dumps(said).encode())


@hookimpl
def integrations() -> list[PagerDutyEvents]:
    """The way in."""
    return [PagerDutyEvents()]


@hookimpl
def importers() -> list[PagerDutyAccount]:
    """The way over."""
    return [PagerDutyAccount()]
