"""Mail by way of a provider: only what the provider signed, and one mail however often it is posted."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core import contract
from app.core.plugins import Registry
from app.plugin_api import Inbound, Rejected
from tests.plugins.conftest import ROOT

NOW = str(int(contract.RECEIVED.timestamp()))
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def firing(slug: str, suffix: str = ".form") -> Inbound:
    """The firing sample of a provider."""
    return contract.sample_request(ROOT / "plugins" / slug / "samples" / f"firing{suffix}")


def mailgun(key: str, *, timestamp: str = NOW, token: str = "abc") -> Inbound:
    """The sample with a signature in its fields."""
    sample = firing("mailgun")
    made = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    fields = dict(parse_qsl(sample.body.decode())) | {"timestamp": timestamp, "token": token, "signature": made}
    return replace(sample, body=urlencode(fields).encode())


def sendgrid(key: ec.EllipticCurvePrivateKey, timestamp: str = NOW) -> Inbound:
    """The sample with a signature in its headers."""
    sample = firing("sendgrid")
    made = base64.b64encode(key.sign(timestamp.encode() + sample.body, ec.ECDSA(hashes.SHA256()))).decode()
    name = "x-twilio-email-event-webhook"
    return replace(sample, headers={**sample.headers, f"{name}-signature": made, f"{name}-timestamp": timestamp})


def postmark(password: str) -> Inbound:
    """The sample with a password in its address."""
    sample, said = firing("postmark", ".json"), base64.b64encode(f"x:{password}".encode()).decode()
    return replace(sample, headers={**sample.headers, "authorization": f"Basic {said}"})


@pytest.mark.parametrize(("slug", "config", "right", "wrong"), [
    ("mailgun", {"signing_key": "s3cret"}, mailgun("s3cret"), [mailgun("other"), firing("mailgun"),
                                                                mailgun("s3cret", timestamp=str(int(NOW) - 10 * 3600))]),
    ("sendgrid", {"public_key": PUBLIC}, sendgrid(KEY), [firing("sendgrid"), sendgrid(ec.generate_private_key(ec.SECP256R1())),
                                                         sendgrid(KEY, str(int(NOW) - 301)),
                                                         replace(sendgrid(KEY), body=sendgrid(KEY).body + b"&x=1")]),
    ("postmark", {"password": "s3cret"}, postmark("s3cret"), [postmark("other"), firing("postmark", ".json")]),
])
def test_only_what_the_provider_proves_is_taken(registry: Registry, slug: str, config: Any, right: Inbound, wrong: Any) -> None:
    """ING-45, INT-02"""
    plugin = registry.integrations[slug]
    plugin.verify(right, config)
    for request in wrong:
        with pytest.raises(Rejected) as refusal:
            plugin.verify(request, config)
        assert refusal.value.unauthenticated


@pytest.mark.parametrize("slug", ["mailgun", "sendgrid", "postmark"])
def test_a_mail_is_known_by_its_message_id_and_its_tag(registry: Registry, slug: str) -> None:
    """ING-45: one mail posted twice is one delivery; the word after the plus is the problem."""
    plugin: Any = registry.integrations[slug]
    sample = firing(slug, ".json" if slug == "postmark" else ".form")
    assert plugin.delivery_key(sample) == "<m1@example.com> +disk" and plugin.same(sample) == b"<m1@example.com> +disk"
    assert plugin.normalize(sample, {})[0].dedup_key == "+disk"


def test_a_form_in_parts_is_read_and_its_files_are_left_out(registry: Registry) -> None:
    """As SendGrid and Mailgun post mail with attachments."""
    fields = {"from": "monitor@example.com", "subject": "Größe", "text": "full", "envelope": '{"to": ["a+disk@b"]}'}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append('--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nPNG\r\n--x--\r\n')
    request = contract.inbound("".join(parts).encode(), {"content-type": "multipart/form-data; boundary=x"})
    signal, = registry.integrations["sendgrid"].normalize(request, {})
    assert (signal.title, signal.body, signal.dedup_key) == ("Größe", "full", "+disk")
    assert "file" not in request.form()
