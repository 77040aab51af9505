"""Whoever guesses the name of a private team's thing in a body learns no more than by a name that stands for nothing."""

from __future__ import annotations

import pytest

from app.core.db import session
from app.core.events import Event
from tests import build

LAYER = [{"starts": "2026-01-05T09:00", "rotation": {"every": 1, "unit": "week"}, "participants": [["charlie@example.com"]]}]
WINDOW = {"starts": "2030-01-01T00:00", "ends": "2030-01-01T01:00"}
# What Charlie, who manages a team of his own, sends; NAME stands for the secret name or for one of nothing.
BODIES = [
    ("services", {"key": "x", "name": "Xx", "team": "NAME"}),
    ("services", {"key": "x", "name": "Xx", "team": "others", "depends_on": ["NAME"]}),
    ("schedules", {"key": "x", "name": "X", "team": "NAME", "time_zone": "UTC", "layers": LAYER}),
    ("escalation-policies", {"key": "x", "name": "X", "team": "NAME", "levels": [{"targets": [{"user": "charlie@example.com"}]}]}),
    ("escalation-policies", {"key": "x", "name": "X", "team": "others", "levels": [{"targets": [{"team": "NAME"}]}]}),
    ("escalation-policies", {"key": "x", "name": "X", "team": "others", "levels": [{"targets": [{"schedule": "NAME"}]}]}),
    ("integrations", {"key": "x", "plugin": "webhook", "team": "NAME"}),
    ("integrations", {"key": "x", "plugin": "webhook", "team": "others", "service": "NAME"}),
    ("heartbeats", {"key": "x", "name": "X", "team": "NAME", "every": "1h"}),
    ("heartbeats", {"key": "x", "name": "X", "team": "others", "service": "NAME", "every": "1h"}),
    ("maintenance", {"key": "x", "name": "X", "team": "NAME", "labels": {"a": "b"}, **WINDOW}),
    ("maintenance", {"key": "x", "name": "X", "team": "others", "services": ["NAME"], **WINDOW}),
    ("maintenance", {"key": "x", "name": "X", "team": "others", "teams": ["NAME"], **WINDOW}),
    ("maintenance", {"key": "x", "name": "X", "team": "others", "integrations": ["NAME"], **WINDOW}),
    ("incidents", {"title": "X", "service": "NAME"}), ("incidents", {"title": "X", "team": "NAME"}),
    ("simulate", {"service": "NAME", "severity": "high"}), ("simulate", {"integration": "NAME", "payload": {}}),
]


def named(value, name):
    """The body with this name."""
    if isinstance(value, dict):
        return {key: named(one, name) for key, one in value.items()}
    return [named(one, name) for one in value] if isinstance(value, list) else name if value == "NAME" else value


@pytest.fixture
def charlie(app):
    """He is in no team of Ana's, which is private and has one of each thing, all called `secret`."""
    found, ana = build.user("charlie"), build.user("ana")
    build.team("others", manager=found)
    team = build.team("secret", manager=ana, private=True)
    schedule = build.schedule("secret", team=team, turns=[[ana]])
    policy = build.policy("secret", (60, [schedule]), team=team)
    build.service("secret", team=team, policy=policy)
    build.integration("secret", team=team)
    return found


@pytest.mark.parametrize(("path", "body"), BODIES, ids=[f"{at}-{path}" for at, (path, _) in enumerate(BODIES)])
def test_a_secret_name_is_answered_like_one_of_nothing(client, charlie, token, path, body):
    """IDN-24: the same status, field and sentence, and nothing is made."""
    def answer(name):
        said = client.post(f"/api/v1/{path}", json=named(body, name), headers=token(charlie))
        return said.status_code, said.get_data(as_text=True).replace(name, "NAME")
    secret, nothing = answer("secret"), answer("nought")
    assert secret == nothing and secret[0] in (404, 422) and session.query(Event).count() == 0
