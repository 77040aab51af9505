"""Detectors of Splunk Observability Cloud (SignalFx), sent by its webhook integration.

Source: https://help.splunk.com/en/splunk-observability-cloud/manage-data/notification-services/send-alerts-to-a-webhook
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    filled,
    first,
    hookimpl,
    labels,
    mapping,
    meaning,
    moment,
    severity_of,
    text,
    web_link,
    words,
)

STATES = words(firing="anomalous, too high, too low, triggered", resolved="ok, stopped, manually resolved, auto resolved",
               suppressed="muted")


def read(inbound: Inbound) -> list[Signal]:
    """The one signal of a detector's rule."""
    body = inbound.object()
    key = text(body.get("incidentId"))
    if not key:
        raise Rejected('"incidentId" is missing')
    found = dimensions(body)
    detector, rule = text(body.get("detector")), text(body.get("rule"))
    said = first(body.get("statusExtended"), body.get("status"))
    over = text(body.get("eventType")).lower().endswith(("cleared", "ok"))
    return [Signal(
        dedup_key=key, status="resolved" if over else meaning(STATES, said, "firing"),
        title=first(body.get("messageTitle"), f"{detector}: {rule}".strip(": "), key),
        severity=severity_of(body.get("severity")),
        body=first(body.get("messageBody"), body.get("description")), url=web_link(body.get("detectorUrl")),
        service_key=first(found.get("service"), found.get("sf_service"), found.get("service.name")),
        labels={**filled(detector=detector, rule=rule), **found}, happened_at=moment(body.get("timestamp")),
    )]


def dimensions(body: dict[str, Any]) -> dict[str, str]:
    """What tells one series from another: as they are listed, else those of the inputs."""
    inputs = (mapping(mapping(one).get("key")) for one in mapping(body.get("inputs")).values())
    listed = mapping(body.get("dimensions")) or {name: value for key in inputs for name, value in key.items()}
    return {name: value for name, value in labels(listed).items() if value}


class SignalFx:
    """The webhook of Splunk Observability; its signature is an HMAC-SHA1 in base64."""

    slug = "signalfx"
    name = "Splunk Observability"
    category = "Metrics and monitoring"
    can = frozenset({"open", "resolve"})
    fields = (Field("secret", "Shared secret", secret=True, help="Of the webhook integration; it signs what is sent"),)

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """The signature, where a secret is set, and the form of the body."""
        secret, said = text(config.get("secret")), inbound.headers.get("x-sfx-signature", "")
        if secret and not said:
            raise Rejected("The signature is missing: there is no header X-SFX-Signature", unauthenticated=True)
        if secret and not hmac.compare_digest(_decoded(said), _mac(inbound.body, secret)):
            raise Rejected("The signature in X-SFX-Signature is wrong", unauthenticated=True)
        read(inbound)

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The one signal of a request."""
        return read(inbound)

    def sign(self, body: bytes, config: Mapping[str, Any], at: datetime) -> dict[str, str]:
        """The header that proves a test."""
        secret = text(config.get("secret"))
        return {"X-SFX-Signature": base64.b64encode(_mac(body, secret)).decode()} if secret else {}


def _mac(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha1).digest()


def _decoded(said: str) -> bytes:
    try:
        return base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        return b""


@hookimpl
def integrations() -> list[SignalFx]:
    """The way in."""
    return [SignalFx()]
