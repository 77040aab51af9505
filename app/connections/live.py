"""Which blocks of the page of connections refresh on which facts."""

from __future__ import annotations

from app.connections import pages
from app.core.feed import Feed
from app.core.web import actor

FEEDS = (
    Feed("/connections", "connections/index.html", lambda: pages.index_page(actor()), topics=("connections",),
         regions={"rows": "connection.*"}),
)
