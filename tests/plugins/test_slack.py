"""Slack: a local double takes what we call, and Slack's own SDK signs what comes back and reads what we post."""

import json

import pytest
import time_machine
from slack_sdk.models.blocks import Block

from app.core.db import session
from app.core.events import Event
from app.incidents.models import Note
from app.notifications.channel_models import ProviderState
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import START, messages, page
from tests.plugins.conftest import incident, said

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"


@pytest.fixture
def now():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def dora(now, tick, slack):
    """Dora was paged by Slack."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "slack", "U1")
    page(dora, title="<!here> *Checkout* is down", severity="critical")
    tick(SEND)
    return dora


def test_a_page_is_a_direct_message_with_buttons_and_no_markup_of_others(dora, slack):
    """SRC-20, NTF-32: Slack's own models find nothing wrong, and nobody is called by the title."""
    path, body = said(slack, 0)
    assert (path, body["channel"], slack.calls[0].headers["authorization"]) == (
        "/api/chat.postMessage", "U1", "Bearer xoxb-1")
    for block in Block.parse_all(body["blocks"]):
        block.validate_json()
    assert [one["action_id"] for one in body["blocks"][-1]["elements"]] == [
        "acknowledge", "resolve", "escalate", "note", "open"]
    assert "<!here>" not in slack.calls[0].body.decode() and "mrkdwn\"," not in json.dumps(body["blocks"])
    assert messages("page")[0].provider_id == "D1/169.1"


def test_a_press_acknowledges_and_the_post_follows(dora, slack, press, run_jobs, tick):
    """SRC-21, SRC-22, NTF-24, NTF-38: one event naming person and way; the button is gone."""
    assert press("acknowledge").status_code == 200 and press("acknowledge").status_code == 200
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    assert (fact.actor, fact.data["via"]) == (dora.ref, "Slack")
    run_jobs()
    tick(POSTS)
    path, body = said(slack)
    assert (path, body["channel"], body["ts"]) == ("/api/chat.update", "D1", "169.1")
    assert "acknowledge" not in [one["action_id"] for one in body["blocks"][-1]["elements"]]
    assert "Acknowledged by Dora" in json.dumps(body["blocks"])


@pytest.mark.parametrize("spoil", [{"age": 301}, {"age": -301}, {"secret": "guessed"}])
def test_what_slack_did_not_sign_just_now_changes_nothing(dora, press, spoil):
    """SRC-26, NTF-39."""
    assert press("acknowledge", **spoil).status_code == 401 and incident().status == "triggered"


def test_without_a_signing_secret_every_call_is_refused(dora, app, press):
    app.config["SLACK_SIGNING_SECRET"] = ""
    assert press("acknowledge").status_code == 401 and incident().status == "triggered"


def test_a_stranger_who_presses_gets_a_link_that_only_they_see(dora, press, slack):
    """SRC-19."""
    press("resolve", user="U9")
    path, body = said(slack)
    assert path == "/answer" and body["response_type"] == "ephemeral" and "/me/link/" in body["text"]
    assert body["replace_original"] is False and incident().status == "triggered"


def test_a_note_is_asked_for_in_a_dialog(dora, press, slack, knock):
    """SRC-21, SRC-24: once, also when Slack repeats it."""
    press("note")
    path, body = said(slack)
    assert path == "/api/views.open" and body["view"]["private_metadata"] == "1" and body["trigger_id"] == "t1"
    view = body["view"] | {"id": "V1", "hash": "h", "state": {"values": {"note": {"text": {"value": "On my way"}}}}}
    for _ in range(2):
        knock("interactive", payload=json.dumps({"type": "view_submission", "user": {"id": "U1"}, "view": view}))
    assert [note.body for note in session.query(Note)] == ["On my way"]


@pytest.mark.parametrize(("typed", "words", "status"), [
    ("ack 1", "#1 acknowledged by Dora.", "acknowledged"), ("resolve #1 disk was full", "#1 resolved by Dora.", "resolved"),
    ("ack 999", "There is no incident 999", "triggered"), ("ack", "/oncall ack 142", "triggered"),
    ("unack 1", "/oncall help", "triggered"), ("list", "#1 ", "triggered"), ("", "/oncall help", "triggered")])
def test_the_command(dora, knock, typed, words, status):
    """SRC-23: unknown numbers and words change nothing."""
    answer = knock("commands", command="/oncall", text=typed, user_id="U1", trigger_id="t2")
    assert answer.json["response_type"] == "ephemeral" and words in answer.json["text"]
    assert incident().status == status


def test_the_handshake_is_answered(slack, knock):
    answer = knock("events", body=json.dumps({"type": "url_verification", "challenge": "3eZb"}))
    assert answer.json == {"challenge": "3eZb"}


@pytest.mark.parametrize(("answer", "state", "disabled", "broken"), [
    (Reply(429, b"", {"Retry-After": "30"}), "queued", False, False),
    (Reply(200, b'{"ok": false, "error": "ratelimited"}'), "queued", False, False),
    (Reply(200, b'{"ok": false, "error": "channel_not_found"}'), "failed", True, False),
    (Reply(200, b'{"ok": false, "error": "account_inactive"}'), None, False, True)])
def test_errors_say_whose_fault_it_is(now, tick, slack, answer, state, disabled, broken):
    """SRC-27: wait, a dead address, or our app."""
    slack.answer, dora = answer, build.user("dora", reachable=False)
    method = build.contact(dora, "slack", "U1")
    page(dora)
    tick(SEND)
    session.expire_all()
    assert state is None or messages("page")[0].state == state
    assert (method.disabled_at is not None) is disabled
    assert any(row.open_until for row in session.query(ProviderState)) is broken
