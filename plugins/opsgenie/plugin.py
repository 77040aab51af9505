"""Senders built for the Opsgenie Alert and Heartbeat APIs, with the answers that they expect.

Sources: https://docs.opsgenie.com/docs/alert-api and …/docs/heartbeat-api
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.plugin_api import (
    Answer,
    Ask,
    Door,
    Field,
    Inbound,
    Rejected,
    Signal,
    Told,
    Wanted,
    first,
    hookimpl,
    labels,
    mapping,
    moment,
    sequence,
    severity_of,
    stable_key,
    text,
)

from .answers import accepted, alert_shown, numbered, pong, refused, status_shown
from .importing import OpsgenieAccount

ACTIONS = ("close", "acknowledge", "unacknowledge", "notes", "snooze", "assign", "escalate", "responders", "teams", "tags",
           "details", "priority", "message", "description", "actions")
ONE = "/v2/alerts/<path:id>"  # an alias may hold slashes
PING = "/v2/heartbeats/<name>/ping"
PEOPLE = {"user": "user", "team": "team", "schedule": "schedule", "escalation": "policy"}


def body_of(inbound: Inbound) -> dict[str, Any]:
    """The body as an object; actions may come without any. Raises Rejected."""
    if action_of(inbound) and not inbound.body.strip():
        return {}
    body = inbound.json()
    if not isinstance(body, dict):
        raise Rejected("The body must be an object", errors=["message: The body must be an object."])
    return body


def action_of(inbound: Inbound) -> str:
    """What is done with an alert that exists; "" for a new one."""
    if inbound.parts.get("door") == ONE:
        return "close"
    return inbound.parts.get("action", "")


def checked(inbound: Inbound) -> dict[str, Any]:
    """The body of a request that makes sense. Raises Rejected listing what is wrong, as the vendor does."""
    action, body = action_of(inbound), body_of(inbound)
    if action and action not in ACTIONS:
        raise Rejected(f"There is no action {action[:40]}", errors=[f"action: There is no action {action[:40]}."])
    if not action and "alert" in body:
        if not first(mapping(body["alert"]).get("alias"), mapping(body["alert"]).get("alertId")):
            raise Rejected("The alert has neither alias nor alertId")
    elif not action and not text(body.get("message")):
        raise Rejected("message: Message can not be empty.", errors=["message: Message can not be empty."])
    if action == "notes" and not text(body.get("note")):
        raise Rejected("note: Note can not be empty.", errors=["note: Note can not be empty."])
    if action == "snooze" and moment(body.get("endTime")) is None:
        raise Rejected("endTime: End time can not be empty.", errors=["endTime: End time can not be empty."])
    return body


def named(value: object, kind: str = "") -> tuple[str, str] | None:
    """A responder as kind and name; None for one that says nothing."""
    said = mapping(value)
    kind = PEOPLE.get(text(said.get("type")).lower(), "") or kind or "user"
    name = first(said.get("username"), said.get("name"), said.get("id"))
    return (kind, name) if name else None


def people(values: list[Any], kind: str = "") -> tuple[tuple[str, str], ...]:
    """The responders that say something, each once."""
    return tuple(dict.fromkeys(found for value in values if (found := named(value, kind))))


def created(body: dict[str, Any], inbound: Inbound) -> Signal:
    """A new alert, or one more of an alias that is open."""
    asked = people([*sequence(body.get("responders")), *sequence(body.get("teams"))])
    note, custom = text(body.get("note")), labels(body.get("details"))
    tags = [text(tag) for tag in sequence(body.get("tags"))]
    said = {**custom, "entity": text(body.get("entity")), "source": text(body.get("source")), "tags": ", ".join(tags)}
    return Signal(
        dedup_key=text(body.get("alias")) or stable_key(inbound.received_at.isoformat(), inbound.body.decode("latin-1")),
        status="firing", title=text(body.get("message")), severity=severity_of(body.get("priority")) or "medium",
        body=text(body.get("description")), service_key=first(custom.get("service"), body.get("entity")),
        labels={name: value for name, value in said.items() if value},
        asks=(*((Ask("respond", people=asked),) if asked else ()), *((Ask("note", note),) if note else ())))


def acted(action: str, body: dict[str, Any], inbound: Inbound) -> Signal:
    """Something done with an alert that is named by our id, its short number or its alias."""
    name, kind = inbound.parts.get("id", ""), inbound.query.get("identifierType", "id").lower()
    ours = "" if kind == "alias" else numbered(name) or (name if kind == "tiny" else "")
    status = {"close": "resolved", "acknowledge": "acknowledged"}.get(action, "suppressed")
    return Signal(dedup_key=name or "?", alert=ours, status=status, title=name, asks=tuple(asks(action, body, inbound)))


def asks(action: str, body: dict[str, Any], inbound: Inbound) -> list[Ask]:
    """What is wished for beside the state."""
    found: list[Ask] = []
    if action == "unacknowledge":
        found.append(Ask("unacknowledge"))
    elif action == "snooze":
        until = moment(body.get("endTime"))
        found.append(Ask("snooze", until=until or inbound.received_at + timedelta(hours=1)))
    elif action == "escalate":
        found.append(Ask("escalate"))
    elif action == "assign":
        found.append(Ask("assign", people=people([body.get("owner")])))
    elif action in ("responders", "teams"):
        kind = "team" if action == "teams" else ""
        found.append(Ask("respond", people=people([body.get("team" if kind else "responder")], kind)))
    elif action in ACTIONS[9:]:
        said = ", ".join(text(tag) for tag in sequence(body.get("tags"))) or first(body.get(action), body.get("details"))
        found.append(Ask("note", f"{action}: {said or labels(body.get('details')) or inbound.parts.get('name', '')}"))
    note = text(body.get("note"))
    return [*found, Ask("note", note)] if note else found


def reported(body: dict[str, Any]) -> Signal:
    """What the vendor's own outgoing webhook reports of an alert there."""
    alert, action = mapping(body.get("alert")), text(body.get("action")).lower()
    status = {"create": "firing", "acknowledge": "acknowledged", "close": "resolved", "delete": "resolved"}
    custom = labels(alert.get("details"))
    said = {**custom, "entity": text(alert.get("entity")), "source": text(alert.get("source")),
            "tags": ", ".join(text(tag) for tag in sequence(alert.get("tags")))}
    return Signal(
        dedup_key=first(alert.get("alias"), alert.get("alertId")), status=status.get(action, "suppressed"),
        title=text(alert.get("message")), severity=severity_of(alert.get("priority")) or "medium",
        body=text(alert.get("description")), service_key=first(custom.get("service"), alert.get("entity")),
        labels={name: value for name, value in said.items() if value}, started_at=moment(alert.get("createdAt")))


