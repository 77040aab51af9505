"""Texts and calls by Vonage: a local double takes them; answers are signed as Vonage signs."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app.core import clock
from app.core.db import session
from app.incidents.models import Incident
from app.notifications.channel_models import ReplyCode
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import message, page

SEND = "app.notifications.ticks.send"
NUMBER, SECRET = "+4915112345678", "signature-secret"
KEY = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def vonage(app, http_sink):
    """A Vonage that takes one text or call."""
    app.config.update(VONAGE_API_KEY="k", VONAGE_API_SECRET="s", VONAGE_FROM="+15005550006", VONAGE_SIGNATURE_SECRET=SECRET,
                      VONAGE_SMS_URL=http_sink.url, VONAGE_API_URL=http_sink.url, VONAGE_APPLICATION_ID="app-1",
                      VONAGE_PRIVATE_KEY=KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    http_sink.answer = Reply(200, b'{"message-count": "1", "messages": [{"status": "0", "message-id": "V1"}]}')
    return http_sink


def dora(channel):
    person = build.user("dora", reachable=False)
    build.contact(person, channel, NUMBER)
    page(person, title="Checkout is down")
    return person


def texted(client, path, secret=SECRET, **fields):
    """A request as Vonage signs it: HMAC over the sorted fields."""
    fields = {**fields, "timestamp": str(int(clock.now().timestamp()))}
    text = "".join(f"&{name}={value.replace('&', '_').replace('=', '_')}" for name, value in sorted(fields.items()))
    fields["sig"] = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
    return client.post(f"/plugins/vonage/callback/{path}", data=fields)


def called(client, path, secret=SECRET, **said):
    """A webhook of a call: a token over the hash of its body."""
    body = json.dumps(said).encode()
    claims = {"iat": int(clock.now().timestamp()), "iss": "Vonage", "payload_hash": hashlib.sha256(body).hexdigest()}
    signed = ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                      for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    proof = urlsafe_b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    return client.post(f"/plugins/vonage/callback/{path}", data=body, content_type="application/json",
                       headers={"Authorization": f"Bearer {signed}.{proof}"})


def status():
    session.expire_all()
    return session.get_one(Incident, 1).status


def test_a_text_goes_out_and_its_answer_comes_back(now, tick, vonage, client, app):
    """NTF-24, NTF-27."""
    dora("sms")
    tick(SEND)
    form = parse_qs(vonage.calls[0].body.decode())
    code = session.query(ReplyCode).one().code
    assert form["to"] == [NUMBER[1:]] and f"Reply A{code}" in form["text"][0] and form["client-ref"] == ["1"]
    assert texted(client, "sms", msisdn=NUMBER[1:], text=f"A{code} & thanks=", messageId="IN1").status_code == 204
    assert status() == "acknowledged"
    tick(SEND)
    assert any("acknowledged by Dora" in call.body.decode().replace("+", " ") for call in vonage.calls[1:])


@pytest.mark.parametrize("spoil", [{"secret": "guessed"}])
def test_a_text_signed_by_somebody_else_changes_nothing(now, tick, vonage, client, spoil):
    """NTF-22."""
    dora("sms")
    tick(SEND)
    assert texted(client, "sms", **spoil, msisdn=NUMBER[1:], text="ack", messageId="IN1").status_code == 403
    assert called(client, "voice?message=1", **spoil, uuid="V1", dtmf={"digits": "1"}).status_code == 403
    assert status() == "triggered"


def test_a_report_of_delivery_is_a_receipt(now, tick, vonage, client):
    dora("sms")
    tick(SEND)
    texted(client, "status", messageId="V1", status="delivered", msisdn=NUMBER[1:])
    session.expire_all()
    assert message().state == "delivered"


@pytest.mark.parametrize(("status_", "words"), [("4", "does not accept our account"), ("7", "can't reach this number")])
def test_a_refusal_inside_an_answer_of_200_is_one(now, tick, vonage, status_, words):
    vonage.answer = Reply(200, json.dumps({"messages": [{"status": status_}]}).encode())
    dora("sms")
    tick(SEND)
    assert message().state == "failed" and words in message().error


def test_a_call_is_made_with_our_token_and_key_1_acknowledges(now, tick, vonage, client):
    """NTF-29: the menu first, then the key."""
    vonage.answer = Reply(201, b'{"uuid": "C1", "status": "started"}')
    dora("voice")
    tick(SEND)
    signed, _, proof = vonage.calls[0].headers["authorization"].removeprefix("Bearer ").rpartition(".")
    KEY.public_key().verify(urlsafe_b64decode(proof + "=="), signed.encode(), padding.PKCS1v15(), SHA256())
    menu = called(client, "voice?message=1", uuid="C1", status="answered").json
    assert "Checkout is down" in menu[0]["text"] and menu[-1]["action"] == "input"
    said = called(client, "voice?message=1", uuid="C1", dtmf={"digits": "1"}).json
    assert "acknowledged by Dora" in said[0]["text"] and status() == "acknowledged"


def test_a_machine_that_takes_the_call_is_nobody(now, tick, vonage, client):
    vonage.answer = Reply(201, b'{"uuid": "C1"}')
    dora("voice")
    tick(SEND)
    called(client, "events-voice?message=1", uuid="C1", status="machine")
    session.expire_all()
    assert message().error == "A voicemail took the call"
