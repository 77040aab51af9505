"""The plugins in the box, and leave to call the servers that play their vendors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import http
from app.core.plugins import Registry, load
from tests.fakes import Reply, WebServer

ROOT = Path(__file__).parents[2]
BOT, HOOK = "110:bot-token", "webhook-secret"
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
