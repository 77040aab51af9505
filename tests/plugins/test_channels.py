"""What providers get from the channels, and what their answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.core import http
from app.core.plugins import Registry
from app.plugin_api import Address, Link, Message, Refused, Rejected, Retry
from tests.fakes import PushService, Reply

SECRET = "a-secret-of-this-address"
PAGE = Message("m-17", "page", "[CRIT] checkout: Disk is full", "3 % left", "high", "critical", "142", "incident-142",
               (Link("open", "Open", "https://oncall.example/incidents/142"),
                Link("acknowledge", "Acknowledge", "https://oncall.example/a/token")))


VAPID = urlsafe_b64encode(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big"))
CONFIG = {"VAPID_PRIVATE_KEY": VAPID.decode(), "VAPID_SUBJECT": "mailto:oncall@localhost"}

every_http_channel = pytest.mark.parametrize("slug", ["webhook", "webpush"])


def send(registry: Registry, slug: str, provider: PushService, message: Message = PAGE, url: str = "") -> Any:
    data = {"webhook": {"secret": SECRET}, "webpush": {"keys": provider.subscription()["keys"]}}[slug]
    return registry.channels[slug].send(message, Address(f"{url or provider.url}/path-with-token", data), CONFIG)


@every_http_channel
@pytest.mark.parametrize(("status", "outcome"), [
    (500, Retry), (503, Retry), (301, Retry), (408, Retry), (429, Retry), (404, Refused), (410, Refused),
    (400, Rejected), (403, Rejected),
])
def test_each_answer_has_its_meaning(
    registry: Registry, push_sink: PushService, slug: str, status: int, outcome: type[Exception],
) -> None:
    push_sink.answer = Reply(status)
    with pytest.raises(outcome, match=str(status)):
        send(registry, slug, push_sink)
    assert len(push_sink.calls) == 1


@every_http_channel
@pytest.mark.parametrize(("said", "after"), [("30", 30.0), ("", None), ("soon", None), ("-5", None)])
def test_the_wait_that_a_busy_provider_asks_for_is_passed_on(
    registry: Registry, push_sink: PushService, slug: str, said: str, after: float | None,
) -> None:
    push_sink.answer = Reply(429, headers={"Retry-After": said})
    with pytest.raises(Retry) as busy:
        send(registry, slug, push_sink)
    assert busy.value.after == after


@every_http_channel
def test_a_provider_that_is_away_is_tried_again(registry: Registry, push_sink: PushService, slug: str) -> None:
    with pytest.raises(Retry):
        send(registry, slug, push_sink, url="http://127.0.0.1:9")


@every_http_channel
def test_a_private_address_is_not_called(registry: Registry, push_sink: PushService, slug: str) -> None:
    http.configure("")
    with pytest.raises(Rejected, match="private|loopback|https"):
        send(registry, slug, push_sink)
    assert push_sink.calls == []


@every_http_channel
def test_no_secret_is_seen_in_logs_or_representations(
    registry: Registry, push_sink: PushService, slug: str, caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    receipt = send(registry, slug, push_sink)
    push_sink.answer = Reply(500)
    with pytest.raises(Retry) as fault:
        send(registry, slug, push_sink)
    seen = f"{caplog.text} {receipt!r} {fault.value!r} {registry.channels[slug]!r} {Address('x', {'secret': SECRET})!r}"
    for secret in (SECRET, VAPID.decode(), push_sink.subscription()["keys"]["auth"], "path-with-token"):
        assert secret not in seen, f"{slug} send() shows a secret"


def test_a_webhook_is_signed_so_that_ten_lines_can_check_it(registry: Registry, push_sink: PushService) -> None:
    receipt = send(registry, "webhook", push_sink)
    got = push_sink.calls[0]
    sent = got.headers["x-oncall-timestamp"]
    right = hmac.new(SECRET.encode(), sent.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-oncall-signature"] == f"v1={right}" and abs(time.time() - int(sent)) < 30
    assert got.headers["x-oncall-delivery"] == json.loads(got.body)["id"] == "m-17"
    assert receipt.state == "delivered"


def test_a_webhook_says_what_happened_and_what_can_be_done(registry: Registry, push_sink: PushService) -> None:
    send(registry, "webhook", push_sink)
    said = json.loads(push_sink.calls[0].body)
    assert (said["kind"], said["subject"], said["text"]) == ("page", PAGE.subject, PAGE.text)
    assert (said["urgency"], said["severity"], said["incident"]) == ("high", "critical", "142")
    assert [link["action"] for link in said["links"]] == ["open", "acknowledge"]


def test_a_webhook_without_a_secret_is_not_signed(registry: Registry, push_sink: PushService) -> None:
    registry.channels["webhook"].send(PAGE, Address(push_sink.url), {})
    assert "x-oncall-signature" not in push_sink.calls[0].headers
    assert push_sink.calls[0].headers["x-oncall-delivery"] == "m-17"


def test_the_browser_can_read_its_push(registry: Registry, push_sink: PushService) -> None:
    send(registry, "webpush", push_sink)
    got = push_sink.calls[0]
    said = push_sink.messages[0]
    assert (said["title"], said["body"], said["incident"]) == (PAGE.subject, PAGE.text, "142")
    assert (said["url"], said["acknowledge_url"]) == (PAGE.links[0].url, PAGE.links[1].url)
    assert (got.headers["ttl"], got.headers["urgency"]) == ("3600", "high")
    assert len(got.headers["topic"]) == 32


def test_a_push_is_signed_for_its_service_only(registry: Registry, push_sink: PushService) -> None:
    send(registry, "webpush", push_sink)
    token = push_sink.calls[0].headers["authorization"].removeprefix("vapid t=").split(",")[0]
    claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == push_sink.url and claims["sub"] == CONFIG["VAPID_SUBJECT"]
    assert 0 < claims["exp"] - time.time() <= 12 * 3600


def test_pushes_of_one_incident_share_their_topic_and_of_two_do_not(registry: Registry, push_sink: PushService) -> None:
    other = replace(PAGE, incident="143", thread="incident-143")
    for message in (PAGE, replace(PAGE, id="m-18", urgency="low"), other):
        send(registry, "webpush", push_sink, message)
    first, again, second = (got.headers["topic"] for got in push_sink.calls)
    assert first == again != second
    assert push_sink.calls[1].headers["urgency"] == "normal"


def test_a_long_page_is_cut_to_fit_a_push(registry: Registry, push_sink: PushService) -> None:
    send(registry, "webpush", push_sink, replace(PAGE, subject="ä" * 10_000, text="🔥" * 10_000))
    said = push_sink.messages[0]
    assert len(json.dumps(said, ensure_ascii=False).encode()) <= 3 * 1024 and said["title"].startswith("äää")


@pytest.mark.parametrize("data", [{}, {"keys": {}}, {"keys": {"p256dh": "x", "auth": "y"}}, {"keys": "no"}])
def test_a_subscription_without_good_keys_is_given_up(registry: Registry, push_sink: PushService, data: Any) -> None:
    with pytest.raises(Refused):
        registry.channels["webpush"].send(PAGE, Address(push_sink.url, data), CONFIG)
    assert push_sink.calls == []


@pytest.mark.parametrize("key", ["", "nonsense"])
def test_without_our_own_key_nothing_is_pushed_and_nobody_is_given_up(
    registry: Registry, push_sink: PushService, key: str,
) -> None:
    with pytest.raises(Rejected, match="VAPID_PRIVATE_KEY"):
        address = Address(push_sink.url, {"keys": push_sink.subscription()["keys"]})
        registry.channels["webpush"].send(PAGE, address, {"VAPID_PRIVATE_KEY": key})
