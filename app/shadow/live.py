"""Which blocks of the page of shadow refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.shadow import pages


def _index() -> pages.ShadowPage:
    return pages.shadow_page(actor(), request.args)


FEEDS = (
    Feed("/shadow", "shadow/index.html", _index, topics=("shadow", "incidents"),
         regions={"now": "shadow.begun shadow.ended incident.opened incident.resolved incident.let_page",
                  "unsent": "shadow.*"}),
)
