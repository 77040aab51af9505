"""What holds over two processes, and that a partner's page says what the public one would."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.redis import client as redis_client
from app.status_pages import maintenance, notices, service
from app.status_pages.models import StatusPage
from app.status_pages.notices import Said
from tests.application import Client
from tests.partners.conftest import SEND


@pytest.fixture
def second(app, another_app):
    """Another web process, on the same database."""
    found = another_app(DATABASE_URL=app.config["DATABASE_URL"])
    found.test_client_class = Client
    return found


def test_the_limits_on_requests_hold_over_two_processes_and_a_restart(outside, app, second, now, tick, smtp, log):
    """PTN-06: three times here and twice there; the sixth sends nothing and says the same, also after a restart."""
    said = set()
    for at in range(7):
        where = (app, second)[at % 2]
        if at == 6:
            redis_client().flushall()
        said.add(where.test_client().post("/partner/login", data={"email": "pat@partner.example"},
                                          environ_base={"REMOTE_ADDR": f"192.0.2.{at}"}).text)
        tick(SEND)
    assert len(said) == 1 and len(smtp.to("pat@partner.example")) == 5 and len(log("limited")) == 2


def test_the_partner_s_page_is_the_public_one(outside, inside, client, app):
    """PTN-15: components with 90 days, notices with updates, maintenance: equal to what everybody would read."""
    with transaction():
        page = session.get_one(StatusPage, outside.shop.id)
        part = page.components[0]
        service.override(part, "partial_outage", until=clock.now() + timedelta(hours=1), reason="x", by=OPERATOR)
        notices.open_notice(page, {"title": "Cards fail", "components": [part.public_id]}, Said("identified", "A cable."), by=OPERATOR)
        maintenance.plan(page, {"title": "New cables", "starts": f"{clock.now() + timedelta(days=1):%Y-%m-%dT10:00}", "ends":
                                f"{clock.now() + timedelta(days=1):%Y-%m-%dT11:00}", "components": [part.public_id]}, by=OPERATOR)
        service.save_page({"slug": "shop", "access": "public"}, by=OPERATOR)
    browser = inside(outside.pat)
    theirs, ours = browser.get("/partner/pages/shop.json").json, client.get("/status/shop.json").json
    assert ours["page"].pop("url") and {**theirs, "generated_at": 0} == {**ours, "generated_at": 0} and ours["maintenance"]
    for path in ("", "/history"):
        assert body(browser, f"/partner/pages/shop{path}") == body(client, f"/status/shop{path}")
    assert "Cards fail" in body(browser, "/partner/pages/shop") and "New cables" in body(browser, "/partner/pages/shop")


def body(browser, path):
    """What stands between the greeting and the foot, whatever its blanks; addresses as those of the public page."""
    text = browser.get(path).text.partition("<main")[2].partition("<section")[2].partition("<footer")[0]
    return " ".join(text.replace("/partner/pages/", "/status/").partition("</main>")[0].split())
