"""Alerts of Grafana: the webhook contact point of Grafana Alerting, and the one of the older dashboard alerts.

Source: https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    Signature,
    as_group,
    first,
    hookimpl,
    labels,
    labels_but,
    mapping,
    moment,
    noted,
    read_each,
    sequence,
    severity_of,
    stable_key,
    text,
    web_link,
)

LEGACY_STATES = {"alerting": "firing", "no_data": "firing", "ok": "resolved", "paused": "suppressed",
                 "pending": "suppressed"}
KEPT = ("dashboardURL", "panelURL", "silenceURL", "imageURL", "values", "valueString")
WITHOUT_DATA = {"DatasourceNoData": "No data", "DatasourceError": "Query failed"}


def message(inbound: Inbound) -> dict[str, Any]:
    """The body, checked for its form. Raises Rejected."""
    body = inbound.json()
    if not isinstance(body, dict):
        raise Rejected("The body must be an object")
    if "alerts" in body and (not isinstance(body["alerts"], list) or not body["alerts"]):
        raise Rejected('"alerts" must be a list with at least one alert')
    if "alerts" not in body and not (first(body.get("ruleId"), body.get("ruleName")) and text(body.get("state"))):
        raise Rejected('"alerts" is missing')
    return body


def item(alert: object) -> Signal:
    """The signal of one alert."""
    if not isinstance(alert, dict):
        raise Rejected("it is not an object")
    found, said = labels(alert.get("labels")), mapping(alert.get("annotations"))
    status = "resolved" if text(alert.get("status")).lower() == "resolved" else "firing"
    started = moment(alert.get("startsAt"))
    return Signal(
        dedup_key=text(alert.get("fingerprint")) or stable_key(labels_but(found, "severity")), status=status,
        title=title(found, said), severity=severity_of(found.get("severity")), body=details(alert, said),
        url=first(*(web_link(alert.get(name)) for name in ("panelURL", "dashboardURL", "generatorURL"))),
        service_key=found.get("service") or found.get("service_name", ""), labels=found, started_at=started,
        happened_at=moment(alert.get("endsAt")) if status == "resolved" else started,
        raw={name: alert[name] for name in KEPT if alert.get(name)},
    )


def title(found: dict[str, str], said: dict[str, Any]) -> str:
    """The summary or the rule's name; an alert about missing data says so."""
    name = first(said.get("summary"), found.get("rulename"), found.get("alertname"))
    trouble = WITHOUT_DATA.get(found.get("alertname", ""))
    return f"{trouble}: {name}" if trouble else name


def details(alert: dict[str, Any], said: dict[str, Any]) -> str:
    """The description and the values that were measured."""
    values = mapping(alert.get("values"))
    measured = ", ".join(f"{name} = {text(values[name])}" for name in sorted(values))
    return "\n".join(filter(None, (first(said.get("description"), said.get("message")), measured)))


def group(body: dict[str, Any], signals: list[Signal], notes: list[str]) -> Signal:
    """One signal for the whole notification."""
    found, said = labels(body.get("commonLabels")), mapping(body.get("commonAnnotations"))
    return as_group(
        signals, dedup_key=text(body.get("groupKey")) or stable_key(labels(body.get("groupLabels"))),
        name=first(said.get("summary"), found.get("rulename"), found.get("alertname")),
        url=web_link(body.get("externalURL")),
        service_key=first(found.get("service"), found.get("service_name")), labels=found, notes=tuple(notes))


def legacy(body: dict[str, Any]) -> Signal:
    """The one signal of a dashboard alert."""
    tags = labels(body.get("tags"))
    status = LEGACY_STATES.get(text(body.get("state")).lower(), "firing")
    return Signal(
        dedup_key=f"rule:{first(body.get('ruleId'), body.get('ruleName'))}", status=status,
        title=first(body.get("ruleName"), body.get("title")), severity=severity_of(tags.get("severity")),
        body=text(body.get("message")), url=web_link(body.get("ruleUrl")), service_key=tags.get("service", ""),
        labels=tags, raw={"evalMatches": sequence(body.get("evalMatches"))},
    )


def signature(config: Mapping[str, Any]) -> Signature:
    """How this contact point is set to sign."""
    return Signature(config.get("hmac_header") or "X-Grafana-Alerting-Signature", field="hmac_secret",
                     timestamp_header=config.get("timestamp_header") or "")


class Grafana:
    """The webhook contact point of Grafana."""

    slug = "grafana"
    name = "Grafana"
    category = "Metrics and monitoring"
    can = frozenset({"open", "resolve"})
    fields = (
        Field("per", "One alert for each", kind="choice", default="alert", regroups=True,
              choices=(("alert", "alert"), ("group", "group of alerts")), help="A group resolves when all its alerts have"),
        Field("hmac_secret", "HMAC secret", secret=True, help="As typed under HMAC signature in the contact point"),
        Field("hmac_header", "HMAC header", default="X-Grafana-Alerting-Signature"),
        Field("timestamp_header", "Timestamp header", help="Only if the contact point sends one; it is signed too"),
    )

    def verify(self, inbound: Inbound, config: Any) -> None:
        """Check the signature, where a secret is configured, and the form of the body."""
        signature(config).check(inbound, config)
        message(inbound)

    def sign(self, body: bytes, config: Any, at: datetime) -> dict[str, str]:
        """The headers that prove a test."""
        return signature(config).headers(body, config, at)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """One signal for each alert, or one for the group."""
        body = message(inbound)
        if "alerts" not in body:
            return [legacy(body)]
        signals, notes = read_each(body["alerts"], item, what="alert")
        left_out = text(body.get("truncatedAlerts"))
        if left_out not in ("", "0"):
            notes = [f"Grafana left out {left_out} more alerts (truncatedAlerts)", *notes]
        return [group(body, signals, notes)] if config.get("per") == "group" else noted(signals, notes)


@hookimpl
def integrations() -> list[Grafana]:
    """The way in."""
    return [Grafana()]
