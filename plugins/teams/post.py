"""Posts into a channel of Microsoft Teams, by a webhook of its Workflows app.

Source: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (a message
with one Adaptive Card; 202 means taken, 429 that there were more than four a second).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import Answer, Call, Done, Field, Order, Rejected, text, web_link

CARD = "application/vnd.microsoft.card.adaptive"


class TeamsPost:
    """One card in the channel of the webhook."""

    slug, name, product = "teams_post", "Post in Teams", "Teams"
    can = frozenset[str]()
    fields = (
        Field("webhook", "Webhook address", kind="url", required=True, secret=True,
              help="From the Workflows app: “Post to a channel when a webhook request is received”"),
    )
    params = (
        Field("title", "Title"),
        Field("text", "Text", kind="area", required=True),
        Field("link", "Link", help="Where the button Open leads, such as {{ incident.url }}"),
    )

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """A message with one card."""
        said = order.params
        return card(config, text(said.get("title")), text(said.get("text")), text(said.get("link")))

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """The former connectors said "1", or a sentence about a fault with status 200."""
        _taken(answer)
        return Done()

    def check(self, config: Mapping[str, Any]) -> Call:
        """There is no question without a post: a short one."""
        return card(config, "OnCall is connected", "Workflows can post here.", "")

    def checked(self, answer: Answer) -> str:
        """It was taken."""
        _taken(answer)
        return "A test card was posted in the channel"

    def reason(self, answer: Answer) -> str:
        """What was said, cut."""
        return answer.text[:200]


def _taken(answer: Answer) -> None:
    if "failed" in answer.text[:500].lower():
        raise Rejected(f"Teams said: {answer.text[:200]}")


def card(config: Mapping[str, Any], title: str, words: str, link: str) -> Call:
    """The request that posts one card."""
    body: list[dict[str, Any]] = [{"type": "TextBlock", "text": words[:20_000], "wrap": True}]
    if title:
        body.insert(0, {"type": "TextBlock", "text": title[:400], "weight": "Bolder", "size": "Medium", "wrap": True})
    content: dict[str, Any] = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
                               "version": "1.4", "body": body}
    if web_link(link):
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    return Call("POST", text(config.get("webhook")), {}, json={
        "type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": content}]})
