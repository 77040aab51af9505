"""Which blocks of the pages of automation refresh on which facts."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.runbooks import secret_pages


def _secrets() -> secret_pages.SecretsPage:
    return secret_pages.index_page(actor())


FEEDS = (
    Feed("/secrets", "secrets/index.html", _secrets, topics=("secrets",), regions={"rows": "secret.*"}),
)
