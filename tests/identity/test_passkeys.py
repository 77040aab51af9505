"""Passkeys in a real browser with an authenticator that its developer tools play: made, used, and not to be forged."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select, update
from werkzeug.serving import make_server

from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import LoginSession, Passkey, User
from tests import build

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
DEVICE = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
          "isUserVerified": True, "automaticPresenceSimulation": True}


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, served under the name to which keys are bound."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app.config["BASE_URL"] = f"http://localhost:{server.server_port}"
    yield app.config["BASE_URL"]
    server.shutdown()


@pytest.fixture
def laptop(address: str, ana: User) -> Iterator[Page]:
    """Ana's browser, which can hold keys and in which she has signed in."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as played:
        browser = played.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(base_url=address).new_page()
        opened.tools = opened.context.new_cdp_session(opened)
        opened.tools.send("WebAuthn.enable")
        opened.device = opened.tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
        opened.goto("/login")
        opened.fill("[name=email]", ana.email)
        opened.fill("[name=password]", build.PASSWORD)
        opened.click("button.primary")
        opened.wait_for_url("**/incidents")
        yield opened
        browser.close()


def add(page: Page, name: str = "laptop") -> None:
    page.goto("/me/second-factor")
    page.fill("#f-passkey-name", name)
    page.click("[data-passkey=add]")
    page.wait_for_selector(f"b:text-is('{name}')")


def use(page: Page) -> None:
    page.goto("/login?next=/people")
    page.click("[data-passkey=use]")
    page.wait_for_selector("h1:text-is('People')")


def signed_out(page: Page) -> Page:
    page.context.clear_cookies()
    return page


def refused(page: Page) -> None:
    """The browser says that the key was not accepted, and stays outside."""
    page.goto("/login")
    page.click("[data-passkey=use]")
    page.wait_for_selector(".toast >> text=was not accepted")


def reasons() -> list[str]:
    found = session.scalars(select(Event).where(Event.kind == "passkey.refused").order_by(Event.id))
    return [event.data["reason"] for event in found]


def test_ana_adds_a_passkey_and_signs_in_with_it_alone(laptop: Page, ana: User) -> None:
    add(laptop)
    before = laptop.context.cookies()[0]["value"]
    use(signed_out(laptop))
    assert laptop.context.cookies()[0]["value"] != before
    login = session.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
    key = session.scalars(select(Passkey)).one()
    assert (login.user_id, login.road, key.name) == (ana.id, "passkey", "laptop")
    assert key.last_used_at is not None and key.sign_count > 0


def test_a_device_that_holds_a_key_is_not_given_a_second_one(laptop: Page) -> None:
    add(laptop)
    laptop.fill("#f-passkey-name", "again")
    laptop.click("[data-passkey=add]")
    laptop.wait_for_selector(".toast >> text=a passkey for you already")
    assert len(session.scalars(select(Passkey)).all()) == 1


def test_with_the_key_one_proves_who_one_is(laptop: Page) -> None:
    add(laptop)
    with transaction():
        session.execute(update(LoginSession).values(proved_at=None))
    laptop.goto("/me/second-factor")
    assert "/me/prove" in laptop.url
    laptop.click("[data-passkey=use]")
    laptop.wait_for_url("**/me/second-factor")


def test_a_key_that_was_removed_or_whose_owner_is_gone_opens_nothing(laptop: Page, ana: User) -> None:
    add(laptop)
    with transaction():
        session.get_one(User, ana.id).state = "deactivated"
    refused(signed_out(laptop))
    with transaction():
        session.delete(session.scalars(select(Passkey)).one())
    refused(laptop)
    assert reasons() == ["the account is deactivated", "nobody here has this key"]


def test_a_copied_key_shows_by_its_counter(laptop: Page) -> None:
    """IDN-12"""
    add(laptop)
    with transaction():
        session.execute(update(Passkey).values(sign_count=10_000))
    refused(signed_out(laptop))
    assert "sign count" in reasons()[0]


def test_a_device_that_does_not_check_who_uses_it_is_refused(laptop: Page) -> None:
    """IDN-12"""
    add(laptop)
    laptop.tools.send("WebAuthn.setUserVerified", {"authenticatorId": laptop.device, "isUserVerified": False})
    signed_out(laptop).goto("/login")
    laptop.click("[data-passkey=use]")
    laptop.wait_for_selector(".toast >> text=said no")
    assert laptop.url.endswith("/login")


@pytest.fixture
def answer(laptop: Page) -> dict[str, Any]:
    """What the browser sent when Ana signed in with her key."""
    sent: list[str] = []
    laptop.on("request", lambda made: sent.append(made.post_data) if made.url.split("?")[0].endswith("/login/passkey")
              else None)
    add(laptop)
    use(signed_out(laptop))
    return dict(json.loads(sent[-1]))


def play(browser: FlaskClient, answer: Any, *, asked: bool = True) -> int:
    if asked:
        assert browser.post("/login/passkey/options", json={}).status_code == 200
    return browser.post("/login/passkey", json=answer, headers={"Accept": "application/json"}).status_code


def test_an_answer_that_was_heard_or_made_up_opens_nothing(
        app: Flask, client: FlaskClient, answer: dict[str, Any]) -> None:
    """IDN-12: the challenge is of this browser, and good once."""
    logins = len(session.scalars(select(LoginSession)).all())
    made_up = [answer, {"answer": {**answer["answer"], "response": {}}}, {"answer": {"id": answer["answer"]["id"]}},
               {"answer": {}}, {"answer": {"id": ["x"]}}]
    assert [play(client, one) for one in made_up] == [403] * 5
    assert [play(client, answer, asked=False), play(app.test_client(), answer, asked=False)] == [403, 403]
    assert play(client, {"success": True}) == 422
    assert len(session.scalars(select(LoginSession)).all()) == logins
    assert "challenge" in reasons()[0] and client.get("/me").status_code == 303


def test_a_key_of_another_site_is_not_added(
        signed_in: Callable[[User], FlaskClient], ana: User, answer: dict[str, Any]) -> None:
    """IDN-12"""
    browser = signed_in(ana)
    for made_up in (answer["answer"], {"id": "x", "rawId": "x", "type": "public-key", "response": {}}, {}):
        browser.post("/me/passkeys/options", json={})
        assert browser.post("/me/passkeys", json={"answer": made_up, "name": "x"}).status_code == 403
    assert len(session.scalars(select(Passkey)).all()) == 1
