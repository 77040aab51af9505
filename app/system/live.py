"""Which blocks of the pages of the system refresh on which facts: processes that show life stir them every few seconds."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.identity.queries import allow
from app.system import pages


def _index() -> pages.SystemPage:
    allow(actor(), "admin")
    return pages.system_page()


def _retention() -> pages.RetentionPage:
    allow(actor(), "admin")
    return pages.retention_page()


FEEDS = (
    Feed("/system", "system/index.html", _index, topics=("system", "providers"),
         regions=dict.fromkeys(("state", "work", "ticks", "facts", "parts"), "*")),
    Feed("/system/retention", "system/retention.html", _retention, topics=("system",), regions={"rows": "retention.*"}),
)
