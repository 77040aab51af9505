"""Alerts of Prometheus Alertmanager, webhook format version 4: one signal for each alert, or one for the group.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    as_group,
    first,
    hookimpl,
    labels,
    labels_but,
    mapping,
    moment,
    noted,
    read_each,
    severity_of,
    stable_key,
    text,
    web_link,
)


def message(inbound: Inbound) -> dict[str, Any]:
    """The body, checked for its form. Raises Rejected."""
    body = inbound.json()
    if not isinstance(body, dict):
        raise Rejected("The body must be an object with a list of alerts")
    if not isinstance(body.get("alerts"), list) or not body["alerts"]:
        raise Rejected('"alerts" must be a list with at least one alert')
    return body


def status_of(word: object) -> str:
    """Alertmanager knows two states; whatever is not said to be over is firing."""
    return "resolved" if text(word).lower() == "resolved" else "firing"


def item(alert: object) -> Signal:
    """The signal of one alert."""
    if not isinstance(alert, dict):
        raise Rejected("it is not an object")
    found, said = labels(alert.get("labels")), mapping(alert.get("annotations"))
    status, started = status_of(alert.get("status")), moment(alert.get("startsAt"))
    return Signal(
        dedup_key=text(alert.get("fingerprint")) or stable_key(labels_but(found, "severity")),
        status=status, title=first(said.get("summary"), found.get("alertname")),
        severity=severity_of(found.get("severity")), body=first(said.get("description"), said.get("message")),
        url=web_link(alert.get("generatorURL")), service_key=found.get("service", ""), labels=found,
        started_at=started, happened_at=moment(alert.get("endsAt")) if status == "resolved" else started,
    )


def group(body: dict[str, Any], signals: list[Signal], notes: list[str]) -> Signal:
    """One signal for the whole message."""
    found, said = labels(body.get("commonLabels")), mapping(body.get("commonAnnotations"))
    return as_group(
        signals, dedup_key=text(body.get("groupKey")) or stable_key(labels(body.get("groupLabels"))),
        name=first(said.get("summary"), found.get("alertname")), url=web_link(body.get("externalURL")),
        service_key=found.get("service", ""), labels=found, notes=tuple(notes))


class Alertmanager:
    """The webhook receiver of Alertmanager."""

    slug = "alertmanager"
    name = "Prometheus Alertmanager"
    category = "Metrics and monitoring"
    can = frozenset({"open", "resolve"})
    fields = (
        Field("per", "One alert for each", kind="choice", default="alert", regroups=True,
              choices=(("alert", "alert"), ("group", "group of alerts")),
              help="A group resolves when all its alerts have"),
    )

    def verify(self, inbound: Inbound, config: Any) -> None:
        """Alertmanager does not sign; the form of the body is all there is to check."""
        message(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """One signal for each alert, or one for the group."""
        body = message(inbound)
        signals, notes = read_each(body["alerts"], item, what="alert")
        left_out = text(body.get("truncatedAlerts"))
        if left_out not in ("", "0"):
            notes = [f"Alertmanager left out {left_out} more alerts of this group (truncatedAlerts)", *notes]
        return [group(body, signals, notes)] if config.get("per") == "group" else noted(signals, notes)


@hookimpl
def integrations() -> list[Alertmanager]:
    """The way in."""
    return [Alertmanager()]
