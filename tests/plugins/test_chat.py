"""Chat: what ntfy, Telegram, Mattermost, Discord and Google Chat get, and what their answers mean."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.core.plugins import Registry
from app.plugin_api import Address, Link, Message, NoAccess, Receipt, Refused, Rejected, Retry
from tests.fakes import Reply, WebServer
from tests.plugins.conftest import BOT, config

OPEN = Link("open", "Open the incident", "https://oncall.example/incidents/142")
PAGE = Message("17", "page", "[Critical] #142 checkout: Disk is full", "3 % left", "high", "critical", "142", "incident-142",
               (Link("acknowledge", "Acknowledge", "https://oncall.example/tap/token"), OPEN), "Disk is full", "checkout",
               "triggered", "", ("acknowledge", "resolve", "escalate", "note"))
HELD = replace(PAGE, kind="post", standing="Acknowledged by Ana", status="acknowledged", links=(OPEN,),
               actions=("resolve", "escalate", "note"))
NASTY = replace(PAGE, subject="<img src=x> *b* @channel <!here> <users/all> [x](javascript:1) " + "a" * 10_000,
                text="@everyone ![p](https://evil.example/p_q.png) <b>" + "ü" * 10_000)
CHATS = ("ntfy", "telegram", "mattermost", "discord", "googlechat")
ADDRESSES = {"telegram": "4711", "mattermost": "member1"}


def address(slug: str, sink: WebServer) -> Address:
    return Address(ADDRESSES.get(slug) or f"{sink.url}/hook-token?thread_id=9")


def send(registry: Registry, slug: str, sink: WebServer, message: Message = PAGE) -> Receipt:
    return registry.channels[slug].send(message, address(slug, sink), config(sink))


def update(registry: Registry, slug: str, sink: WebServer, name: str) -> Any:
    channel: Any = registry.channels[slug]
    channel.update(HELD, address(slug, sink), Receipt(provider_id=name), config(sink))
    return sink.calls[-1]


@pytest.mark.parametrize("slug", CHATS)
@pytest.mark.parametrize(("status", "outcome"), [(429, Retry), (500, Retry), (503, Retry), (403, Refused), (410, Refused),
                                                 (404, Refused), (400, Rejected)])
def test_each_answer_has_its_meaning(
    registry: Registry, http_sink: WebServer, slug: str, status: int, outcome: type[Exception],
) -> None:
    """404 of the bot's own address speaks of its token; 410 is nothing that a bot's server says."""
    http_sink.answer = Reply(status, headers={"Retry-After": "7"})
    wanted = {("telegram", 404): NoAccess, ("telegram", 410): Rejected}.get((slug, status), outcome)
    with pytest.raises(wanted) as raised:
        send(registry, slug, http_sink)
    assert not isinstance(raised.value, Retry) or raised.value.after == 7.0
    assert BOT not in str(raised.value) and "hook-token" not in str(raised.value)


@pytest.mark.parametrize("slug", CHATS)
def test_what_an_alert_says_is_inert_and_never_too_long(registry: Registry, vendor: WebServer, slug: str) -> None:
    """NTF-32."""
    send(registry, slug, vendor, NASTY)
    got = vendor.calls[-1]
    body = got.body.decode() if slug == "ntfy" else json.dumps(got.json(), ensure_ascii=False)
    assert len(body) < 8000 and len(got.body) < 16_000
    assert slug not in ("telegram", "mattermost") or ("@everyone" not in body and "@channel" not in body)
    assert {"discord": '"allowed_mentions": {"parse": []}', "googlechat": "&lt;b&gt;", "mattermost": "\\\\!\\\\[p\\\\]",
            "telegram": "@\u2060everyone", "ntfy": "@everyone"}[slug] in body
    assert slug != "telegram" or "parse_mode" not in body


def test_ntfy_rings_loud_and_acknowledges_from_its_button(registry: Registry, vendor: WebServer) -> None:
    send(registry, "ntfy", vendor, replace(PAGE, subject="Größe"))
    got = vendor.calls[0]
    assert (got.path, got.headers["priority"], got.body) == ("/hook-token?thread_id=9", "5", b"3 % left")
    assert got.headers["title"] == "=?utf-8?b?R3LDtsOfZQ==?=" and got.headers["click"] == OPEN.url
    first, second = json.loads(got.headers["actions"])
    assert (first["action"], first["method"], first["url"]) == ("http", "POST", "https://oncall.example/tap/token")
    assert (second["action"], second["url"]) == ("view", OPEN.url)
    send(registry, "ntfy", vendor, replace(PAGE, urgency="low"))
    assert vendor.calls[1].headers["priority"] == "3"


@pytest.mark.parametrize(("server", "given"), [("", True), (".evil.example", False), ("/other", False)])
def test_the_token_of_ntfy_goes_to_its_own_server_only(
    registry: Registry, vendor: WebServer, server: str, given: bool,
) -> None:
    values = {"NTFY_TOKEN": "tk_1", "NTFY_API_URL": vendor.url + server}
    registry.channels["ntfy"].send(PAGE, Address(f"{vendor.url}/topic"), values)
    assert (vendor.calls[0].headers.get("authorization") == "Bearer tk_1") is given


def test_a_post_in_discord_is_edited_in_its_place(registry: Registry, vendor: WebServer) -> None:
    """NTF-38: a thread in the address is kept."""
    receipt = send(registry, "discord", vendor)
    said = vendor.calls[0].json()
    assert vendor.calls[0].path == "/hook-token?thread_id=9&wait=true" and receipt.provider_id == "P1"
    assert "[Acknowledge](https://oncall.example/tap/token)" in said["embeds"][0]["description"]
    edited = update(registry, "discord", vendor, "P1")
    assert (edited.method, edited.path) == ("PATCH", "/hook-token/messages/P1?thread_id=9")
    assert "Acknowledged by Ana" in edited.json()["embeds"][0]["description"]


def test_google_chat_keeps_an_incident_in_one_thread(registry: Registry, vendor: WebServer) -> None:
    send(registry, "googlechat", vendor)
    said = vendor.calls[0].json()
    assert "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD" in vendor.calls[0].path
    assert said["thread"] == {"threadKey": "incident-142"} and said["fallbackText"] == PAGE.subject
    buttons = said["cardsV2"][0]["card"]["sections"][0]["widgets"][1]["buttonList"]["buttons"]
    assert [one["onClick"]["openLink"]["url"] for one in buttons] == [link.url for link in PAGE.links]


def test_telegram_edits_what_it_sent_and_takes_away_buttons(registry: Registry, vendor: WebServer) -> None:
    """NTF-38."""
    assert send(registry, "telegram", vendor).provider_id == "4711/5"
    sent = vendor.calls[0]
    keys = sent.json()["reply_markup"]["inline_keyboard"][0]
    assert sent.path == f"/bot{BOT}/sendMessage" and sent.json()["chat_id"] == "4711"
    assert [key["callback_data"] for key in keys] == ["acknowledge:17", "resolve:17", "escalate:17"]
    edited = update(registry, "telegram", vendor, "4711/5")
    assert edited.path == f"/bot{BOT}/editMessageText" and edited.json()["message_id"] == 5
    assert "Acknowledged by Ana" in edited.json()["text"] and "acknowledge:" not in json.dumps(edited.json())


@pytest.mark.parametrize(("status", "said", "outcome"), [
    (429, {"parameters": {"retry_after": 9}}, Retry), (400, {"description": "Bad Request: chat not found"}, Refused),
    (401, {"description": "Unauthorized"}, NoAccess), (403, {"description": "bot was blocked by the user"}, Refused),
])
def test_telegram_says_in_words_what_is_wrong(
    registry: Registry, http_sink: WebServer, status: int, said: Any, outcome: type[Exception],
) -> None:
    http_sink.answer = Reply(status, json.dumps({"ok": False, **said}).encode())
    with pytest.raises(outcome) as raised:
        send(registry, "telegram", http_sink)
    assert not isinstance(raised.value, Retry) or raised.value.after == 9.0


def test_an_edit_that_changes_nothing_is_done(registry: Registry, http_sink: WebServer) -> None:
    http_sink.answer = Reply(400, b'{"ok": false, "description": "Bad Request: message is not modified: same"}')
    assert update(registry, "telegram", http_sink, "4711/5").path.endswith("/editMessageText")


def test_mattermost_writes_to_the_member_and_patches_the_post(registry: Registry, vendor: WebServer) -> None:
    """NTF-38."""
    vendor.next_answers.extend([Reply(200, b'{"id": "BOT"}'), Reply(201, b'{"id": "DM"}')])
    assert send(registry, "mattermost", vendor).provider_id == "P1"
    made = vendor.calls[2].json()
    assert vendor.calls[1].json() == ["BOT", "member1"] and made["channel_id"] == "DM"
    assert [one["id"] for one in made["props"]["attachments"][0]["actions"]] == ["acknowledge", "resolve", "escalate"]
    edited = update(registry, "mattermost", vendor, "P1")
    assert (edited.method, edited.path) == ("PUT", "/api/v4/posts/P1/patch")
    attached = edited.json()["props"]["attachments"][0]
    assert "Acknowledged by Ana" in attached["text"] and [one["id"] for one in attached["actions"]] == ["resolve", "escalate"]


@pytest.mark.parametrize("slug", ["telegram", "mattermost"])
def test_without_a_secret_there_are_links_and_nothing_is_heard(registry: Registry, vendor: WebServer, slug: str) -> None:
    """SRC-28."""
    values = config(vendor) | {"TELEGRAM_WEBHOOK_SECRET": "", "MATTERMOST_SIGNING_SECRET": ""}
    registry.channels[slug].send(PAGE, address(slug, vendor), values)
    body = json.dumps(vendor.calls[-1].json())
    assert "https://oncall.example/tap/token" in body and "acknowledge:17" not in body and "integration" not in body
