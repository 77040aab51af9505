"""Which blocks of the inside pages refresh on which facts."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.status_pages import pages


def _index() -> pages.IndexPage:
    return pages.index_page(actor())


def _now(key: str) -> pages.NowPage:
    return pages.now_page(key, actor())


FEEDS = (
    Feed("/status-pages", "status_pages/index.html", _index, topics=("status_pages",), regions={"rows": "status_*"}),
    Feed("/status-pages/<key>", "status_pages/now.html", _now, topics=("status_page/{key}",),
         regions={"overall": "status_*", "parts": "status_page.*"}),
)
