"""Which blocks of the pages about partners refresh on which facts. What partners only look at records none."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.partners import pages


def _index() -> pages.IndexPage:
    return pages.index_page(actor(), request.args)


def _one(key: int) -> pages.PartnerPage:
    return pages.partner_page(str(key), actor())


FEEDS = (
    Feed("/partners", "partners/list.html", _index, topics=("partners",), regions={"rows": "partner.*"}),
    Feed("/partners/<int:key>", "partners/partner.html", _one, topics=("partners",),
         regions={"grants": "partner.*", "entries": "partner.*", "access": "partner.*"}),
)
