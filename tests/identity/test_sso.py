"""Single sign-on against a provider that others wrote: who gets in, who is linked, and what is refused."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import KeySet, RSAKey
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread
from sqlalchemy import delete, func, select

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.identity import credentials, sso
from app.identity.models import FailedLogin, Identity, LoginSession, User
from tests import build
from tests.servers import free_port

DORA = {"email": "Dora@example.com", "email_verified": True, "name": "Dora"}


@pytest.fixture
def idp(app: Flask) -> Iterator[str]:
    """A provider that knows Dora, and the application set up for it."""
    with run_server_in_thread(user_claims=[Claims(sub="dora", claims=DORA)], require_nonce=True) as server:
        issuer = f"http://127.0.0.1:{server.server_port}"
        app.config.update(OIDC_ISSUER=issuer, OIDC_CLIENT_ID="oncall", OIDC_CLIENT_SECRET="s3cret/+")
        sso.forget()
        yield issuer


def know(issuer: str, sub: str, **claims: object) -> None:
    assert httpx.put(f"{issuer}/users/{sub}", json=claims).status_code == 204


def there(browser: FlaskClient, sub: str = "dora", begin: str = "/login/sso") -> str:
    """Go to the provider, say who one is, and come back with this address."""
    sent = browser.get(begin)
    assert sent.status_code == 303, sent.text
    back = httpx.post(sent.location, data={"sub": sub})
    assert back.headers["location"].startswith("http://localhost/login/sso/callback?")
    return back.headers["location"].removeprefix("http://localhost")


def people() -> list[str]:
    return list(session.scalars(select(User.email).order_by(User.id)))


def reasons() -> list[str]:
    found = session.scalars(select(Event).where(Event.kind == "user.sso_refused").order_by(Event.id))
    return [event.data["reason"] for event in found]


def test_dora_signs_in_for_the_first_time_and_lands_where_she_wanted_to_go(client: FlaskClient, idp: str) -> None:
    """IDN-01"""
    assert "single sign-on" in client.get("/login?next=/people").text
    answer = client.get(there(client, begin="/login/sso?next=/people"))
    assert (answer.status_code, answer.location) == (303, "/people")
    dora = session.scalars(select(User)).one()
    assert (dora.email, dora.name, dora.role, dora.memberships) == ("dora@example.com", "Dora", "member", [])
    assert session.scalars(select(Identity)).one().subject == "dora"
    assert client.get("/people").status_code == 200
    kinds = list(session.scalars(select(Event.kind).order_by(Event.id)))
    assert kinds == ["user.created", "user.identity_linked", "user.address_vouched", "user.signed_in"]


def test_the_request_asks_for_a_code_with_pkce_state_and_nonce(client: FlaskClient, idp: str) -> None:
    asked = parse_qs(urlsplit(client.get("/login/sso").location).query)
    assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert asked["redirect_uri"] == ["http://localhost/login/sso/callback"]
    again = parse_qs(urlsplit(client.get("/login/sso").location).query)
    assert all(again[name] != asked[name] for name in ("state", "nonce", "code_challenge"))


def test_the_second_time_the_account_is_found_by_subject_even_with_another_address(
        client: FlaskClient, app: Flask, idp: str) -> None:
    client.get(there(client))
    know(idp, "dora", **(DORA | {"email": "married@example.com"}))
    other = app.test_client()
    assert other.get(there(other)).status_code == 303
    assert people() == ["dora@example.com"]


def test_a_first_sign_in_can_be_refused_with_a_readable_page(client: FlaskClient, app: Flask, idp: str) -> None:
    """IDN-01"""
    app.config["OIDC_CREATE"] = "no"
    answer = client.get(there(client))
    assert answer.status_code == 403 and "An administrator can see why" in answer.text
    assert people() == [] and "there is no account" in reasons()[0]


def test_a_callback_is_good_once(client: FlaskClient, idp: str) -> None:
    """IDN-02"""
    back = there(client)
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 403
    assert len(reasons()) == 1 and session.scalar(select(func.count(LoginSession.id))) == 1


def test_a_state_of_another_browser_or_an_old_one_opens_nothing(client: FlaskClient, app: Flask, idp: str) -> None:
    """IDN-02"""
    assert app.test_client().get(there(client)).status_code == 403
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        back = there(client)
        clockwork.shift(timedelta(minutes=10))
        assert client.get(back).status_code == 403
    assert people() == [] and len(reasons()) == 2


def test_a_new_key_of_the_provider_is_looked_up_once(client: FlaskClient, idp: str) -> None:
    stale = KeySet([RSAKey.generate_key(2048)]).as_dict(private=False)
    sso._kept[f"keys {idp}/jwks"] = time.monotonic(), stale
    assert client.get(there(client)).status_code == 303


@pytest.mark.parametrize(("account", "claims", "linked"), [
    ({"password_hash": None}, {"email_verified": True}, True),
    ({"password_hash": None}, {"email_verified": False}, False),
    ({"password_hash": None}, {"email_verified": "true"}, False),
    ({}, {"email_verified": True}, False),
    ({"password_hash": None, "break_glass": True}, {"email_verified": True}, False)])
def test_an_account_of_the_same_address_is_linked_only_when_that_is_safe(
        client: FlaskClient, idp: str, account: dict[str, object], claims: dict[str, object], linked: bool) -> None:
    """IDN-03"""
    ana = build.user("ana", **account)
    know(idp, "x", email="ana@example.com", name="Not Ana", **claims)
    assert client.get(there(client, "x")).status_code == (303 if linked else 403)
    assert list(session.scalars(select(Identity.user_id))) == ([ana.id] if linked else [])
    assert people() == ["ana@example.com"] and len(reasons()) == (0 if linked else 1)


def test_two_subjects_never_share_an_account(client: FlaskClient, app: Flask, idp: str) -> None:
    """IDN-03"""
    client.get(there(client))
    know(idp, "twin", **DORA)
    other = app.test_client()
    assert other.get(there(other, "twin")).status_code == 403
    assert list(session.scalars(select(Identity.subject))) == ["dora"]


def test_somebody_deactivated_is_not_let_in(client: FlaskClient, idp: str) -> None:
    build.user("dora", password_hash=None, state="deactivated")
    assert client.get(there(client)).status_code == 403
    assert "deactivated" in reasons()[0]


def test_a_cookie_planted_before_is_worthless_after(client: FlaskClient, idp: str) -> None:
    """IDN-07"""
    back = there(client)
    planted = client.get_cookie("oncall").decoded_value
    client.get(back)
    client.set_cookie("oncall", planted)
    assert client.get("/me").location.startswith("/login")


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example"])
def test_the_next_address_never_leaves_the_site(client: FlaskClient, idp: str, target: str) -> None:
    """IDN-11"""
    assert client.get(there(client, begin=f"/login/sso?next={target}")).location == "/"


def test_without_the_provider_the_local_login_goes_on(client: FlaskClient, app: Flask) -> None:
    """IDN-04"""
    build.user("root", role="admin", break_glass=True)
    app.config.update(OIDC_ISSUER=f"http://127.0.0.1:{free_port()}", OIDC_CLIENT_ID="oncall")
    sso.forget()
    began = time.monotonic()
    answer = client.get("/login/sso")
    assert answer.status_code == 503 and "reached" in answer.text and time.monotonic() - began < 6
    signed = client.post("/login", data={"email": "root@example.com", "password": build.PASSWORD})
    assert signed.status_code == 303


def test_with_single_sign_on_a_password_opens_break_glass_accounts_only(client: FlaskClient, app: Flask) -> None:
    """IDN-05: the same text for the right password of an ordinary person as for a wrong one."""
    build.user("ana")
    app.config.update(OIDC_ISSUER="https://idp.example.com", OIDC_CLIENT_ID="oncall")
    tried = (("ana@example.com", build.PASSWORD), ("ana@example.com", "wrong wrong wrong"),
             ("none@example.com", build.PASSWORD))
    said = [client.post("/login", data={"email": email, "password": password}).text.replace(email, "")
            for email, password in tried]
    said = [re.sub(r"\d\d:\d\d:\d\dZ", "", text) for text in said]
    assert said[0] == said[1] == said[2] and "E-mail or password is wrong" in said[0]
    app.config["PASSWORD_LOGIN"] = "everyone"
    assert client.post("/login", data={"email": "ana@example.com", "password": build.PASSWORD}).status_code == 303


def test_an_administrator_tries_the_provider_and_nothing_is_kept(
        signed_in, app: Flask, olga: User, idp: str) -> None:
    app.config["PASSWORD_LOGIN"] = "everyone"
    browser = signed_in(olga)
    assert "http://localhost/login/sso/callback" in browser.get("/settings/sso").text
    shown = browser.get(there(browser, begin="/settings/sso/try")).text
    assert "Dora@example.com" in shown and "Nothing of it was kept" in shown
    assert people() == ["olga@example.com"] and session.scalars(select(Identity)).all() == []
    assert browser.get("/me").status_code == 200


def test_an_ordinary_password_is_refused_as_slowly_as_an_unknown_address(client: FlaskClient, app: Flask) -> None:
    """IDN-05: the medians lie within 50 ms, so that nobody learns who has an account."""
    build.user("ana", password_hash=credentials.hash_password(build.PASSWORD))
    app.config.update(OIDC_ISSUER="https://idp.example.com", OIDC_CLIENT_ID="oncall")

    def median(email: str, number: int) -> float:
        took = []
        for at in range(number):
            _forget_failures()
            began = time.perf_counter()
            answer = client.post("/login", data={"email": email, "password": build.PASSWORD + str(at) * (at % 2)})
            took.append(time.perf_counter() - began)
            assert answer.status_code == 401
        return statistics.median(took)
    median("warm@example.com", 3)
    known, unknown = median("ana@example.com", 25), median("none@example.com", 25)
    assert abs(known - unknown) < 0.05 and min(known, unknown) > 0.005


def _forget_failures() -> None:
    with transaction():
        session.execute(delete(FailedLogin))
