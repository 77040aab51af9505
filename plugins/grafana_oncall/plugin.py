"""The addresses of Grafana OnCall: its senders move by a change of the host name alone.

Source: https://grafana.com/docs/oncall/latest/configure/integrations/references/ (formatted webhook, heartbeats)
"""

from __future__ import annotations

from typing import Any

from app.plugin_api import (
    Answer,
    Door,
    Field,
    Inbound,
    Rejected,
    Signal,
    first,
    hookimpl,
    labels,
    mapping,
    sequence,
    severity_of,
    stable_key,
    text,
    web_link,
)

from .importing import OnCallAccount

# What other plugins read; kinds that are neither here nor in OWN are read as a webhook.
READERS = {"alertmanager": "alertmanager", "grafana": "grafana", "grafana_alerting": "grafana", "inbound_email": "email"}
OWN = ("formatted_webhook", "elastalert", "kapacitor", "zabbix")
FIELDS = ("alert_uid", "title", "image_url", "state", "link_to_upstream_details", "message", "severity", "service", "labels")


def body_of(inbound: Inbound) -> dict[str, Any]:
    """The body, checked for its form. Raises Rejected."""
    body = inbound.json()
    if not isinstance(body, dict) or not first(*(body.get(name) for name in ("alert_uid", "title", "message", "id"))):
        raise Rejected('The body must be an object with an "alert_uid", "title", "message" or "id"')
    return body


def formatted(body: dict[str, Any]) -> Signal:
    """The vendor's formatted webhook; `ok` in any letter case is the end."""
    over = text(body.get("state")).lower() in ("ok", "resolved")
    title = first(body.get("title"), body.get("message"), body.get("alert_uid"))
    return Signal(
        dedup_key=text(body.get("alert_uid")) or stable_key(title), status="resolved" if over else "firing", title=title,
        severity=severity_of(body.get("severity")), body=text(body.get("message")) if body.get("title") else "",
        url=web_link(body.get("link_to_upstream_details")), service_key=text(body.get("service")),
        labels=labels(body.get("labels")), raw={name: value for name, value in body.items() if name not in FIELDS})


def measured(body: dict[str, Any]) -> Signal:
    """A level of Kapacitor: OK is the end."""
    tags: dict[str, str] = {}
    for series in sequence(mapping(body.get("data")).get("series")):
        tags |= labels(mapping(series).get("tags"))
    level = text(body.get("level")).lower()
    return Signal(
        dedup_key=first(body.get("id"), body.get("message")), status="resolved" if level.startswith("ok") else "firing",
        title=first(body.get("message"), body.get("id")), severity=severity_of(level), body=text(body.get("details")),
        service_key=tags.get("service", ""), labels=tags)


class GrafanaOnCall:
    """The integration addresses of Grafana OnCall."""

    slug = "grafana_oncall"
    name = "Grafana OnCall senders"
    category = "From another pager"
    can = frozenset({"open", "resolve"})
    fields: tuple[Field, ...] = ()
    doors = (Door("/integrations/v1/<kind>/<token>/", ("POST", "PUT")),
             Door("/integrations/v1/<kind>/<token>/heartbeat/", ("GET", "POST"), does="ping"))

    def credential(self, inbound: Inbound) -> str:
        """The token stands in the address."""
        return ""

    def reader(self, inbound: Inbound) -> str:
        """Who reads a kind."""
        kind = inbound.parts.get("kind", "")
        return self.slug if kind in OWN else READERS.get(kind, "webhook")

    def verify(self, inbound: Inbound, config: Any) -> None:
        """These senders do not sign; the form of the body is all there is to check."""
        body_of(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """The one signal of a request."""
        body = body_of(inbound)
        return [measured(body) if "level" in body and "alert_uid" not in body else formatted(body)]

    def respond(self, inbound: Inbound, fault: Rejected | None) -> Answer:
        """The vendor's own answer."""
        if fault is None:
            return Answer(200, {"content-type": "text/plain; charset=utf-8"}, b"Ok.")
        return Answer(403 if fault.unauthenticated else 400, {"content-type": "text/plain; charset=utf-8"},
                      fault.reason.encode())

    def heartbeat(self, inbound: Inbound) -> str:
        """The heartbeat is the integration's own: the one with its key."""
        return ""


@hookimpl
def integrations() -> list[GrafanaOnCall]:
    """The way in."""
    return [GrafanaOnCall()]


@hookimpl
def importers() -> list[OnCallAccount]:
    """The way over."""
    return [OnCallAccount()]
