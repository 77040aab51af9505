"""An incident says what else it may hit, and where its cause may lie."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from app.catalog.dependencies import set_dependencies
from app.core.access import OPERATOR
from app.core.db import transaction
from app.core.feed import View
from app.identity.models import User
from app.incidents.live import FEEDS
from tests import build
from tests.pager import pager


def test_both_ends_of_a_dependency_know_of_each_other(signed_in: Callable[[User], FlaskClient]):
    """CAT-18"""
    world = pager()
    shop, ledger = build.service("shop", team=world.team), build.service("ledger", team=world.team)
    with transaction():
        set_dependencies({"shop": ["checkout"], "checkout": ["ledger"]}, by=OPERATOR)
    below = build.incident("Ledger is slow", service=ledger, severity="high")
    above = build.incident("Shop is slow", service=shop)
    browser = signed_in(world.ana)
    page = browser.get(f"/incidents/{below.id}").text
    affected = page[page.index("May be affected"):]
    assert affected.index("Checkout") < affected.index("Shop") and "2 steps away" in affected
    page = browser.get(f"/incidents/{above.id}").text
    assert f"high, #{below.id}" in page[page.index("May be the cause"):]


def test_what_a_reader_may_not_see_is_not_affected(signed_in: Callable[[User], FlaskClient]):
    """CAT-31"""
    world = pager()
    build.service("secret", team=build.team("hidden", private=True))
    with transaction():
        set_dependencies({"secret": ["checkout"]}, by=OPERATOR)
    incident = build.incident(team=world.team)
    assert "Secret" not in signed_in(world.bob).get(f"/incidents/{incident.id}").text


def test_an_incident_anywhere_refreshes_who_may_be_hit_and_nothing_else():
    """CAT-18: the page of one incident hears when another one opens."""
    feed = next(feed for feed in FEEDS if feed.path == "/incidents/<id>")
    view = View(feed, {"id": "7"})
    assert view.due([{"topics": ["incident:9", "incidents"], "kinds": ["incident.opened"]}]) == ["impact"]
    assert "timeline" in view.due([{"topics": ["incident:7", "incidents"], "kinds": ["incident.opened"]}])
