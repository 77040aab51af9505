"""Text messages and calls by Vonage, the second provider of both.

Sources: developer.vonage.com/en/api/sms, …/api/voice, …/voice/voice-api/ncco-reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Address,
    Answer,
    Answered,
    Field,
    Inbound,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Rejected,
    Reply,
    Report,
    Retry,
    Setting,
    deliver,
    hookimpl,
    now,
    read_reply,
    spoken,
    text_message,
)

from .signing import check_fields, check_token, token

TEXTS = ("VONAGE_API_KEY", "VONAGE_API_SECRET", "VONAGE_FROM", "VONAGE_SIGNATURE_SECRET", "VONAGE_SMS_URL")
CALLS = ("VONAGE_APPLICATION_ID", "VONAGE_PRIVATE_KEY", "VONAGE_FROM", "VONAGE_SIGNATURE_SECRET", "VONAGE_API_URL")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
DEAD = {"3", "9"}  # absent for good, no such number
KEYS = {"1": "acknowledge", "2": "details", "9": "escalate", "*": "stop"}
CHOICES = "Press 1 to acknowledge. Press 2 for details. Press 9 to escalate now. Press star to stop calls to this number."
ENDED = {"busy": "The line was busy", "timeout": "Nobody answered", "unanswered": "Nobody answered",
         "failed": "The call could not be made", "rejected": "The call was rejected", "machine": "A voicemail took the call"}


def number(text: str) -> str:
    """The number as Vonage writes it, without the plus. Raises Refused when it is none."""
    plain = re.sub(r"[\s()./-]", "", text)
    if not NUMBER.fullmatch(plain):
        raise Refused("This is not a phone number with country code, such as +4915112345678")
    return plain[1:]


def judge_text(answer: Answer) -> Exception | None:
    """Vonage answers 200 in any case; the status of the only message says what it means."""
    if answer.status != 200:
        return None
    try:
        said = answer.json()["messages"][0]
        status = str(said["status"])
    except (ValueError, KeyError, IndexError, TypeError):
        return Retry("Vonage's answer can't be read")
    if status in ("0", ""):
        return None
    reason = f"Vonage refused it ({status})"
    if status in ("1", "5", "10"):
        return Retry(f"Vonage is busy ({status})")
    if status in ("4", "8", "9", "14"):
        return NoAccess(f"Vonage does not accept our account, or it has no credit left ({status})")
    return Refused(f"Vonage can't reach this number ({status})") if status in ("7", "22", "33") else Rejected(reason)


class Sms:
    """One text message to one number."""

    slug, name, provider, rank = "sms", "SMS", "Vonage", 10
    address = Field("address", "Mobile number", kind="phone", required=True,
                    help="With country code, such as +4915112345678")
    can = frozenset({"verify", "reply", "status", "code", "loud"})
    settings = TEXTS
    needs = TEXTS
    callbacks = ("sms", "status")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand over one text; its client-ref is the message's id."""
        form = {"api_key": config["VONAGE_API_KEY"], "api_secret": config["VONAGE_API_SECRET"],
                "from": config["VONAGE_FROM"].lstrip("+"), "to": number(address.value), "text": text_message(message),
                "client-ref": message.id[:40], "type": "unicode" if not text_message(message).isascii() else "text",
                "callback": f"{config['BASE_URL']}/plugins/vonage/callback/status"}
        url = f"{config['VONAGE_SMS_URL'].rstrip('/')}/sms/json"
        answer = deliver(url, account=True, judge=judge_text, data=form)
        return Receipt("sent", "vonage", str(answer.json()["messages"][0].get("message-id", "")))

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A text that came in, or a report."""
        fields = inbound.form() if inbound.body else dict(inbound.query)
        check_fields(fields, config["VONAGE_SIGNATURE_SECRET"], inbound.received_at.timestamp())
        key = str(fields.get("messageId", ""))
        if inbound.purpose == "sms":
            return [read_reply(str(fields.get("text", "")), sender=f"+{fields.get('msisdn', '')}", id=key)]
        status = str(fields.get("status", ""))
        if status == "delivered":
            return [Report(key, "delivered")]
        if status not in ("failed", "rejected", "expired"):
            return []
        code = str(fields.get("err-code", ""))
        return [Report(key, "failed", f"Vonage could not deliver it ({f'{status} {code}'.strip()})", refused=code in DEAD)]


class Voice:
    """One call to one number, with a menu: 1 acknowledge, 2 details, 9 escalate, * stop calls."""

    slug, name, provider, rank = "voice", "Phone call", "Vonage", 10
    address = Field("address", "Phone number", kind="phone", required=True,
                    help="With country code, such as +4915112345678")
    can = frozenset({"verify", "reply", "status", "loud", "single"})
    settings = CALLS
    needs = CALLS
    callbacks = ("voice", "events-voice")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Ring for 30 seconds; a machine that takes the call is hung up on."""
        back = f"{config['BASE_URL']}/plugins/vonage/callback"
        call = {"to": [{"type": "phone", "number": number(address.value)}],
                "from": {"type": "phone", "number": config["VONAGE_FROM"].lstrip("+")}, "ringing_timer": 30,
                "machine_detection": "hangup", "event_method": "POST", "answer_method": "POST",
                "event_url": [f"{back}/events-voice?message={quote(message.id)}"]}
        if message.incident:
            call["answer_url"] = [f"{back}/voice?message={quote(message.id)}"]
        else:
            call["ncco"] = [{"action": "talk", "text": spoken(message), "loop": 2}]
        made = token(config["VONAGE_APPLICATION_ID"], config["VONAGE_PRIVATE_KEY"], now().timestamp())
        answer = deliver(f"{config['VONAGE_API_URL'].rstrip('/')}/v1/calls", account=True, json=call,
                         headers={"Authorization": f"Bearer {made}"})
        return Receipt("sent", "vonage", str(answer.json().get("uuid", "")))

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """Somebody took the call, pressed a key, or the call ended."""
        check_token(inbound, config["VONAGE_SIGNATURE_SECRET"])
        said = inbound.object()
        call, status, message = str(said.get("uuid", "")), str(said.get("status", "")), inbound.query.get("message", "")
        if inbound.purpose == "events-voice":
            again = 60 if status in ("busy", "timeout", "unanswered") else 0
            return [Report(call, "failed", ENDED[status], again=again)] if status in ENDED else []
        pressed = said.get("dtmf")
        key = str(pressed.get("digits") or "")[:1] if isinstance(pressed, Mapping) else ""
        action = KEYS.get(key, "details")
        heard: list[Reply | Report] = [Reply(action, message=message, id="" if action == "details" else f"{call}:{key}")]
        return heard if isinstance(pressed, Mapping) else [Report(call, "delivered"), *heard]

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """What the telephone says next, as a call control object."""
        said: list[dict[str, Any]] = []
        if answers:
            last = answers[-1]
            words = f"{spoken(last.message)} " if last.message and last.reply.action == "details" else ""
            said = [{"action": "talk", "text": f"{words}{last.text}", "bargeIn": last.reply.action == "details"}]
            if last.reply.action == "details":
                named = quote(inbound.query.get("message", ""))
                back = f"{config['BASE_URL']}/plugins/vonage/callback/voice?message={named}"
                said += [{"action": "talk", "text": CHOICES, "bargeIn": True, "loop": 2},
                         {"action": "input", "type": ["dtmf"], "dtmf": {"maxDigits": 1, "timeOut": 10},
                          "eventUrl": [back]}]
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(said).encode())


@hookimpl
def channels() -> list[Sms | Voice]:
    """The ways out."""
    return [Sms(), Voice()]


@hookimpl
def settings() -> list[Setting]:
    """Written VONAGE_… in the environment, or entered on the page of the channel."""
    return [
        Setting("API_KEY", help="API key, for texts"),
        Setting("API_SECRET", help="Its secret", secret=True),
        Setting("SIGNATURE_SECRET", help="Signature secret, SHA-256 HMAC; checks what Vonage calls here", secret=True),
        Setting("FROM", help="Sending number with country code"),
        Setting("APPLICATION_ID", help="Id of the application, for calls"),
        Setting("PRIVATE_KEY", help="Private key of the application in PEM form; line breaks may be written as \\n",
                secret=True),
        Setting("SMS_URL", "https://rest.nexmo.com", "Address of the SMS API; a proxy or test double may stand in"),
        Setting("API_URL", "https://api.nexmo.com", "Address of the voice API; a proxy or test double may stand in"),
    ]
