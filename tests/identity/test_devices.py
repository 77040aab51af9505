"""Devices that stay signed in: they begin new logins, their tokens are good once, and a copy ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.identity import service
from app.identity.models import Device, LoginSession, User
from tests import build

SignedIn = Callable[[User], FlaskClient]


@pytest.fixture
def clockwork() -> Iterator[time_machine.Coordinates]:
    """Time stands still until it is moved."""
    with time_machine.travel(clock.now(), tick=False) as moved:
        yield moved


@pytest.fixture
def telephone(app: Flask, ana: User, clockwork) -> FlaskClient:
    """Ana's browser, in which she wants to stay signed in; the login itself has ended."""
    browser = app.test_client()
    browser.post("/login", data={"email": ana.email, "password": build.PASSWORD, "stay": "1"})
    clockwork.shift(timedelta(days=2))
    return browser


def token(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("oncall_device")
    return cookie.decoded_value if cookie else ""


def holding(app: Flask, text: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie("oncall_device", text)
    return browser


def opened(browser: FlaskClient) -> bool:
    return browser.get("/people", follow_redirects=True).request.path == "/people"


def kinds() -> list[str]:
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def test_two_days_later_the_page_opens_without_a_password(telephone: FlaskClient, ana: User) -> None:
    """IDN-10"""
    before = token(telephone)
    answer = telephone.get("/people?q=bo")
    assert (answer.status_code, answer.location) == (303, "/people?q=bo")
    cookie = telephone.get_cookie("oncall_device")
    assert cookie.http_only and cookie.same_site == "Lax" and token(telephone) != before
    assert telephone.get("/people?q=bo").status_code == 200
    assert kinds() == ["user.signed_in", "device.kept", "user.signed_in"]


def test_only_hashes_of_the_token_are_kept(telephone: FlaskClient) -> None:
    device = session.scalars(select(Device)).one()
    assert not {device.name_hash, device.secret_hash} & set(token(telephone).split("."))


def test_a_token_that_was_replaced_ends_the_device_and_its_logins(telephone: FlaskClient, app: Flask) -> None:
    """IDN-10"""
    copied = token(telephone)
    assert opened(telephone)
    assert not opened(holding(app, copied))
    assert not opened(telephone) and not opened(holding(app, token(telephone)))
    assert kinds().count("device.copied") == 1


def test_a_device_without_its_login_proves_nothing(telephone: FlaskClient) -> None:
    assert opened(telephone)
    assert telephone.get("/me/second-factor").location.startswith("/me/prove")


def test_90_days_after_the_last_use_it_is_gone(telephone: FlaskClient, clockwork) -> None:
    """IDN-10"""
    assert opened(telephone)
    clockwork.shift(timedelta(days=89))
    assert opened(telephone)
    clockwork.shift(timedelta(days=91))
    assert not opened(telephone) and token(telephone) == ""


def test_signing_out_ends_the_device(telephone: FlaskClient, app: Flask) -> None:
    """IDN-08"""
    assert opened(telephone)
    copied = token(telephone)
    telephone.post("/logout")
    assert token(telephone) == "" and not opened(holding(app, copied))
    assert "device.copied" not in kinds()


def test_ana_sees_and_ends_her_devices_but_not_those_of_others(
        telephone: FlaskClient, signed_in: SignedIn, ana: User, bob: User) -> None:
    """IDN-10"""
    assert signed_in(bob).post("/me/devices/1/end").status_code == 404
    elsewhere = signed_in(ana)
    assert "Stays signed in" in elsewhere.get("/me").text
    assert elsewhere.post("/me/devices/1/end").status_code == 303
    assert not opened(telephone) and elsewhere.get("/me").status_code == 200


@pytest.mark.parametrize("act", ["password", "others", "deactivate"])
def test_what_ends_logins_ends_devices(telephone: FlaskClient, signed_in: SignedIn, ana: User, act: str) -> None:
    """IDN-09: a person who is let in again finds the old device dead."""
    if act == "password":
        signed_in(ana).post("/me/password", data={"present": build.PASSWORD, "password": "a quite new password"})
    elif act == "others":
        signed_in(ana).post("/me/logins/end")
    else:
        with transaction():
            service.deactivate_user(session.get_one(User, ana.id), by=OPERATOR)
            service.activate_user(session.get_one(User, ana.id), by=OPERATOR)
    assert not opened(telephone)


def test_any_login_can_be_kept_later(signed_in: SignedIn, ana: User, clockwork) -> None:
    browser = signed_in(ana)
    assert "Stay signed in here" in browser.get("/me").text
    browser.post("/me/devices")
    assert "Stay signed in here" not in browser.get("/me").text
    clockwork.shift(timedelta(days=30))
    assert opened(browser)


def test_another_person_in_this_browser_forgets_the_device(telephone: FlaskClient, bob: User, clockwork) -> None:
    telephone.delete_cookie("oncall")
    telephone.post("/login", data={"email": bob.email, "password": build.PASSWORD})
    assert token(telephone) == ""
    clockwork.shift(timedelta(days=2))
    assert not opened(telephone)


def test_a_script_or_a_form_begins_no_login(telephone: FlaskClient) -> None:
    before = session.scalar(select(func.count(LoginSession.id)))
    assert telephone.get("/api/v1/me").status_code == 401
    assert telephone.post("/me", data={"name": "Anna"}).location == "/login"
    assert telephone.get("/people", headers={"HX-Request": "true"}).status_code == 401
    assert session.scalar(select(func.count(LoginSession.id))) == before
