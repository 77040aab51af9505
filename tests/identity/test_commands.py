"""`oncall user …` and `oncall token …` as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import Context

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from app.cli import oncall
from app.core.db import session
from app.core.errors import NotFound
from app.identity import commands  # noqa: F401  adds its commands
from app.identity.models import User
from tests import build

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("token", "list")`: the command in a process of its own, on the test's database."""
    monkeypatch.setattr("app.create_app", lambda **_: app)

    def typed(*words: str, given: str = "") -> Result:
        session.rollback()
        result = Context().run(CliRunner().invoke, oncall, list(words), input=given)
        session.rollback()
        return result
    return typed


def test_a_token_is_made_listed_and_revoked(run: Run, client: FlaskClient, ana: User) -> None:
    made = json.loads(run("token", "create", "--user", "ana@example.com", "--name", "script", "--json").output)
    header = {"Authorization": f"Bearer {made['token']}"}
    assert made["token"].startswith("oc_") and client.get("/api/v1/me", headers=header).status_code == 200
    listed = run("token", "list", "--json").output
    assert json.loads(listed)[0]["id"] == made["id"] and made["token"] not in listed
    assert run("token", "revoke", made["id"]).exit_code == 0
    assert client.get("/api/v1/me", headers=header).status_code == 401


def test_a_token_for_nobody_fails_with_a_sentence(run: Run) -> None:
    failed = run("token", "create", "--user", "nobody@example.com")
    assert isinstance(failed.exception, NotFound) and "nobody@example.com" in str(failed.exception)


def test_a_person_made_with_a_password_can_sign_in(run: Run, client: FlaskClient) -> None:
    words = ("user", "create", "root@example.com", "--name", "Root", "--admin", "--password-stdin", "--json")
    made = json.loads(run(*words, given="break the glass now\n").output)
    assert made["email"] == "root@example.com" and "link" not in made
    answer = client.post("/login", data={"email": "root@example.com", "password": "break the glass now"})
    assert answer.status_code == 303 and client.get("/people/new").status_code == 200


def test_a_person_made_without_one_gets_a_link(run: Run, client: FlaskClient) -> None:
    made = json.loads(run("user", "create", "dora@example.com", "--name", "Dora", "--json").output)
    assert "Hello Dora" in client.get(made["link"].removeprefix("http://localhost")).text


def test_a_reset_unlocks_at_once_and_ends_every_login(run: Run, client: FlaskClient, ana: User,
                                                      signed_in: Callable[[User], FlaskClient]) -> None:
    """IDN-06"""
    browser = signed_in(ana)
    for _ in range(5):
        client.post("/login", data={"email": ana.email, "password": "wrong wrong wrong"})
    given = {"email": ana.email, "password": json.loads(run("user", "reset-password", ana.email, "--json").output)["password"]}
    assert client.post("/login", data=given).status_code == 303
    assert browser.get("/me").status_code == 303
    assert client.post("/login", data={"email": ana.email, "password": build.PASSWORD}).status_code in (401, 403)


def test_an_operator_names_who_gets_in_without_single_sign_on(
        run: Run, client: FlaskClient, app: Flask, ana: User) -> None:
    """IDN-05: administrators that an operator makes with a password are such accounts from the start."""
    run("user", "create", "root@example.com", "--name", "Root", "--admin", "--password-stdin", given=build.PASSWORD)
    app.config.update(OIDC_ISSUER="https://idp.example.com", OIDC_CLIENT_ID="oncall")

    def status(email: str) -> int:
        return client.post("/login", data={"email": email, "password": build.PASSWORD}).status_code
    assert [status("root@example.com"), status(ana.email)] == [303, 401]
    run("user", "break-glass", ana.email)
    assert status(ana.email) == 303
    run("user", "break-glass", ana.email, "--off")
    assert status(ana.email) == 401
