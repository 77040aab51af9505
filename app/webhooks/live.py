"""Which blocks of the webhook pages refresh on which facts."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.webhooks import pages


def _index() -> pages.IndexPage:
    return pages.index_page(actor())


def _one(key: str) -> pages.WebhookPage:
    return pages.webhook_page(key, actor())


FEEDS = (
    Feed("/webhooks", "webhooks/index.html", _index, topics=("webhooks",), regions={"rows": "webhook.*"}),
    Feed("/webhooks/<key>", "webhooks/webhook.html", _one, topics=("webhook/{key}",),
         regions={"state": "webhook.*", "sent": "webhook.*"}),
)
