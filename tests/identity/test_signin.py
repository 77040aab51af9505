"""Signing in and out in a browser: cookies, locks, ended logins, and the first set-up."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.identity import service, signin
from app.identity.models import FailedLogin, LoginSession, User
from tests import build

SignedIn = Callable[[User], FlaskClient]


def kinds() -> list[str]:
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def attempt(app: Flask, email: str, password: str = "wrong wrong wrong", ip: str = "127.0.0.1") -> TestResponse:
    return app.test_client().post("/login", data={"email": email, "password": password},
                                  environ_base={"REMOTE_ADDR": ip})


def test_ana_signs_in_and_lands_where_she_wanted_to_go(client: FlaskClient, ana: User) -> None:
    sent = client.get("/people?q=bo")
    assert sent.status_code == 303 and sent.location == "/login?next=/people%3Fq%3Dbo"
    form = client.get(sent.location)
    assert 'value="/people?q=bo"' in form.text
    answer = client.post("/login", data={"email": " ANA@example.com", "password": build.PASSWORD, "next": "/people?q=bo"})
    assert (answer.status_code, answer.location) == (303, "/people?q=bo")
    assert "Ana" in client.get("/people").text
    assert kinds() == ["user.signed_in"]


def test_the_cursor_stands_where_something_is_to_be_typed(app: Flask, client: FlaskClient, ana: User) -> None:
    """In the address at first, after a wrong password in the password: in one field alone."""
    for text, field in ((client.get("/login").text, "f-email"), (attempt(app, "ana@example.com").text, "f-password")):
        [focused] = [tag for tag in re.findall(r"<input[^>]*>", text) if "autofocus" in tag]
        assert f'id="{field}"' in focused


def test_the_next_address_never_leaves_the_site(client: FlaskClient, ana: User) -> None:
    """IDN-11"""
    answer = client.post("/login", data={"email": ana.email, "password": build.PASSWORD, "next": "//evil.example"})
    assert answer.location == "/"


def test_the_cookie_of_before_is_worthless_after_sign_in(client: FlaskClient, ana: User) -> None:
    """IDN-07"""
    client.get("/login")
    before = client.get_cookie("oncall").decoded_value
    client.post("/login", data={"email": ana.email, "password": build.PASSWORD})
    cookie = client.get_cookie("oncall")
    assert cookie is not None and cookie.decoded_value != before and cookie.http_only and cookie.same_site == "Lax"
    client.set_cookie("oncall", before)
    assert client.get("/me").status_code == 303


def test_only_a_hash_of_the_cookie_is_kept(signed_in: SignedIn, app: Flask, ana: User) -> None:
    browser = signed_in(ana)
    with browser.session_transaction() as kept:
        token = kept["login"]
    stored = session.scalars(select(LoginSession)).one()
    assert token not in (stored.token_hash, stored.agent) and len(stored.token_hash) == 64


def test_after_sign_out_the_copied_cookie_opens_nothing(signed_in: SignedIn, app: Flask, ana: User) -> None:
    """IDN-08"""
    browser = signed_in(ana)
    copied = browser.get_cookie("oncall").decoded_value
    assert browser.post("/logout").status_code == 303
    thief = app.test_client()
    thief.set_cookie("oncall", copied)
    assert thief.get("/me").status_code == 303
    assert thief.get("/api/v1/me").status_code == 401
    assert kinds() == ["user.signed_in", "user.signed_out"]


def test_a_login_ends_after_a_day_and_after_half_a_day_unused(signed_in: SignedIn, ana: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        browser = signed_in(ana)
        clockwork.shift(timedelta(hours=11))
        assert browser.get("/me").status_code == 200
        clockwork.shift(timedelta(hours=11))
        assert browser.get("/me").status_code == 200
        clockwork.shift(timedelta(hours=2))
        assert browser.get("/me").status_code == 303


def test_a_page_read_twice_in_five_minutes_writes_nothing(signed_in: SignedIn, ana: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        browser, start = signed_in(ana), clock.now()
        clockwork.shift(timedelta(minutes=4))
        browser.get("/me")
        assert session.scalar(select(LoginSession.last_seen_at)) == start
        clockwork.shift(timedelta(minutes=1))
        browser.get("/me")
        assert session.scalar(select(LoginSession.last_seen_at)) == clock.now()


def test_six_wrong_passwords_from_six_addresses_lock_the_account(app: Flask, ana: User) -> None:
    """IDN-06: rows, so a restart and a second process see them too."""
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        statuses = [attempt(app, ana.email, ip=f"127.0.1.{number}").status_code for number in range(6)]
        assert statuses == [401] * 5 + [429]
        refused = attempt(app, ana.email, build.PASSWORD, ip="127.0.2.1")
        assert refused.status_code == 429 and refused.headers["Retry-After"] in ("3599", "3600")
        clockwork.shift(timedelta(minutes=61))
        assert attempt(app, ana.email, build.PASSWORD).status_code == 303
    assert kinds() == ["user.sign_in_failed"] * 5 + ["user.locked", "user.signed_in"]


def test_a_lock_leaves_open_logins_alone_and_an_operator_lifts_it(app: Flask, signed_in: SignedIn, ana: User) -> None:
    """IDN-06"""
    browser = signed_in(ana)
    for _ in range(5):
        attempt(app, ana.email)
    assert browser.get("/me").status_code == 200
    with transaction():
        signin.reset_password(session.get_one(User, ana.id), "a quite new password", by=OPERATOR)
    assert attempt(app, ana.email, "a quite new password").status_code == 303


def test_twenty_wrong_ones_from_one_address_block_that_address(app: Flask, ana: User) -> None:
    for number in range(20):
        assert attempt(app, f"nobody{number}@example.com").status_code == 401
    assert attempt(app, ana.email, build.PASSWORD).status_code == 429
    assert attempt(app, ana.email, build.PASSWORD, ip="127.0.0.9").status_code == 303


def test_a_right_password_forgets_the_wrong_ones(app: Flask, ana: User) -> None:
    for _ in range(3):
        attempt(app, ana.email)
        attempt(app, ana.email)
        assert attempt(app, ana.email, build.PASSWORD).status_code == 303
    assert {row.subject for row in session.scalars(select(FailedLogin))} == {"ip:127.0.0.1"}


def test_unknown_deactivated_and_wrong_look_alike(app: Flask, ana: User) -> None:
    """IDN-05"""
    build.user("gone", state="deactivated")
    build.user("new", password_hash=None)
    answers = [attempt(app, "ana@example.com"), attempt(app, "nobody@example.com"),
               attempt(app, "gone@example.com", build.PASSWORD), attempt(app, "new@example.com", build.PASSWORD)]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all("E-mail or password is wrong" in answer.text for answer in answers)


def test_a_password_typed_into_the_wrong_field_is_not_written_down(app: Flask) -> None:
    attempt(app, "correct horse battery staple")
    event = session.scalars(select(Event)).one()
    assert event.data == {"email": "an unknown address"}


def test_a_form_without_its_token_changes_nothing(signed_in: SignedIn, ana: User, bob: User) -> None:
    """IDN-11"""
    browser, other = signed_in(ana), signed_in(bob)
    with other.session_transaction() as kept:
        foreign = kept.get("csrf", "none")
    browser.own_pages = False  # type: ignore[attr-defined]
    for token in ("", foreign):
        assert browser.post("/me", data={"name": "Mallory", "csrf_token": token}).status_code == 403
    assert session.get_one(User, ana.id).name == "Ana"


def test_the_first_start_prints_a_link_that_makes_the_first_admin_once(app: Flask, client: FlaskClient) -> None:
    with transaction():
        sentence = service.first_start()
    path = str(sentence).split("http://localhost")[1].split(" ")[0]
    assert "Set up OnCall" in client.get(path).text
    weak = client.post(path, data={"name": "Olga", "email": "olga@example.com", "password": "short"})
    assert weak.status_code == 422 and "at least 12 characters" in weak.text and 'value="Olga"' in weak.text
    done = client.post(path, data={"name": "Olga", "email": "olga@example.com", "password": build.PASSWORD})
    assert done.status_code == 303 and client.get("/people/new").status_code == 200
    assert app.test_client().get(path).status_code == 404
    with transaction():
        assert service.first_start() is None
    assert kinds() == ["user.created", "setup.completed", "user.signed_in"]


def test_a_fresh_link_kills_the_one_before_and_dies_after_a_day(client: FlaskClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        links = []
        for _ in range(2):
            with transaction():
                links.append(str(service.first_start()).split("http://localhost")[1].split(" ")[0])
        assert [client.get(link).status_code for link in links] == [404, 200]
        clockwork.shift(timedelta(hours=24))
        assert client.get(links[1]).status_code == 404


def test_the_settings_can_name_the_first_admin(app: Flask, client: FlaskClient) -> None:
    app.config.update(ADMIN_EMAIL="Root@example.com", ADMIN_PASSWORD="break the glass now")
    with transaction():
        assert service.first_start() is None
    assert session.scalars(select(User)).one().role == "admin"
    assert attempt(app, "root@example.com", "break the glass now").status_code == 303
