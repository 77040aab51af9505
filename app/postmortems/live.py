"""Which blocks of the pages of postmortems refresh on which facts. Each reader's page is rendered for them alone: what
they may read and do depends on who was asked to review."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.postmortems import item_pages, list_pages, pages


def _index() -> list_pages.IndexPage:
    return list_pages.index_page(actor(), request.args)


def _one(id: str) -> pages.PostmortemPage:
    return pages.postmortem_page(id, actor())


def _items() -> item_pages.ItemsPage:
    return item_pages.items_page(actor(), request.args)


FEEDS = (
    Feed("/postmortems", "postmortems/index.html", _index, topics=("postmortems", "incidents"), personal=True,
         regions={"rows": "postmortem.* action_item.*", "due": "postmortem.* incident.resolved incident.reopened"}),
    Feed("/action-items", "postmortems/action-items.html", _items, topics=("action_items",), personal=True,
         regions={"rows": "action_item.*"}),
    Feed("/postmortems/<id>", "postmortems/postmortem.html", _one, topics=("postmortem:{id}",), personal=True,
         regions={"about": "postmortem.*", "act": "postmortem.*", "told": "postmortem.*", "text": "postmortem.*",
                  "timeline": "postmortem.*", "items": "action_item.*", "review": "postmortem.*", "facts": "postmortem.*",
                  "comments": "postmortem.comment* postmortem.changes_asked"}),
)
