"""Answers that come back from chat: buttons and words act as their person, and nothing that was not proved does anything."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.core.db import session
from app.incidents.models import Incident
from tests import build
from tests.fakes import WebServer
from tests.notifications.paged import page
from tests.plugins.conftest import HOOK, config

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"


@pytest.fixture
def paged(app: Any, vendor: WebServer, tick: Any) -> Any:
    """`paged("telegram", "4711")`: Dora was paged there; gives the last call to the vendor."""
    def made(slug: str, where: str) -> Any:
        app.config.update({name: value for name, value in config(vendor).items() if name != "BASE_URL"})
        person = build.user("dora", reachable=False)
        build.contact(person, slug, where)
        page(person, title="Checkout is down")
        tick(SEND)
        return vendor.calls[-1]
    return made


def status() -> str:
    session.expire_all()
    return session.get_one(Incident, 1).status


def telegram(client: Any, secret: str = HOOK, sender: int = 4711, **said: Any) -> int:
    """An update as Telegram posts it: a pressed button unless `message` says more."""
    who = {"id": sender, "first_name": "Dora", "is_bot": False}
    update_ = {"message": {"message_id": 8, "from": who, "chat": {"id": sender, "type": "private"}, **said}} if said else {
        "callback_query": {"id": "Q1", "from": who, "data": "acknowledge:1"}}
    return int(client.post("/plugins/telegram/callback/events", json={"update_id": 1, **update_},
                           headers={"X-Telegram-Bot-Api-Secret-Token": secret}).status_code)


def test_a_button_in_telegram_acknowledges_and_every_post_agrees(
    paged: Any, client: Any, vendor: WebServer, tick: Any, run_jobs: Any,
) -> None:
    """NTF-24, NTF-38, SRC-28."""
    paged("telegram", "4711")
    assert telegram(client) == telegram(client) == 200 and status() == "acknowledged"
    assert vendor.calls[-1].path.endswith("/answerCallbackQuery")
    assert vendor.calls[-1].json()["text"] == "#1 acknowledged by Dora."
    run_jobs()
    tick(POSTS)
    assert vendor.calls[-1].path.endswith("/editMessageText") and "Acknowledged by Dora" in vendor.calls[-1].json()["text"]


@pytest.mark.parametrize("secret", ["", "guessed", "schlüssel"])
def test_a_wrong_secret_of_telegram_changes_nothing(paged: Any, client: Any, vendor: WebServer, secret: str) -> None:
    """SRC-28, NTF-22."""
    paged("telegram", "4711")
    before = len(vendor.calls)
    assert telegram(client, secret) == 401 and status() == "triggered" and len(vendor.calls) == before


def test_a_stranger_in_telegram_gets_the_link_and_changes_nothing(paged: Any, client: Any, vendor: WebServer) -> None:
    """SRC-28."""
    paged("telegram", "4711")
    telegram(client, sender=99)
    assert status() == "triggered" and vendor.calls[-1].json()["chat_id"] == "99"
    assert "/me/link/" in vendor.calls[-1].json()["text"] and vendor.calls[-2].json()["show_alert"] is True


@pytest.mark.parametrize(("said", "wanted"), [
    ({"text": "ack 1"}, "acknowledged"), ({"text": "/resolve@oncall_bot #1 fixed"}, "resolved"), ({"text": "hello"}, "triggered"),
    ({"text": "resolve it later", "reply_to_message": {"from": {"id": 110}, "text": "[High] #1: Checkout"}}, "triggered"),
])
def test_words_to_the_bot_do_what_they_say(paged: Any, client: Any, vendor: WebServer, said: Any, wanted: str) -> None:
    paged("telegram", "4711")
    assert telegram(client, **said) == 200 and status() == wanted
    words = vendor.calls[-1].json()["text"]
    assert words.startswith("Your note is on #1" if "reply_to_message" in said else ("#1 ", "Open:")), words


def test_a_group_that_talks_is_not_listened_to(paged: Any, client: Any, vendor: WebServer) -> None:
    paged("telegram", "4711")
    before = len(vendor.calls)
    assert telegram(client, text="ack 1", chat={"id": -5, "type": "group"}) == 200
    assert status() == "triggered" and len(vendor.calls) == before


def pressed(client: Any, post: Any, *, sender: str = "member1", **change: str) -> Any:
    """A button of the post as Mattermost sends it back."""
    context = post.json()["props"]["attachments"][0]["actions"][0]["integration"]["context"] | change
    return client.post("/plugins/mattermost/callback/interactive", json={
        "user_id": sender, "user_name": "dora", "trigger_id": f"T-{sender}", "context": context})


def test_a_button_in_mattermost_acknowledges(paged: Any, client: Any, vendor: WebServer, tick: Any, run_jobs: Any) -> None:
    """NTF-24, NTF-38, SRC-28."""
    post = paged("mattermost", "member1")
    assert pressed(client, post).json["ephemeral_text"].endswith("acknowledged by Dora.") and status() == "acknowledged"
    run_jobs()
    tick(POSTS)
    assert vendor.calls[-1].method == "PUT" and "Acknowledged by Dora" in vendor.calls[-1].body.decode()


@pytest.mark.parametrize("change", [{"token": ""}, {"token": "guessed"}, {"action": "resolve"}, {"message": "2"}])
def test_a_button_that_was_not_made_here_changes_nothing(paged: Any, client: Any, change: dict[str, str]) -> None:
    """SRC-28, NTF-22: the token counts for one action of one message."""
    post = paged("mattermost", "member1")
    assert pressed(client, post, **change).status_code == 401 and status() == "triggered"


def test_a_stranger_in_mattermost_sees_the_link_alone(paged: Any, client: Any) -> None:
    """SRC-28."""
    said = pressed(client, paged("mattermost", "member1"), sender="somebody").json
    assert "/me/link/" in said["ephemeral_text"] and status() == "triggered"


def test_the_button_of_ntfy_acts_as_who_was_paged(paged: Any, client: Any, vendor: WebServer) -> None:
    """NTF-24, NTF-26."""
    got = paged("ntfy", f"{vendor.url}/topic")
    press = json.loads(got.headers["actions"])[0]
    assert client.post(urlsplit(press["url"]).path).status_code == 200 and status() == "acknowledged"
    assert session.get_one(Incident, 1).acknowledged_name == "Dora"
