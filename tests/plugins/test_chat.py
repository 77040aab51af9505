"""Chat: what ntfy, Telegram, Mattermost, Discord and Google Chat get, what their answers mean, and who may press."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.core.db import session
from app.core.plugins import Registry
from app.incidents.models import Incident
from app.plugin_api import Address, Link, Message, NoAccess, Receipt, Refused, Rejected, Retry
from tests import build
from tests.fakes import Reply, WebServer
from tests.notifications.paged import page

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"
OPEN = Link("open", "Open the incident", "https://oncall.example/incidents/142")
PAGE = Message("17", "page", "[Critical] #142 checkout: Disk is full", "3 % left", "high", "critical", "142", "incident-142",
               (Link("acknowledge", "Acknowledge", "https://oncall.example/tap/token"), OPEN), "Disk is full", "checkout",
               "triggered", "", ("acknowledge", "resolve", "escalate", "note"))
HELD = replace(PAGE, kind="post", standing="Acknowledged by Ana", status="acknowledged", links=(OPEN,),
               actions=("resolve", "escalate", "note"))
NASTY = replace(PAGE, subject="<img src=x> *b* @channel <!here> <users/all> [x](javascript:1) " + "a" * 10_000,
                text="@everyone ![p](https://evil.example/p_q.png) <b>" + "ü" * 10_000)
BOT, HOOK = "110:bot-token", "webhook-secret"
MADE = {"ok": True, "result": {"message_id": 5}, "id": "P1"}
CHATS = ("ntfy", "telegram", "mattermost", "discord", "googlechat")
ADDRESSES = {"telegram": "4711", "mattermost": "member1"}


def config(sink: WebServer) -> dict[str, str]:
    return {"BASE_URL": "https://oncall.example", "TELEGRAM_BOT_TOKEN": BOT, "TELEGRAM_WEBHOOK_SECRET": HOOK,
            "TELEGRAM_API_URL": sink.url, "MATTERMOST_API_URL": sink.url, "MATTERMOST_BOT_TOKEN": "bot",
            "MATTERMOST_SIGNING_SECRET": HOOK}


def address(slug: str, sink: WebServer) -> Address:
    return Address(ADDRESSES.get(slug) or f"{sink.url}/hook-token?thread_id=9")


@pytest.fixture
def vendor(http_sink: WebServer) -> WebServer:
    """A server that takes everything."""
    http_sink.answer = Reply(200, json.dumps(MADE).encode())
    return http_sink


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
