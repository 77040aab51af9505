"""Which blocks of the heartbeat pages refresh on which facts. A ping alone records none: it shows on the next one."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.heartbeats import pages


def _index() -> pages.IndexPage:
    return pages.index_page(actor())


def _one(key: str) -> pages.HeartbeatPage:
    return pages.heartbeat_page(key, actor())


FEEDS = (
    Feed("/heartbeats", "heartbeats/index.html", _index, topics=("heartbeats",), regions={"rows": "heartbeat.*"}),
    Feed("/heartbeats/<key>", "heartbeats/heartbeat.html", _one, topics=("heartbeat/{key}",),
         regions={"status": "heartbeat.*"}),
)
