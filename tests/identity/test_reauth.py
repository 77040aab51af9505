"""Prove it is you: asked again after 15 minutes, before what opens doors or changes rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import ApiToken, CodeGenerator, LoginSession, User
from tests import build

SignedIn = Callable[[User], FlaskClient]
PROOF = "/me/prove?next=/"


@pytest.fixture
def clockwork() -> Iterator[time_machine.Coordinates]:
    """Time stands still until it is moved."""
    with time_machine.travel(clock.now(), tick=False) as moved:
        yield moved


@pytest.fixture
def stale(signed_in: SignedIn, clockwork) -> SignedIn:
    """`stale(ana)`: Ana's browser, a quarter of an hour after her sign-in."""
    def browser(person: User) -> FlaskClient:
        opened = signed_in(person)
        clockwork.shift(timedelta(minutes=15))
        return opened
    return browser


def prove(browser: FlaskClient, password: str = build.PASSWORD) -> int:
    return browser.post("/me/prove", data={"password": password, "next": "/people"}).status_code


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/me/second-factor"), ("POST", "/me/second-factor"), ("POST", "/me/second-factor/confirm"),
    ("POST", "/me/second-factor/recovery"), ("POST", "/me/second-factor/remove"), ("POST", "/me/passkeys/options"),
    ("POST", "/me/passkeys"), ("POST", "/me/passkeys/1/remove"), ("POST", "/me/tokens"),
    ("GET", "/settings/sso/try"), ("POST", "/people/1/second-factor/remove"),
    ("POST", "/people/1/erase")])
def test_what_opens_doors_asks_again_after_15_minutes(stale: SignedIn, olga: User, method: str, path: str) -> None:
    answer = stale(olga).open(path, method=method)
    assert answer.status_code == 303 and answer.location.startswith("/me/prove?next=/")
    assert session.scalar(select(func.count(ApiToken.id))) == session.scalar(select(func.count(CodeGenerator.id))) == 0


def test_a_platform_role_is_given_after_a_proof_only(stale: SignedIn, olga: User, ana: User) -> None:
    browser = stale(olga)
    assert browser.post(f"/people/{ana.id}", data={"role": "admin"}).location.startswith("/me/prove")
    assert browser.post(f"/people/{ana.id}", data={"name": "Anna", "role": "member"}).location == f"/people/{ana.id}"
    assert prove(browser) == 303
    answer = browser.post(f"/people/{ana.id}", data={"role": "admin"})
    assert (answer.status_code, answer.location) == (303, f"/people/{ana.id}")
    session.expire_all()
    assert session.get_one(User, ana.id).role == "admin"


def test_after_the_proof_one_goes_on_under_a_new_cookie(stale: SignedIn, app: Flask, ana: User, clockwork) -> None:
    """IDN-07"""
    browser = stale(ana)
    before = browser.get_cookie("oncall").decoded_value
    assert browser.get("/me/second-factor").location == "/me/prove?next=/me/second-factor"
    assert browser.post("/me/prove", data={"password": build.PASSWORD, "next": "//evil"}).location == "/"
    thief = app.test_client()
    thief.set_cookie("oncall", before)
    assert (browser.get("/me/second-factor").status_code, thief.get("/me").status_code) == (200, 303)
    clockwork.shift(timedelta(minutes=15))
    assert browser.get("/me/second-factor").status_code == 303


def test_wrong_proofs_count_as_wrong_passwords(stale: SignedIn, app: Flask, ana: User) -> None:
    browser = stale(ana)
    assert [prove(browser, "wrong wrong wrong") for _ in range(6)] == [422] * 5 + [429]
    assert browser.get("/me/second-factor").status_code == 303 and browser.get("/me").status_code == 200
    refused = app.test_client().post("/login", data={"email": ana.email, "password": build.PASSWORD})
    assert refused.status_code == 429
    assert session.scalars(select(Event.kind).order_by(Event.id.desc())).first() == "user.locked"


def test_a_login_of_before_this_version_has_to_prove_itself(signed_in: SignedIn, ana: User) -> None:
    browser = signed_in(ana)
    with transaction():
        session.scalars(select(LoginSession)).one().proved_at = None
    assert browser.get("/me").status_code == 200
    assert browser.get("/me/second-factor").location.startswith("/me/prove")


def test_a_script_is_told_in_its_own_language(stale: SignedIn, ana: User) -> None:
    answer = stale(ana).post("/me/passkeys/options", json={}, headers={"Accept": "application/json"})
    assert answer.status_code == 403 and answer.mimetype == "application/problem+json"
