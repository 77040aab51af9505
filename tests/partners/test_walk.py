"""Two worlds in one system: neither cookie opens a door of the other."""

from __future__ import annotations

import pytest

from app.core.db import session
from app.status_pages.models import StatusPage
from tests.application import count_nobody

API = "/api/v1/partners"


# What a partner may be answered on the addresses of the house: as anybody from the street is.
@pytest.fixture
def walk(app, monkeypatch):
    """Without limits, and nothing that a request changes is kept."""
    from app.core import db

    count_nobody(app, monkeypatch)

    def begin():
        monkeypatch.setattr(db, "_after_commit", [])
        monkeypatch.setattr(db.session, "commit", db.session.rollback)
    return begin


def test_a_walk_over_every_route_of_the_house_with_a_partner_s_cookie(outside, inside, app, walk):
    """PTN-13: each page, call, socket and search answers as for whoever has no cookie at all."""
    from tests.test_access_matrix import address

    browser, stranger = inside(outside.pat), app.test_client()
    cookie = browser.get_cookie("oncall_partner", path="/partner").value
    walk()
    opened = [(rule, method) for rule in app.url_map.iter_rules() for method in sorted(rule.methods - {"OPTIONS", "HEAD"})
              if not rule.rule.startswith("/partner") and rule.endpoint != "static"]
    different = []
    for rule, method in opened:
        headers = {"Cookie": f"oncall_partner={cookie}"}  # by hand: a browser would not even send it here
        mine = browser.open(address(rule), method=method, headers=headers)
        theirs = stranger.open(address(rule), method=method)
        if (mine.status_code, mine.headers.get("Location")) != (theirs.status_code, theirs.headers.get("Location")):
            different.append(f"{method} {rule.rule}: {mine.status_code}, {theirs.status_code}")
    assert len(opened) > 300 and not different, "\n".join(different)


def test_a_walk_over_every_partner_route_with_a_person_s_cookie(outside, signed_in, app, olga, ana, walk):
    """PTN-13: an admin and a manager are strangers there: each page leads to the partners' own login."""
    people = [signed_in(olga), signed_in(ana)]
    walk()
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/partner") and not rule.rule.startswith("/partners")]
    for rule in rules:
        path = rule.rule.replace("<slug>", "shop").replace("<notice>", "x").replace("<token>", "x").replace("<path:_rest>", "x/y")
        for browser in people if "GET" in rule.methods else ():
            answer = browser.get(path)
            open_to_all = path in ("/partner/login", "/partner/open/x") or path.endswith("/logo")
            assert open_to_all or (answer.status_code, answer.location) == (303, "/partner/login"), path
            assert "Shop status" not in answer.text
    assert len(rules) >= 12 and session.query(StatusPage).count() == 2
