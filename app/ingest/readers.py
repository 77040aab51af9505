"""Who reads a delivery: the plugin that its door named, else the integration's own; and the request as that gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core.db import session
from app.incidents.models import Alert
from app.ingest.models import Delivery, Integration
from app.ingest.queries import SELF_TEST
from app.plugin_api import Inbound, Signal


def reader_of(integration: Integration, parts: Mapping[str, str]) -> Any:
    """The plugin that reads what came by a door with these parts; None when it is not installed."""
    return current_app.extensions["plugins"].integrations.get(parts.get("reader", integration.plugin))


def away(integration: Integration, parts: Mapping[str, str]) -> str:
    """Why nobody reads what came by this door now, in words; "" when somebody does."""
    return absent(parts.get("reader", integration.plugin))


def absent(name: str) -> str:
    """Why this plugin reads nothing now, in words; "" when it does."""
    registry = current_app.extensions["plugins"]
    if name == SELF_TEST:  # no plugin's affair
        return ""
    if ("integration", name) not in registry.owners:
        return f"held: the plugin {name} is not installed"
    return "" if registry.is_on("integration", name) else f"held: the plugin {name} is switched off"


def inbound_of(delivery: Delivery) -> Inbound:
    """The stored request as it came."""
    return Inbound(delivery.method, delivery.headers, delivery.query, delivery.body, delivery.received_at,
                   parts=delivery.parts, delivery=str(delivery.id))


def by_our_id(signal: Signal, integration: Integration) -> Signal:
    """The signal with the key of the alert that it names by our id, if that is one of the same integration."""
    if not signal.alert:
        return signal
    number = int(signal.alert) if signal.alert.isdecimal() and len(signal.alert) < 18 else 0
    key = session.scalar(select(Alert.dedup_key).where(Alert.id == number, Alert.integration_id == integration.id))
    return replace(signal, dedup_key=key or signal.dedup_key)
