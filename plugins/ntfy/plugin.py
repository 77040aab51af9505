"""Notifications by ntfy, on its public server or on one's own: the address is the topic's.

Sources: docs.ntfy.sh/publish (title, priority, actions, access tokens), RFC 2047 (titles beyond ASCII).
"""

from __future__ import annotations

import json
from email.header import Header
from typing import Any

from app.plugin_api import (
    Address,
    Answer,
    Field,
    Message,
    Receipt,
    Refused,
    Setting,
    deliver,
    hookimpl,
    one_line,
    web_link,
)

TEXT_BYTES = 3500  # what is longer than 4,096 becomes an attachment
PAGES = ("page", "request")


def judge(answer: Answer) -> Exception | None:
    """A topic that does not let us in never will."""
    return Refused("The topic does not let us in (403)") if answer.status == 403 else None


def actions(message: Message) -> list[dict[str, Any]]:
    """Acknowledge at once by a POST from the phone; everything else opens."""
    found: list[dict[str, Any]] = []
    for link in message.links:
        if link.action == "acknowledge" and web_link(link.url):
            found.append({"action": "http", "label": link.label, "url": link.url, "method": "POST", "clear": True})
        elif web_link(link.url):
            found.append({"action": "view", "label": link.label, "url": link.url})
    return found[:3]


def headers(message: Message) -> dict[str, str]:
    """Title, priority and buttons: a page of high urgency breaks through silence."""
    loud = message.urgency == "high" and message.kind in PAGES
    title = one_line(message.subject)
    found = {"Title": title if title.isascii() else Header(title, "utf-8").encode(maxlinelen=0),
             "Priority": "5" if loud else "3", "Content-Type": "text/plain; charset=utf-8"}
    if loud:
        found["Tags"] = "rotating_light"
    if buttons := actions(message):
        found["Actions"] = json.dumps(buttons)
    if opened := next((link.url for link in message.links if link.action == "open" and web_link(link.url)), ""):
        found["Click"] = opened
    return found


class Ntfy:
    """One notification to a topic."""

    slug, name = "ntfy", "ntfy"
    address = Field("address", "Topic address", kind="url", required=True, help="Such as https://ntfy.sh/your-topic")
    can = frozenset({"verify", "room"})
    settings = ("NTFY_TOKEN", "NTFY_API_URL")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Publish once; our token goes to our own server only, whatever address somebody entered."""
        sent, server = headers(message), str(config.get("NTFY_API_URL") or "").rstrip("/")
        if config.get("NTFY_TOKEN") and server and address.value.startswith(f"{server}/"):
            sent["Authorization"] = f"Bearer {config['NTFY_TOKEN']}"
        words = message.text.strip().encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")
        deliver(address.value, headers=sent, data=words.encode(), judge=judge)
        return Receipt("sent", "ntfy", message.id)


@hookimpl
def channels() -> list[Ntfy]:
    """The way out."""
    return [Ntfy()]


@hookimpl
def settings() -> list[Setting]:
    """Written NTFY_… in the environment, or entered on the page of the channel."""
    return [
        Setting("TOKEN", help="Access token for protected topics of the server below; empty: none", secret=True),
        Setting("API_URL", "https://ntfy.sh", "Address of the server to which the token goes"),
    ]
