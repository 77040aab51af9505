"""Which blocks of the pages of configuration as code refresh on which facts."""

from __future__ import annotations

from flask import request

from app.config import errands, moving_pages, pages, replay_pages
from app.core.feed import Feed
from app.core.web import actor


def _configuration() -> pages.ConfigurationPage:
    return pages.configuration_page(actor())


def _import(key: str) -> moving_pages.ImportPage:
    return moving_pages.import_page(errands.errand_for(key, "import", actor()), request.args)


def _replay(key: str) -> replay_pages.ReplayPage:
    return replay_pages.replay_page(errands.errand_for(key, "replay", actor()))


FEEDS = (
    Feed("/configuration/replay/<key>", "config/replay.html", _replay, topics=("errand/{key}",), personal=True,
         regions={"state": "errand.*"}),
    Feed("/configuration/import/<key>", "config/import.html", _import, topics=("errand/{key}",), personal=True,
         regions={"state": "errand.*"}),
    Feed("/configuration", "config/configuration.html", _configuration, topics=("configuration",), personal=True,
         regions={"last": "configuration.*", "drift": "configuration.*"}),
)
