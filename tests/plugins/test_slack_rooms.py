"""Slack beyond a page: rooms and their threads, a channel for one incident, dialogs, and how a workspace is connected."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine

from app.core.db import session, transaction
from app.identity.models import Team
from app.incidents.models import Note
from app.notifications.accounts import values_of
from app.notifications.channel_models import ChannelAccount, Room, Surface
from app.notifications.threads import posts
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import START
from tests.plugins.conftest import incident, said

POSTS = "app.notifications.ticks.refresh_posts"


@pytest.fixture
def now():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def room(now, tick, slack, run_jobs, client, token):
    """Ana's team posts in #payments; incident 1 is there, opened by Ana, who is linked."""
    ana = build.user("ana")
    team = build.team("payments", manager=ana)
    build.contact(ana, "slack", "U7")
    with transaction():
        session.add(Room(team_id=team.id, channel="slack", address="C1"))
    slack.answer = Reply(200, b'{"ok": true, "channel": "C1", "ts": "169.1"}')
    client.post("/api/v1/incidents", json={"title": "Disk is full!", "team": "payments"}, headers=token(ana))
    run_jobs()
    tick(POSTS)
    return lambda path, **said: client.post(f"/api/v1/incidents/1/{path}", json=said, headers=token(ana))


def wrote(knock, words, user="U7", **more):
    """Somebody writes below the post, and Slack says so twice."""
    event = {"type": "message", "channel": "C1", "user": user, "text": words, "thread_ts": "169.1", "ts": "170.2", **more}
    for _ in range(2):
        body = {"type": "event_callback", "event_id": f"Ev-{words}", "team_id": "T1", "event": event}
        assert knock("events", body=json.dumps(body)).status_code == 200


def threads(slack):
    return [call.json()["text"] for call in slack.calls if call.path.endswith("postMessage") and "thread_ts" in call.json()]


def test_what_is_written_below_a_post_is_a_note_and_notes_from_here_stand_there(room, knock, slack, run_jobs, tick):
    """SRC-24: once each, by their author, and nothing comes back to where it was said."""
    wrote(knock, "Looking at <https://x.example|the graph> &amp; logs")
    room("notes", body="Rotated *logs*")
    run_jobs()
    tick(POSTS)
    tick(POSTS)
    assert [(note.author_name, note.body) for note in session.query(Note)] == [
        ("Ana", "Looking at the graph & logs"), ("Ana", "Rotated *logs*")]
    assert threads(slack) == ["Ana: Rotated *logs*"]


@pytest.mark.parametrize("more", [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"thread_ts": "1.1"}, {"user": "U9"},
                                  {"thread_ts": "170.2"}, {"channel": "C2"}])
def test_other_talk_in_slack_is_not_listened_to(room, knock, slack, more):
    """SRC-24: bots, edits, other threads, other rooms, and people who are not linked."""
    before = len(slack.calls)
    wrote(knock, "hello", **more)
    assert session.query(Note).count() == 0 and len(slack.calls) == before


def test_threads_can_be_left_alone(room, app, knock):
    app.config["SLACK_THREAD_NOTES"] = "no"
    wrote(knock, "hello")
    assert session.query(Note).count() == 0


def test_a_channel_for_one_incident_is_opened_on_demand(room, slack, tick, run_jobs, client):
    """SRC-25: called after it, its people invited, the post in it kept true; once."""
    slack.answer = Reply(200, b'{"ok": true, "channel": {"id": "C9"}, "ts": "171.1"}')
    slack.next_answers.append(Reply(200, b'{"ok": false, "error": "name_taken"}'))
    assert (room("channels", channel="slack").status_code, room("channels", channel="slack").status_code) == (202, 409)
    assert room("channels", channel="sms").status_code == 422
    before = len(slack.calls)
    tick(POSTS)
    first, second, invite, post = [(call.path.rpartition("/")[2], call.json()) for call in slack.calls[before:][:4]]
    assert [first[1]["name"], second[1]["name"]] == ["inc-1-disk-is-full", "inc-1-disk-is-full-2"]
    assert invite == ("conversations.invite", {"channel": "C9", "users": "U7", "force": True})
    assert post[0] == "chat.postMessage" and post[1]["channel"] == "C9"
    room("acknowledge")
    run_jobs()
    tick(POSTS)
    assert "chat.update" in slack.calls[-1].path


def test_a_channel_whose_first_post_has_to_wait_is_not_made_again(room, slack, tick, now):
    """SRC-25: Slack says 429 once the channel is there; the next try posts into it."""
    made = Reply(200, b'{"ok": true, "channel": {"id": "C9"}, "ts": "171.1"}')
    slack.answer = Reply(200, b'{"ok": true, "channel": "C9", "ts": "171.1"}')
    room("channels", channel="slack")
    slack.next_answers.extend([made, made, Reply(429, b'{"ok": false, "error": "ratelimited"}')])
    before = len(slack.calls)
    tick(POSTS)
    now.shift(600)
    tick(POSTS)
    told = [call.path.rpartition("/")[2] for call in slack.calls[before:]]
    assert told == ["conversations.create", "conversations.invite", "chat.postMessage", "chat.postMessage"]
    assert session.query(Surface).filter_by(own=True).one().provider_id == "C9/171.1"


