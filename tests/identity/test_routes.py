"""The pages about people and teams, pressed through as people do, without script."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.db import session
from app.core.events import Event
from app.identity.models import ApiToken, Membership, Team, User
from tests import build

SignedIn = Callable[[User], FlaskClient]


def test_an_admin_adds_a_person_who_chooses_a_password(app: Flask, signed_in: SignedIn, olga: User) -> None:
    shown = signed_in(olga).post("/people", data={"name": "Dora", "email": "dora@example.com", "role": "member",
                                                  "time_zone": "Europe/Berlin"})
    path = shown.text.split('value="http://localhost/setup/')[1].split('"')[0]
    dora = app.test_client()
    assert "Hello Dora" in dora.get(f"/setup/{path}").text
    assert dora.post(f"/setup/{path}", data={"password": build.PASSWORD}).status_code == 303
    assert "dora@example.com" in dora.get("/me").text
    assert app.test_client().get(f"/setup/{path}").status_code == 404


def test_a_refused_form_keeps_what_was_typed_and_says_why(signed_in: SignedIn, olga: User, bob: User) -> None:
    answer = signed_in(olga).post("/people", data={"name": "Bobby", "email": bob.email, "role": "member",
                                                   "time_zone": "UTC"})
    assert answer.status_code == 422
    assert "already a person with this address" in answer.text and 'value="Bobby"' in answer.text


def test_people_are_found_by_name_or_address(signed_in: SignedIn, ana: User, bob: User) -> None:
    text = signed_in(ana).get("/people?q=BOB@").text
    assert f'id="row-{bob.id}"' in text and f'id="row-{ana.id}"' not in text
    assert "Nobody matches “100%”" in signed_in(ana).get("/people?q=100%25").text


def test_a_name_with_markup_is_only_a_name(signed_in: SignedIn, ana: User) -> None:
    browser = signed_in(ana)
    browser.post("/me", data={"name": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in browser.get("/people").text


def test_an_admin_changes_the_role_of_a_person_and_signs_them_out(signed_in: SignedIn, olga: User, bob: User) -> None:
    theirs, browser = signed_in(bob), signed_in(olga)
    assert browser.post(f"/people/{bob.id}", data={"role": "admin"}).status_code == 303
    assert theirs.get("/people/new").status_code == 200
    assert browser.post(f"/people/{bob.id}/end-logins").status_code == 303
    assert theirs.get("/me").status_code == 303


def test_the_last_admin_is_told_why_not(signed_in: SignedIn, olga: User) -> None:
    """IDN-26"""
    answer = signed_in(olga).post(f"/people/{olga.id}/deactivate")
    assert answer.status_code == 409 and "last platform admin" in answer.text
    assert session.get_one(User, olga.id).is_active


def test_a_manager_builds_up_her_team(signed_in: SignedIn, ana: User, charlie: User, payments: Team) -> None:
    browser = signed_in(ana)
    assert browser.post("/teams/payments/members", data={"user": str(charlie.id), "role": "observer"}).status_code == 303
    assert browser.post(f"/teams/payments/members/{charlie.id}", data={"role": "responder"}).status_code == 303
    role = select(Membership.role).where(Membership.user_id == charlie.id)
    assert session.scalar(role) == "responder"
    assert browser.post(f"/teams/payments/members/{charlie.id}", data={"role": ""}).status_code == 303
    assert session.scalar(role) is None


def test_a_responder_sees_the_team_without_its_buttons(signed_in: SignedIn, ana: User, bob: User, payments: Team) -> None:
    browser = signed_in(bob)
    page = browser.get("/teams/payments").text
    assert "Leave Payments" in page and "Remove Ana" not in page and "/teams/payments/edit" not in page
    before = session.scalar(select(func.count()).select_from(Event))
    assert browser.post("/teams/payments/members", data={"user": str(bob.id)}).status_code == 403
    assert browser.post(f"/teams/payments/members/{ana.id}", data={"role": ""}).status_code == 403
    assert browser.get("/teams/payments/edit").status_code == 403
    assert session.scalar(select(func.count()).select_from(Event)) == before


def test_the_last_manager_leaves_only_when_she_says_so_twice(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IDN-26"""
    browser = signed_in(ana)
    asked = browser.post(f"/teams/payments/members/{ana.id}", data={"role": ""})
    assert asked.status_code == 409 and "last manager" in asked.text and 'name="confirmed"' in asked.text
    assert session.scalar(select(func.count()).select_from(Membership)) == 2
    assert browser.post(f"/teams/payments/members/{ana.id}", data={"role": "", "confirmed": "1"}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Membership)) == 1


