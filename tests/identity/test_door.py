"""Every door of the house: closed unless its view says who may."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.identity import rules
from app.identity.models import ApiToken, LoginSession, Team, User
from tests import build

SignedIn = Callable[[User], FlaskClient]
Header = Callable[..., dict[str, str]]


def closed(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of every view that needs somebody signed in."""
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", "")
        if rule.endpoint != "static" and access not in ("public", "token"):
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
                path = re.sub(r"<any\(([^,)]+)[^>]*>", r"\1", str(rule.rule))
                yield rule.endpoint, method, re.sub("<[^>]+>", "1", path)


def test_every_view_says_who_may(app: Flask) -> None:
    """IDN-21"""
    known = {*rules.TABLE, "public", "token"}
    unsaid = [endpoint for endpoint, view in app.view_functions.items()
              if endpoint != "static" and getattr(view, "access", "") not in known]
    assert unsaid == []


def test_nobody_unknown_gets_in_anywhere(app: Flask, client: FlaskClient) -> None:
    """IDN-22: 401 for machines, a way to sign in for people, never an answer and never a fault."""
    walked, open_doors = 0, []
    for endpoint, method, path in closed(app):
        answer = client.open(path, method=method, data=b"{", content_type="application/json")
        walked += 1
        if answer.status_code != 401 and not (answer.location or "").startswith("/login"):
            open_doors.append((endpoint, method, answer.status_code))
    assert walked > 25 and open_doors == []


def test_what_only_admins_do_is_closed_to_members_before_anything_is_read(app: Flask, signed_in: SignedIn, ana: User,
                                                                          payments: Team) -> None:
    """IDN-23"""
    browser = signed_in(ana)
    for endpoint, method, path in closed(app):
        if app.view_functions[endpoint].access in ("admin", "people.edit", "team.create"):  # type: ignore[attr-defined]
            assert browser.open(path, method=method).status_code == 403, endpoint


def test_a_machine_is_told_how_to_come_in(client: FlaskClient) -> None:
    answer = client.get("/api/v1/me")
    assert answer.status_code == 401 and answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_a_region_of_a_page_sends_the_whole_browser_to_sign_in(client: FlaskClient) -> None:
    answer = client.get("/people", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


def test_a_token_acts_as_its_owner_and_on_the_api_only(client: FlaskClient, token: Header, bob: User, payments: Team) -> None:
    header = token(bob, scopes=["incidents:read"])
    said = client.get("/api/v1/me", headers=header).get_json()
    assert (said["email"], said["scopes"]) == ("bob@example.com", ["incidents:read"])
    assert said["teams"] == [{"key": "payments", "name": "Payments", "role": "responder"}]
    assert client.get("/people", headers=header).status_code == 303


def test_beside_a_cookie_the_token_counts_alone(signed_in: SignedIn, token: Header, olga: User) -> None:
    """IDN-38: a limited token is not widened by the browser that carries it."""
    browser = signed_in(olga)
    assert browser.get("/api/v1/me").get_json()["scopes"] is None
    limited = token(olga, scopes=["incidents:read"])
    assert browser.get("/api/v1/me", headers=limited).get_json()["scopes"] == ["incidents:read"]
    assert browser.get("/people", headers=limited).status_code == 303


@pytest.mark.parametrize("columns", [{"revoked_at": clock.now()}, {"expires_at": clock.now()}])
def test_a_revoked_or_expired_token_opens_nothing(client: FlaskClient, token: Header, bob: User, columns: dict) -> None:
    """IDN-38"""
    assert client.get("/api/v1/me", headers=token(bob, **columns)).status_code == 401


def test_the_last_use_of_a_token_is_kept(client: FlaskClient, token: Header, bob: User) -> None:
    client.get("/api/v1/me", headers=token(bob))
    used = session.scalar(select(ApiToken.last_used_at))
    assert used is not None


def test_a_cookie_opens_only_for_the_person_it_was_made_for(signed_in: SignedIn, ana: User, olga: User) -> None:
    browser = signed_in(ana)
    with browser.session_transaction() as kept:
        kept["_user_id"] = str(olga.id)
    assert browser.get("/me").status_code == 303


def test_every_browser_has_a_login_of_its_own(signed_in: SignedIn, ana: User) -> None:
    first, second = signed_in(ana), signed_in(ana)
    first.post("/logout")
    assert second.get("/me").status_code == 200
    assert [login.ended_at is None for login in session.scalars(select(LoginSession).order_by(LoginSession.id))] == [
        False, True]


def test_who_is_outside_a_private_team_finds_no_trace_of_it(signed_in: SignedIn, charlie: User, ana: User) -> None:
    """IDN-24"""
    build.team("secret", manager=ana, private=True)
    browser = signed_in(charlie)
    pages = [browser.get(path) for path in ("/teams", "/people", f"/people/{ana.id}", "/me")]
    assert not any("Secret" in answer.text for answer in pages)
    unknown, hidden = browser.get("/teams/nothing"), browser.get("/teams/secret")
    assert (unknown.status_code, hidden.status_code) == (404, 404)
