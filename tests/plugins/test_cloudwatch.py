"""Amazon SNS: nothing unsigned is taken, and nothing but Amazon's own addresses is ever asked (ING-46)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from app.core import contract
from app.core.plugins import Registry
from app.plugin_api import Inbound, Rejected, Retry
from tests.fakes import PushService, Reply
from tests.plugins.conftest import ROOT

TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"
HOME = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOME}/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"
CONFIRM = f"{HOME}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc"
KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: rsa.RSAPrivateKey = KEY) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a certificate for tests")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(datetime(2026, 1, 1)).not_valid_after(datetime(2027, 1, 1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


PEM = certificate()


def message(*, version: str = "2", key: rsa.RSAPrivateKey = KEY, **said: Any) -> Inbound:
    """A message as SNS posts it, signed at last."""
    body = {"Type": "SubscriptionConfirmation", "MessageId": "m-1", "TopicArn": TOPIC, "Message": "Hello", "Token": "abc",
            "SubscribeURL": CONFIRM, "Timestamp": "2026-01-05T08:59:00.000Z", "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE, **said}
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    if body["Type"] == "Notification":
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    signed = "".join(f"{name}\n{body[name]}\n" for name in names if name in body).encode()
    made = key.sign(signed, padding.PKCS1v15(), hashes.SHA1() if version == "1" else hashes.SHA256())
    return contract.inbound(json.dumps({**body, "Signature": base64.b64encode(made).decode()}).encode())


def changed(inbound: Inbound, **said: Any) -> Inbound:
    """The same message with something altered after it was signed."""
    return replace(inbound, body=json.dumps({**json.loads(inbound.body), **said}).encode())


@pytest.fixture
def amazon(push_sink: PushService, registry: Registry) -> Iterator[PushService]:
    """A server that plays Amazon SNS and hands out the certificate."""
    push_sink.answer = Reply(200, body=PEM.encode())
    kept = registry.integrations["cloudwatch"].verify.__func__.__globals__["sns"]._certificates  # of this very plugin
    kept.clear()
    yield push_sink
    kept.clear()


def config(amazon: PushService, **said: Any) -> dict[str, Any]:
    return {"CLOUDWATCH_SNS_URL": amazon.url, **said}


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_verified_and_the_certificate_is_asked_once(
    registry: Registry, amazon: PushService, version: str,
) -> None:
    for number in range(3):
        registry.integrations["cloudwatch"].verify(message(version=version, MessageId=f"m-{number}"), config(amazon))
    assert [call.path for call in amazon.calls] == [urlsplit(CERTIFICATE).path]


FORGED = (
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.example.net/SimpleNotificationService-1.pem"},
    {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem"},
    {"SigningCertURL": "https://evil@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
    {"SigningCertURL": "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"},
    {"SigningCertURL": f"{HOME}/other.pem"}, {"SigningCertURL": f"{HOME}/SimpleNotificationService-1.pem?x=1"},
    {"SigningCertURL": f"{HOME}/../SimpleNotificationService-1.pem"}, {"SigningCertURL": None}, {"SigningCertURL": "https://[::1"},
    {"SigningCertURL": "https://169.254.169.254/SimpleNotificationService-1.pem"},
    {"SubscribeURL": "https://example.net/?Action=ConfirmSubscription"}, {"SubscribeURL": "http://127.0.0.1/"},
    {"SubscribeURL": f"{HOME}/?Action=DeleteTopic&TopicArn={TOPIC}"}, {"SubscribeURL": None},
    {"SubscribeURL": f"{HOME}/?Action=ConfirmSubscription&TopicArn={TOPIC}-other&Token=abc"},
    {"Timestamp": "2026-01-05T07:50:00.000Z"}, {"Timestamp": "2026-01-05T09:02:00.000Z"}, {"Timestamp": "soon"},
    {"SignatureVersion": "3"},
)


@pytest.mark.parametrize("said", FORGED, ids=str)
def test_a_forged_confirmation_asks_nobody_anything(registry: Registry, amazon: PushService, said: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        registry.integrations["cloudwatch"].verify(changed(message(), **said), config(amazon))
    assert refusal.value.unauthenticated and amazon.calls == []


@pytest.mark.parametrize("said", [{"Message": "Other"}, {"Signature": "AAAA"}, {"Signature": "%"}, {"TopicArn": f"{TOPIC}2"},
                                  {"Token": "xyz"}, {"SignatureVersion": "1"}, {"Subject": 7, "MessageId": "m-2"}], ids=str)
def test_a_message_that_was_altered_is_refused(registry: Registry, amazon: PushService, said: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        registry.integrations["cloudwatch"].verify(changed(message(), **said), config(amazon))
    assert refusal.value.unauthenticated


def test_a_message_of_another_key_or_topic_is_refused(registry: Registry, amazon: PushService) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    for inbound, more in ((message(key=stranger), {}), (message(), {"topic_arn": "arn:aws:sns:eu-west-1:1:other"}),
                          (message(), {"certificate": certificate(stranger).splitlines()}), (message(), {"certificate": ["nonsense"]})):
        with pytest.raises(Rejected) as refusal:
            registry.integrations["cloudwatch"].verify(inbound, config(amazon, **more))
        assert refusal.value.unauthenticated


def test_an_hour_of_tries_is_taken_and_an_expired_certificate_is_not(registry: Registry, amazon: PushService) -> None:
    plugin, late = registry.integrations["cloudwatch"], message()
    plugin.verify(replace(late, received_at=late.received_at + timedelta(minutes=59)), config(amazon))
    old = message(Timestamp="2027-01-05T08:59:00.000Z")
    with pytest.raises(Rejected, match="not valid now"):
        plugin.verify(replace(old, received_at=datetime(2027, 1, 5, 9, tzinfo=UTC)), config(amazon))


def test_a_genuine_subscription_is_confirmed_at_amazon(registry: Registry, amazon: PushService) -> None:
    plugin: Any = registry.integrations["cloudwatch"]
    plugin.verify(message(), config(amazon))
    plugin.confirm(message(), config(amazon))
    asked = parse_qs(urlsplit(amazon.calls[-1].path).query)
    assert asked == {"Action": ["ConfirmSubscription"], "TopicArn": [TOPIC], "Token": ["abc"]}
    assert plugin.learns(message()) == {"topic_arn": TOPIC} and plugin.delivery_key(message()) == "m-1"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_amazon_is_asked_again_when_it_does_not_answer(registry: Registry, amazon: PushService, status: int) -> None:
    plugin: Any = registry.integrations["cloudwatch"]
    amazon.answer = Reply(status, headers={"Location": f"{amazon.url}/elsewhere"})
    for call in (plugin.verify, plugin.confirm):
        with pytest.raises(Retry, match=str(status)):
            call(message(), config(amazon))
    assert not any("elsewhere" in call.path for call in amazon.calls)


def test_an_alarm_without_data_does_what_was_chosen(registry: Registry) -> None:
    body = (ROOT / "plugins/cloudwatch/samples/no_data.json").read_bytes()
    read = registry.integrations["cloudwatch"].normalize
    for choice in ("firing", "resolved", "suppressed"):
        signal, = read(contract.inbound(body), {"insufficient_data": choice})
        assert signal.status == choice