def test_two_managers_save_at_once_and_the_second_sees_the_newer_one(signed_in: SignedIn, ana: User, payments: Team) -> None:
    """IDN-29"""
    browser = signed_in(ana)
    seen = browser.get("/teams/payments/edit").text.split('name="seen" value="')[1].split('"')[0]
    first = {"name": "Payments", "description": "By the first", "tags": "a, b", "seen": seen}
    assert browser.post("/teams/payments", data=first).status_code == 303
    second = browser.post("/teams/payments", data={**first, "description": "By the second"})
    assert second.status_code == 409 and "By the first" in second.text and "By the second" not in second.text


def test_an_admin_creates_and_archives_a_team(signed_in: SignedIn, olga: User) -> None:
    browser = signed_in(olga)
    wrong = browser.post("/teams", data={"key": "No Key", "name": "Search", "tags": "", "description": ""})
    assert wrong.status_code == 422 and "lower-case letters" in wrong.text
    assert browser.post("/teams", data={"key": "new", "name": "Search", "private": "1"}).location == "/teams/new"
    assert browser.post("/teams/new/archive").status_code == 303
    assert 'id="row-1"' not in browser.get("/teams").text
    assert 'id="row-1"' in browser.get("/teams?archived=1").text


def test_a_new_password_ends_the_other_logins(signed_in: SignedIn, ana: User) -> None:
    here, elsewhere = signed_in(ana), signed_in(ana)
    wrong = here.post("/me/password", data={"present": "not this one", "password": "a quite new password"})
    assert wrong.status_code == 422 and "not your present password" in wrong.text
    assert here.post("/me/password", data={"present": build.PASSWORD, "password": "a quite new password"}).status_code == 303
    assert (here.get("/me").status_code, elsewhere.get("/me").status_code) == (200, 303)


def test_a_person_ends_one_login_and_nobody_elses(signed_in: SignedIn, ana: User, bob: User) -> None:
    here, elsewhere, bobs = signed_in(ana), signed_in(ana), signed_in(bob)
    assert here.post("/me/logins/end", data={"login": "3"}).status_code == 303
    assert bobs.get("/me").status_code == 200
    here.post("/me/logins/end", data={"login": "2"})
    assert (here.get("/me").status_code, elsewhere.get("/me").status_code) == (200, 303)


def test_a_token_is_shown_once_and_opens_the_api_until_revoked(signed_in: SignedIn, client: FlaskClient, ana: User) -> None:
    """IDN-38"""
    browser = signed_in(ana)
    shown = browser.post("/me/tokens", data={"token_name": "deploy", "scopes": ["incidents:read"], "days": "30"}).text
    text = "oc_" + shown.split('value="oc_')[1].split('"')[0]
    assert text not in browser.get("/me").text
    header = {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/me", headers=header).get_json()["scopes"] == ["incidents:read"]
    key = session.scalar(select(ApiToken.id))
    assert browser.post(f"/me/tokens/{key}/revoke").status_code == 303
    assert client.get("/api/v1/me", headers=header).status_code == 401


def test_nobody_revokes_or_gets_more_than_is_theirs(signed_in: SignedIn, ana: User, bob: User) -> None:
    """IDN-38"""
    build.token(bob)
    browser = signed_in(ana)
    assert browser.post("/me/tokens/1/revoke").status_code == 404
    assert browser.post("/me/tokens", data={"token_name": "x", "scopes": ["admin"]}).status_code == 403
    assert browser.post("/me/tokens", data={"token_name": "x", "scopes": ["wrong"]}).status_code == 422
    assert session.scalar(select(func.count()).select_from(ApiToken)) == 1
