"""Messages as signed JSON to any web address."""

from __future__ import annotations

import json
from typing import Any

from app.plugin_api import Address, Field, Message, Receipt, deliver, now, sign


class Webhook:
    """A web address that takes JSON; only a 2xx answer counts as delivered."""

    slug = "webhook"
    name = "Webhook"
    address = Field("address", "Address", kind="url", required=True, help="Starts with https://")
    can = frozenset({"verify", "room", "sign"})
    settings = ()

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post the message once, signed when the address has a secret."""
        body = json.dumps(content(message), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-OnCall-Delivery": message.id}
        secret = address.data.get("secret")
        if secret:
            headers |= sign(body, secret=str(secret), at=now(), delivery=message.id)
        deliver(address.value, headers=headers, data=body)
        return Receipt("delivered", "webhook", message.id)


def content(message: Message) -> dict[str, Any]:
    """What the receiver reads; `id` is equal over retries."""
    return {
        "id": message.id, "kind": message.kind, "subject": message.subject, "text": message.text,
        "urgency": message.urgency, "severity": message.severity, "incident": message.incident,
        "links": [{"action": link.action, "label": link.label, "url": link.url} for link in message.links],
    }
