"""A body that names a private team sounds like one that names a team that is not there."""

from __future__ import annotations

import pytest

from tests import build

BODIES = {
    "secrets": {"name": "ops", "value": "hunter2-hunter2"},
    "services": {"key": "aa", "name": "Aa"},
    "schedules": {"key": "aa", "name": "Aa", "time_zone": "UTC"},
    "escalation-policies": {"key": "aa", "name": "Aa", "levels": []},
    "integrations": {"key": "aa", "plugin": "webhook"},
    "heartbeats": {"key": "aa", "every": "1d"},
    "connections": {"key": "aa", "name": "Aa", "action": "slack_post", "config": {"token": "xoxb"}},
    "runbooks": {"key": "aa", "name": "Aa", "target": "webhook", "config": {"url": "https://example.com"}},
    "workflows": {"key": "aa", "name": "Aa", "trigger": {"event": "manual"}},
    "rooms": {"key": "aa", "channel": "slack", "address": "C1"},
    "webhooks": {"key": "aa", "name": "Aa", "url": "https://example.com", "events": ["incident.*"]},
    "status-pages": {"slug": "shop", "name": "Aa"},
}


@pytest.fixture
def headers(app, ana, payments, token):
    """Ana manages Payments; the team "hidden" is private and others'."""
    build.team("hidden", private=True, manager=build.user("mallory"))
    return token(ana)


@pytest.mark.parametrize("path", BODIES)
def test_a_private_team_and_none_are_answered_alike(client, headers, path):
    """USER-06: 422 beside the field, the same words, and nothing is made."""
    said = [client.post(f"/api/v1/{path}", headers=headers, json={**BODIES[path], "team": team}) for team in ("hidden", "absent")]
    assert [one.status_code for one in said] == [422, 422], said[0].text
    assert said[0].text.replace("hidden", "absent") == said[1].text and "team" in said[0].json["errors"][0]["field"]
