"""Which blocks of the pages of configuration as code refresh on which facts."""

from __future__ import annotations

from app.config import pages
from app.core.feed import Feed
from app.core.web import actor


def _configuration() -> pages.ConfigurationPage:
    return pages.configuration_page(actor())


FEEDS = (
    Feed("/configuration", "config/configuration.html", _configuration, topics=("configuration",), personal=True,
         regions={"last": "configuration.*", "drift": "configuration.*"}),
)
