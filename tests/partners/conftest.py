"""A status page of Ana's team, one that is another's, and Pat outside, who may read the first."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
import time_machine

from app.core.db import session
from app.partners.models import Entry, Partner
from app.status_pages import shelf
from app.status_pages.models import StatusPage
from tests import build

SEND = "app.partners.ticks.send"
START = "2026-03-02T12:00:00Z"


@dataclass
class Outside:
    """Whoever and whatever a test needs by name."""

    pat: Partner
    shop: StatusPage
    other: StatusPage


@pytest.fixture
def now():
    """Noon; `now.shift(60)` lets a minute pass."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def outside(app, payments, monkeypatch):
    """The two pages and Pat."""
    monkeypatch.setattr(shelf, "LOOK", 0.0)
    shelf.shelf(app).forget()
    shop = build.status_page("shop", team=payments, access="partner")
    other = build.status_page("other", team=build.team("others"), access="partner")
    return Outside(build.partner("pat", shop), shop, other)


@pytest.fixture
def mailed(client, tick, smtp):
    """`mailed("pat@partner.example")`: ask for a link; the path in the mail, "" when none came."""
    def ask(email: str, browser=None) -> str:
        before = len(smtp.to(email.strip().lower()))
        assert (browser or client).post("/partner/login", data={"email": email}).status_code == 200
        tick(SEND)
        fresh = smtp.to(email.strip().lower())[before:]
        return re.search(r"/partner/open/[\w-]+", fresh[0].text)[0] if fresh else ""
    return ask


@pytest.fixture
def inside(app, mailed):
    """`inside(pat)`: a browser in which this partner has pressed the button."""
    def browser(partner: Partner, opened=None):
        opened = opened or app.test_client()
        path = mailed(partner.email)
        answer = opened.post("/partner/open", data={"token": path.rpartition("/")[2]})
        assert answer.status_code == 303 and answer.location == "/partner"
        return opened
    return browser


@pytest.fixture
def log():
    """`log("denied")`: the rows of these kinds, oldest first; all without any."""
    def rows(*kinds: str) -> list[Entry]:
        session.expire_all()
        return [one for one in session.query(Entry).order_by(Entry.id) if not kinds or one.kind in kinds]
    return rows
