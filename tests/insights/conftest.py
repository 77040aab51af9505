"""Noon of a Monday that stands still, and a service of Payments."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from tests import build

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)


@pytest.fixture
def now():
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def checkout(now, payments, ana):
    return build.service("checkout", team=payments)


@pytest.fixture
def get(client, token, ana):
    """Ask as Ana's machine."""
    headers = token(ana)

    def ask(kind, status=200, **asked):
        answer = client.get(f"/api/v1/insights/{kind}", query_string=asked, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json
    return ask
