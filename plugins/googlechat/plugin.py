"""Posts in Google Chat by the address of a space's webhook, one thread for each incident.

Sources: developers.google.com/workspace/chat/quickstart/webhooks, …/chat/api/reference/rest/v1/cards, …/format-messages.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.plugin_api import (
    Address,
    Answer,
    Field,
    Message,
    Receipt,
    Refused,
    deliver,
    hookimpl,
    one_line,
    web_link,
)

SUBJECT, TEXT = 200, 3000


def content(message: Message) -> dict[str, Any]:
    """A card: subject, text and links. Its text is HTML, so nothing of an alert formats or mentions."""
    said = "<br>".join(escape(line) for line in message.text.strip()[:TEXT].splitlines())
    widgets: list[dict[str, Any]] = [{"textParagraph": {"text": said or "No text"}}]
    buttons = [{"text": link.label, "onClick": {"openLink": {"url": link.url}}}
               for link in message.links if web_link(link.url)]
    if buttons:
        widgets.append({"buttonList": {"buttons": buttons}})
    subject = one_line(message.subject)[:SUBJECT]
    header = {"title": subject, "subtitle": one_line(message.standing or message.service)[:SUBJECT]}
    card = {"header": {name: value for name, value in header.items() if value}, "sections": [{"widgets": widgets}]}
    found: dict[str, Any] = {"fallbackText": subject, "cardsV2": [{"cardId": f"oncall-{message.id}", "card": card}]}
    if message.thread:
        found["thread"] = {"threadKey": message.thread}
    return found


def place(address: str, message: Message) -> str:
    """The webhook's address, asking for the incident's thread."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    if message.thread:
        query["messageReplyOption"] = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def judge(answer: Answer) -> Exception | None:
    """A webhook that was removed, or whose key is wrong, never comes back."""
    refused = answer.status in (401, 403)
    return Refused(f"Google Chat does not accept this webhook ({answer.status})") if refused else None


class GoogleChat:
    """One post by a webhook."""

    slug, name = "googlechat", "Google Chat"
    address = Field("address", "Webhook address", kind="url", required=True,
                    help="Copied from the space's apps, such as https://chat.googleapis.com/v1/spaces/…")
    can = frozenset({"verify", "room", "hook"})
    settings = ()

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post once."""
        deliver(place(address.value, message), json=content(message), judge=judge)
        return Receipt("sent", "googlechat", message.id)


@hookimpl
def channels() -> list[GoogleChat]:
    """The way out."""
    return [GoogleChat()]
