"""Web push: encrypted messages to the browsers of a person.

Sources: RFC 8030 (delivery), RFC 8291 (encryption), RFC 8292 (VAPID).
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit

from app.plugin_api import Address, Field, Message, Receipt, Refused, Rejected, deliver, hookimpl, now

TTL_SECONDS = 3600
SIGNED_SECONDS = 6 * 3600
PAYLOAD_BYTES = 3 * 1024


def payload(message: Message) -> bytes:
    """What the service worker reads: flat JSON, its text cut until the whole fits into 3 KiB."""
    links = {link.action: link.url for link in message.links}
    said = {
        "id": message.id, "kind": message.kind, "title": message.subject[:250], "body": message.text[:1500],
        "url": links.get("open", ""), "incident": message.incident, "severity": message.severity,
        "acknowledge_url": links.get("acknowledge", ""), "silent": message.urgency != "high",
        "tag": message.thread or message.incident or message.id,
    }
    while len(body := json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")) > PAYLOAD_BYTES:
        longest = max(("title", "body"), key=lambda name: len(said[name]))
        if not said[longest]:
            raise Rejected("The links of this message are too long for web push")
        said[longest] = said[longest][:len(said[longest]) * 3 // 4]
    return body


def topic(message: Message) -> str:
    """Newer pushes of one incident replace older ones that still wait: 32 signs of base64url (RFC 8030, 5.4)."""
    raw = hashlib.sha256((message.thread or message.incident or message.id).encode()).digest()
    return urlsafe_b64encode(raw).decode()[:32]


def encrypted(body: bytes, address: Address) -> bytes:
    """The payload for this subscription's keys. Raises Refused when they are none."""
    from pywebpush import WebPusher  # it takes half a second, and not every process pushes

    try:
        subscription = {"endpoint": address.value, "keys": dict(address.data["keys"])}
        return bytes(WebPusher(subscription).encode(body)["body"])
    except Exception:  # noqa: BLE001 - the library raises whatever its parts do; all of it means the keys
        raise Refused("The keys of this browser's subscription can't be used") from None


def signature(endpoint: str, config: Any) -> str:
    """The Authorization header that names us to the push service."""
    from py_vapid import Vapid02

    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now().timestamp()) + SIGNED_SECONDS,
              "sub": config.get("VAPID_SUBJECT") or "mailto:oncall@localhost"}
    try:
        vapid = Vapid02.from_string(config["VAPID_PRIVATE_KEY"])
        vapid.conf = {"no-strict": True}  # its idea of an e-mail address knows no internal host names
        return str(vapid.sign(claims)["Authorization"])
    except Exception:  # noqa: BLE001 - as above; the reason would hold parts of the key
        raise Rejected("VAPID_PRIVATE_KEY or the address of this browser can't be used") from None


class WebPush:
    """One browser of a person; its keys are in `address.data`."""

    slug = "webpush"
    name = "Web push"
    address = Field("address", "Browser", kind="url", required=True, help="Made by the browser itself")
    can = frozenset({"verify"})
    settings = ("VAPID_PRIVATE_KEY", "VAPID_SUBJECT")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand one encrypted message to the browser's push service."""
        if not config.get("VAPID_PRIVATE_KEY"):
            raise Rejected("VAPID_PRIVATE_KEY is not set")
        headers = {
            "Authorization": signature(address.value, config), "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream", "TTL": str(TTL_SECONDS), "Topic": topic(message),
            "Urgency": "high" if message.urgency == "high" else "normal",
        }
        answer = deliver(address.value, headers=headers, data=encrypted(payload(message), address))
        return Receipt("sent", "webpush", answer.headers.get("location", ""))


@hookimpl
def channels() -> list[WebPush]:
    """The way out."""
    return [WebPush()]
