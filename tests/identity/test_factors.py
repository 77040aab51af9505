"""One-time codes: set up, asked after the password, used once, replaced by recovery codes, demanded by a setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.events import Event
from app.identity.models import CodeGenerator, RecoveryCode, User
from tests import build

SignedIn = Callable[[User], FlaskClient]


@pytest.fixture
def clockwork() -> Iterator[time_machine.Coordinates]:
    """Time stands still until it is moved."""
    with time_machine.travel(clock.now(), tick=False) as moved:
        yield moved


def set_up(browser: FlaskClient) -> tuple[pyotp.TOTP, list[str]]:
    """Turn codes on as the page says; the application, and the recovery codes."""
    browser.post("/me/second-factor")
    shown = browser.get("/me/second-factor").text
    assert "data:image/svg+xml" in shown and "style=" not in shown
    secret = re.search(r'[">]((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})[<"]', shown)
    application = pyotp.TOTP(secret[1].replace(" ", ""))
    done = browser.post("/me/second-factor/confirm", data={"code": now(application)})
    return application, re.findall(r"<code>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</code>", done.text)


def now(application: pyotp.TOTP, steps: int = 0) -> str:
    return application.at(clock.now() + timedelta(seconds=30 * steps))


def password(app: Flask, person: User) -> FlaskClient:
    """A browser in which the right password was typed."""
    browser = app.test_client()
    answer = browser.post("/login", data={"email": person.email, "password": build.PASSWORD, "next": "/people"})
    assert answer.location == "/login/code"
    return browser


def kinds() -> list[str]:
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def test_ana_sets_codes_up_and_signs_in_with_one(signed_in: SignedIn, app: Flask, ana: User, clockwork) -> None:
    application, recovery = set_up(signed_in(ana))
    assert len(set(recovery)) == 10
    clockwork.shift(30)
    browser = password(app, ana)
    answer = browser.post("/login/code", data={"code": now(application)})
    assert (answer.status_code, answer.location) == (303, "/people")
    assert browser.get("/people").status_code == 200
    assert kinds()[-4:] == ["user.signed_in", "second_factor.added", "user.proved", "user.signed_in"]


def test_the_secret_and_the_codes_are_not_in_the_database_in_clear(signed_in: SignedIn, ana: User) -> None:
    """IDN-43"""
    application, recovery = set_up(signed_in(ana))
    assert application.secret not in session.scalars(select(CodeGenerator.sealed)).one()
    stored = " ".join(session.scalars(select(RecoveryCode.code_hash)))
    assert not any(code.replace("-", "") in stored for code in recovery)


def test_a_password_alone_opens_nothing_but_the_code_form(signed_in: SignedIn, app: Flask, ana: User) -> None:
    """IDN-12"""
    set_up(signed_in(ana))
    browser = password(app, ana)
    assert all(browser.get(path).location.startswith("/login") for path in ("/me", "/people", "/me/prove"))
    assert browser.get("/api/v1/me").status_code == 401
    assert "Your code" in browser.get("/login/code").text
    assert app.test_client().get("/login/code").location == "/login"


def test_each_step_counts_once_and_only_neighbours_count(
        signed_in: SignedIn, app: Flask, ana: User, clockwork) -> None:
    """IDN-12"""
    application, _ = set_up(signed_in(ana))
    clockwork.shift(90)
    browser = password(app, ana)
    statuses = [browser.post("/login/code", data={"code": now(application, step)}).status_code for step in (-2, 2, -1)]
    assert statuses == [401, 401, 303]
    again = password(app, ana)
    statuses = [again.post("/login/code", data={"code": now(application, step)}).status_code for step in (-1, 0)]
    assert statuses == [401, 303]


def test_a_recovery_code_stands_in_once(signed_in: SignedIn, app: Flask, ana: User) -> None:
    """IDN-12"""
    _, recovery = set_up(signed_in(ana))
    assert password(app, ana).post("/login/code", data={"code": recovery[0].upper()}).status_code == 303
    assert password(app, ana).post("/login/code", data={"code": recovery[0]}).status_code == 401
    assert "recovery_code.used" in kinds()


def test_wrong_codes_count_as_wrong_passwords(signed_in: SignedIn, app: Flask, ana: User, clockwork) -> None:
    """A right password between them forgives none."""
    application, _ = set_up(signed_in(ana))
    clockwork.shift(30)
    for _ in range(5):
        assert password(app, ana).post("/login/code", data={"code": "000000"}).status_code == 401
    locked = app.test_client().post("/login", data={"email": ana.email, "password": build.PASSWORD})
    assert locked.status_code == 429
    assert kinds().count("user.sign_in_failed") == 5 and kinds()[-1] == "user.locked"


def test_ten_minutes_after_the_password_the_code_is_too_late(
        signed_in: SignedIn, app: Flask, ana: User, clockwork) -> None:
    application, _ = set_up(signed_in(ana))
    clockwork.shift(30)
    browser = password(app, ana)
    clockwork.shift(timedelta(minutes=10))
    assert browser.post("/login/code", data={"code": now(application)}).location == "/login"
    assert browser.get("/me").status_code == 303


def test_the_session_id_changes_when_the_factor_is_proved(signed_in: SignedIn, app: Flask, ana: User) -> None:
    """IDN-07"""
    browser = signed_in(ana)
    before = browser.get_cookie("oncall").decoded_value
    set_up(browser)
    thief = app.test_client()
    thief.set_cookie("oncall", before)
    assert (browser.get("/me").status_code, thief.get("/me").status_code) == (200, 303)


def test_a_wrong_first_code_turns_nothing_on(signed_in: SignedIn, app: Flask, ana: User) -> None:
    browser = signed_in(ana)
    browser.post("/me/second-factor")
    refused = browser.post("/me/second-factor/confirm", data={"code": "000000"})
    assert refused.status_code == 422 and "not the code" in refused.text
    assert app.test_client().post("/login", data={"email": ana.email, "password": build.PASSWORD}).location == "/"


def test_new_recovery_codes_replace_the_old_ones(signed_in: SignedIn, app: Flask, ana: User) -> None:
    browser = signed_in(ana)
    _, old = set_up(browser)
    fresh = re.findall(r"<code>([0-9a-z-]{19})</code>", browser.post("/me/second-factor/recovery").text)
    statuses = [password(app, ana).post("/login/code", data={"code": code}).status_code for code in (old[0], fresh[0])]
    assert len(fresh) == 10 and statuses == [401, 303]


def test_an_admin_helps_when_the_device_is_lost(signed_in: SignedIn, app: Flask, ana: User, olga: User) -> None:
    set_up(signed_in(ana))
    assert signed_in(olga).post(f"/people/{ana.id}/second-factor/remove").status_code == 303
    assert app.test_client().post("/login", data={"email": ana.email, "password": build.PASSWORD}).location == "/"
    assert kinds().count("second_factor.removed") == 1


@pytest.mark.parametrize(("setting", "led"), [("off", []), ("admins", ["olga"]), ("everyone", ["ana", "olga"])])
def test_the_setting_leads_people_to_set_a_factor_up_first(
        signed_in: SignedIn, app: Flask, ana: User, olga: User, setting: str, led: list[str]) -> None:
    """IDN-13"""
    app.config["REQUIRE_SECOND_FACTOR"] = setting
    for name, person in (("ana", ana), ("olga", olga)):
        browser = signed_in(person)
        assert (browser.get("/people").location == "/me/second-factor") == (name in led)
        assert browser.get("/api/v1/me").status_code == (403 if name in led else 200)
        set_up(browser)
        assert browser.get("/people").status_code == 200


def test_after_a_set_up_link_nobody_is_led(app: Flask) -> None:
    """IDN-13"""
    from app.core.db import transaction
    from app.identity import service

    app.config["REQUIRE_SECOND_FACTOR"] = "everyone"
    with transaction():
        path = re.search(r"/setup/\S+", str(service.first_start()))[0]
    browser = app.test_client()
    browser.post(path, data={"name": "Olga", "email": "olga@example.com", "password": build.PASSWORD})
    assert browser.get("/people").status_code == 200