class Opsgenie:
    """The Alert API."""

    slug = "opsgenie"
    name = "Opsgenie alerts"
    category = "From another pager"
    can = frozenset({"open", "resolve"})
    fields: tuple[Field, ...] = ()
    doors = (
        Door("/v2/alerts"), Door(ONE, ("DELETE",)),
        Door(f"{ONE}/<any({', '.join(ACTIONS)}):action>", ("POST", "PUT", "DELETE")),
        Door(f"{ONE}/actions/<name>"), Door("/v2/alerts/requests/<request>", ("GET",), does="look"),
        Door(ONE, ("GET",), does="look"),
        Door(PING, ("GET", "PUT", "POST", "PATCH"), does="ping"),
    )

    def credential(self, inbound: Inbound) -> str:
        """The key of the query; the usual `Authorization: GenieKey …` is known to every door."""
        return inbound.query.get("apiKey", "")

    def verify(self, inbound: Inbound, config: Any) -> None:
        """The key is checked before; here the form of the request is."""
        checked(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """The one signal of a request."""
        body, action = checked(inbound), action_of(inbound)
        if not action and "alert" in body:
            return [reported(body)]
        return [acted(action, body, inbound) if action else created(body, inbound)]

    def respond(self, inbound: Inbound, fault: Rejected | None) -> Answer:
        """The vendor's own answer."""
        if fault is not None:
            return refused(fault)
        return pong() if inbound.parts.get("door") == PING else accepted(inbound.delivery)

    def wanted(self, inbound: Inbound) -> Wanted:
        """Which request or alert is asked about."""
        if "request" in inbound.parts:
            return Wanted(delivery=numbered(inbound.parts["request"]) or "0")
        name, kind = inbound.parts.get("id", ""), inbound.query.get("identifierType", "id").lower()
        ours = numbered(name) or (name if kind == "tiny" else "")
        return Wanted(alert=ours) if ours and kind != "alias" else Wanted(key=name)

    def told(self, inbound: Inbound, told: Told | None) -> Answer:
        """What the sender hears about it; 404 while a request waits, as the vendor does."""
        if "request" in inbound.parts:
            return status_shown(told, inbound.parts["request"])
        return alert_shown(told)

    def heartbeat(self, inbound: Inbound) -> str:
        """The name of the heartbeat that is alive."""
        return inbound.parts.get("name", "")


@hookimpl
def integrations() -> list[Opsgenie]:
    """The way in."""
    return [Opsgenie()]


@hookimpl
def importers() -> list[OpsgenieAccount]:
    """The way over."""
    return [OpsgenieAccount()]
