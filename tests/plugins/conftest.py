"""The plugins in the box, and leave to call the servers that play their vendors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from app.core import http
from app.core.clock import now as moment
from app.core.db import session
from app.core.plugins import Registry, load
from app.incidents.models import Incident
from tests.fakes import Reply, WebServer

ROOT = Path(__file__).parents[2]
BOT, HOOK = "110:bot-token", "webhook-secret"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OK = Reply(200, b'{"ok": true, "channel": "D1", "ts": "169.1"}')
MADE = {"ok": True, "result": {"message_id": 5}, "id": "P1"}


@pytest.fixture(scope="session")
def registry() -> Registry:
    """All bundled plugins."""
    return load(ROOT)


@pytest.fixture(autouse=True)
def loopback_is_allowed() -> Iterator[None]:
    """Outgoing calls may reach this machine, as OUTBOUND_ALLOW would say."""
    http.configure("127.0.0.0/8")
    yield
    http.configure("")


@pytest.fixture
def vendor(http_sink: WebServer) -> WebServer:
    """A server that takes everything."""
    http_sink.answer = Reply(200, json.dumps(MADE).encode())
    return http_sink


def config(sink: WebServer) -> dict[str, str]:
    """The settings of the chats whose vendor `sink` plays."""
    return {"BASE_URL": "https://oncall.example", "TELEGRAM_BOT_TOKEN": BOT, "TELEGRAM_WEBHOOK_SECRET": HOOK,
            "TELEGRAM_API_URL": sink.url, "MATTERMOST_API_URL": sink.url, "MATTERMOST_BOT_TOKEN": "bot",
            "MATTERMOST_SIGNING_SECRET": HOOK}


@pytest.fixture
def slack(app: Any, http_sink: WebServer) -> WebServer:
    """A Slack that takes everything."""
    app.config.update(SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET=SECRET, SLACK_API_URL=f"{http_sink.url}/api")
    http_sink.answer = OK
    return http_sink


@pytest.fixture
def knock(client: Any) -> Any:
    """`knock("commands", text="list")`: a request as Slack signs it, `age` seconds ago."""
    def post(purpose: str, age: int = 0, secret: str = SECRET, body: str | None = None, **form: str) -> Any:
        body, at = body or urlencode(form), str(int(moment().timestamp()) - age)
        proof = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
        return client.post(f"/plugins/slack/{purpose}", data=body, headers={
            "X-Slack-Signature": proof, "X-Slack-Request-Timestamp": at,
            "Content-Type": "application/json" if body[:1] == "{" else "application/x-www-form-urlencoded"})
    return post


@pytest.fixture
def press(knock: Any, slack: WebServer) -> Any:
    """`press("acknowledge")`: Dora presses a button of incident 1."""
    def post(action: str, user: str = "U1", trigger: str = "t1", **more: Any) -> Any:
        return knock("interactive", payload=json.dumps({
            "type": "block_actions", "user": {"id": user, "username": "dora"}, "trigger_id": trigger,
            "response_url": f"{slack.url}/answer", "actions": [{"action_id": action, "value": "1", "action_ts": "1"}]}), **more)
    return post


def incident() -> Incident:
    """Incident 1 as it is now."""
    session.expire_all()
    return session.get_one(Incident, 1)


def said(slack: WebServer, number: int = -1) -> tuple[str, Any]:
    """What was said to Slack: where, and the body."""
    return slack.calls[number].path, json.loads(slack.calls[number].body)
