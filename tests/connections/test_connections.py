"""Accounts at other products: entered and tested in the pages, sealed, in the document, and the API's."""

from __future__ import annotations

import pytest

from app.connections import queries
from app.connections.models import Connection
from app.core import secrets
from app.core.db import session
from app.core.events import Event
from tests.config.documents import apply, diff, lines
from tests.fakes import Reply

TOKEN = "xoxb-very-secret-token"


@pytest.fixture
def slack(http_sink):
    """A Slack that knows us."""
    http_sink.answer = Reply(200, b'{"ok": true, "user": "oncall", "team": "Example"}')
    return http_sink


@pytest.fixture
def connected(app, signed_in, ana, payments, slack):
    """Ana's browser, in which she has connected her team's Slack."""
    browser = signed_in(ana)
    answer = browser.post("/connections/-/new/slack_post", data={
        "name": "Our Slack", "key": "slack", "team": "payments", "config.token": TOKEN, "config.api_url": slack.url})
    assert answer.status_code == 303, answer.text
    return browser


def test_a_manager_connects_and_tests_in_the_pages(connected, slack):
    """WF-14: connection, secret and test button; the vendor's words come back."""
    connected.post("/connections/slack/test")
    assert "Slack knows us as oncall in Example" in connected.get("/connections").text
    assert slack.calls[0].path == "/auth.test" and slack.calls[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_refusal_is_shown_with_its_reason(connected, slack):
    """WF-14: the test fails by the vendor's own word."""
    slack.answer = Reply(200, b'{"ok": false, "error": "invalid_auth"}')
    connected.post("/connections/slack/test")
    assert "Slack said invalid_auth" in connected.get("/connections").text
    assert session.query(Connection).one().works is False


def test_one_whose_secret_cannot_be_opened_says_so_and_takes_another(connected, slack):
    """WF-14: the outcome of the test is a sentence, no fault of ours."""
    secrets.configure(secrets.new_key())
    assert connected.post("/connections/slack/test").status_code == 303
    assert "is not in ENCRYPTION_KEYS" in session.query(Connection).one().outcome and slack.calls == []
    connected.post("/connections/slack", data={"name": "Our Slack", "team": "payments", "config.token": TOKEN, "config.api_url": slack.url})
    connected.post("/connections/slack/test")
    assert session.query(Connection).one().works is True


def test_a_secret_is_shown_nowhere(connected, app):
    """WF-21: sealed in the row, absent from pages, document and log; echoed by the vendor it is taken out."""
    stored = session.query(Connection).one()
    assert TOKEN not in str(stored.config) and queries.settings_of(stored)["token"] == TOKEN
    assert TOKEN not in connected.get("/connections/slack").text
    assert all(TOKEN not in str(event.data) for event in session.query(Event))


def test_what_a_vendor_echoes_is_taken_out(connected, slack):
    """WF-21."""
    slack.answer = Reply(200, f'{{"ok": false, "error": "{TOKEN}"}}'.encode())
    connected.post("/connections/slack/test")
    assert session.query(Connection).one().outcome == "Slack said •••"


def test_what_no_database_takes_is_left_out_of_a_vendors_words(connected, slack):
    """WF-14: halves of characters and NUL."""
    slack.answer = Reply(200, rb'{"ok": false, "error": "no\ud800\u0000pe"}')
    assert connected.post("/connections/slack/test").status_code == 303
    assert session.query(Connection).one().outcome == "Slack said no?pe"


def test_only_managers_connect_and_only_for_their_team(app, signed_in, ana, bob, payments):
    """What is everybody's is for platform admins."""
    form = {"name": "S", "key": "slack", "config.token": TOKEN}
    assert signed_in(bob).post("/connections/-/new/slack_post", data={**form, "team": "payments"}).status_code == 403
    assert signed_in(ana).post("/connections/-/new/slack_post", data=form).status_code == 403


def test_faults_stand_at_their_fields(app, signed_in, ana, payments):
    """422, what was typed stays."""
    answer = signed_in(ana).post("/connections/-/new/jira_issue", data={
        "name": "My Jira", "key": "jira", "team": "payments", "config.site": "jira"})
    assert answer.status_code == 422 and 'value="My Jira"' in answer.text
    assert "Site must be an address" in answer.text and "API token is needed" in answer.text


def test_the_document_round_trips_without_the_secret(app, monkeypatch):
    """Applied again without the secret, the stored one stays."""
    monkeypatch.setenv("JIRA_TOKEN", "jira-secret")
    one = {"key": "jira", "name": "Jira", "action": "jira_issue", "config": {
        "site": "https://jira.example.com", "token": "${env:JIRA_TOKEN}"}}
    assert "created connection jira" in lines(apply({"connections": [one]}))
    exported = queries.connection_document(session.query(Connection).one())
    assert "token" not in exported["config"] and lines(diff({"connections": [exported]})) == []
    assert queries.settings_of(session.query(Connection).one())["token"] == "jira-secret"


def test_a_stored_secret_goes_to_no_other_address(connected, slack):
    """WF-21: whoever moves the address enters the secret anew."""
    form = {"name": "Our Slack", "team": "payments", "config.api_url": "https://elsewhere.example.com"}
    answer = connected.post("/connections/slack", data=form)
    assert answer.status_code == 422 and "Enter it anew" in answer.text
    assert session.query(Connection).one().config["api_url"] == slack.url
    assert connected.post("/connections/slack", data={**form, "config.api_url": slack.url}).status_code == 303
    assert connected.post("/connections/slack", data={**form, "config.token": "another"}).status_code == 303


def test_machines_test_a_connection(connected, client, token, ana, slack):
    """The same by the API."""
    answer = client.post("/api/v1/connections/slack/test", headers=token(ana))
    assert (answer.status_code, answer.json["works"]) == (200, True)


def test_a_key_is_rotated_with_all_others(connected):
    """The sealed field is found by the rotation of keys."""
    from app.core import rotation

    assert sum(rotation.counts().values()) >= 1