def test_an_incident_of_a_private_team_gets_no_channel_that_all_can_read(room):
    """SRC-25: not offered, and refused."""
    with transaction():
        session.query(Team).update({"private": True})
    answer = room("channels", channel="slack")
    assert answer.status_code == 409 and "private team" in answer.json["detail"]
    assert posts(incident()).able == [] and session.query(Surface).filter_by(own=True).count() == 0


def test_resolving_asks_for_the_note_that_the_team_wants(room, slack, press, knock):
    """SRC-21, IPG-10: in a dialog, for who pressed."""
    with transaction():
        session.query(Team).update({"note_required": True})
    press("resolve", user="U7")
    path, body = said(slack)
    assert path == "/api/views.open" and body["view"]["callback_id"] == "resolve" and incident().status == "triggered"
    view = body["view"] | {"id": "V1", "hash": "h", "state": {"values": {"note": {"text": {"value": "Rotated logs"}}}}}
    knock("interactive", payload=json.dumps({"type": "view_submission", "user": {"id": "U7"}, "view": view}))
    assert (incident().status, incident().resolution_note) == ("resolved", "Rotated logs")


def test_any_message_can_be_added_to_an_incident(room, slack, knock):
    """SRC-24: the shortcut asks which; an unknown number is said at the field."""
    knock("interactive", payload=json.dumps({"type": "message_action", "user": {"id": "U7"}, "trigger_id": "t9",
                                             "message": {"text": "It began at noon"}}))
    _, body = said(slack)
    assert body["view"]["blocks"][1]["element"]["initial_value"] == "It began at noon"
    for number, answer in (("999", b"errors"), ("#1", b"")):
        values = {"incident": {"text": {"value": number}}, "note": {"text": {"value": "It began at noon"}}}
        view = body["view"] | {"id": "V2", "hash": number, "state": {"values": values}}
        told = knock("interactive", payload=json.dumps({"type": "view_submission", "user": {"id": "U7"}, "view": view}))
        assert answer in told.data
    assert [note.body for note in session.query(Note)] == ["It began at noon"]


GRANTED = {"ok": True, "access_token": "xoxb-2", "team": {"id": "T2", "name": "Acme"},
           "scope": "chat:write,chat:write.public,commands,channels:manage,channels:history,groups:history"}


@pytest.fixture
def admin(app, slack, signed_in, olga):
    """Olga's browser, back from Slack: `admin(code="c")`."""
    app.config.update(SLACK_CLIENT_ID="1.2", SLACK_CLIENT_SECRET="s", SLACK_LOGIN_URL=slack.url)
    browser = signed_in(olga)
    def back(**more):
        away = browser.post("/settings/channels/slack/connect").headers["Location"]
        asked = dict(parse_qsl(urlsplit(away).query))
        return asked, browser.get("/plugins/slack/oauth", query_string={"state": asked["state"], "code": "c", **more},
                                  follow_redirects=True)
    return back


def test_a_workspace_is_connected_by_an_admin(admin, slack):
    """SRC-18, NTF-37: through OAuth, the state bound to the browser; the token is sealed and used."""
    slack.answer = Reply(200, json.dumps(GRANTED).encode())
    asked, shown = admin()
    assert asked["client_id"] == "1.2" and asked["redirect_uri"] == "http://localhost/plugins/slack/oauth"
    assert "Acme is connected" in shown.text and "xoxb-2" not in shown.text
    sent = dict(parse_qsl(slack.calls[-1].body.decode()))
    assert (sent["code"], sent["client_secret"]) == ("c", "s")
    account, = session.query(ChannelAccount)
    assert values_of(account) == {"SLACK_BOT_TOKEN": "xoxb-2", "SLACK_TEAM_ID": "T2"} and "xoxb-2" not in account.config_sealed


@pytest.mark.parametrize(("more", "answer", "words"), [
    ({"state": "guessed"}, GRANTED, "belongs to another browser"), ({"code": "", "error": "access_denied"}, GRANTED, "access_denied"),
    ({}, GRANTED | {"scope": "chat:write,commands,chat:write.public"}, "channels:manage, and without it no channel"),
    ({}, {"ok": False, "error": "invalid_code"}, "invalid_code")])
def test_what_was_not_granted_is_named_and_nothing_is_kept(admin, slack, more, answer, words):
    """SRC-18."""
    slack.answer = Reply(200, json.dumps(answer).encode())
    _, shown = admin(**more)
    assert words in shown.text and session.query(ChannelAccount).count() == 0
