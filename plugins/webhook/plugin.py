"""The generic webhook: any JSON becomes signals, messages go out as signed JSON, and so do runbooks."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Field, Inbound, Rejected, Signal, hookimpl, noted, read_each

from .outgoing import Webhook
from .reading import signal_of
from .rules import Rules
from .target import WebhookTarget

__all__ = ["channels", "integrations", "runbook_targets"]


def items_of(inbound: Inbound) -> list[Any]:
    """The objects of the body: itself, or those of a list. Raises Rejected for what can't be an alert."""
    body = inbound.json()
    items = body if isinstance(body, list) else [body]
    if not items:
        raise Rejected("The list is empty")
    if not any(isinstance(item, dict) and item for item in items):
        raise Rejected("The body must be an object with at least one field, or a list of such objects")
    return items


class WebhookIn:
    """Any sender that can post JSON."""

    slug = "webhook"
    name = "Webhook"
    can = frozenset({"open", "resolve"})
    fields = (
        Field("mapping", "Mapping", kind="json",
              help='How fields are found, such as {"title": {"path": "check.name"}}; what is left out is guessed'),
    )

    def verify(self, inbound: Inbound, config: Any) -> None:
        """Check the form of the body; the signature is the platform's own and checked before."""
        items_of(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """One signal for each object."""
        rules = Rules(config.get("mapping"))
        signals, notes = read_each(items_of(inbound), lambda item: signal_of(item, rules))
        return noted(signals, notes)


@hookimpl
def integrations() -> list[WebhookIn]:
    """The way in."""
    return [WebhookIn()]


@hookimpl
def channels() -> list[Webhook]:
    """The way out."""
    return [Webhook()]


@hookimpl
def runbook_targets() -> list[WebhookTarget]:
    """Where a runbook can act."""
    return [WebhookTarget()]
