"""Text messages and calls by Twilio: sending, answers, and reports of what became of them.

Sources: www.twilio.com/docs/messaging/api/message-resource, …/voice/api/call-resource, …/usage/security (signatures).
"""

from __future__ import annotations

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
    Receipt,
    Reply,
    Report,
    Setting,
    deliver,
    hookimpl,
    read_reply,
    text_message,
)

from .calls import first_words, heard, menu
from .wire import authorized, check, judge, number, twiml

SETTINGS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "TWILIO_API_URL")
FAILED = {"undelivered", "failed"}
# Codes of numbers that never will take a message: not a number, not mobile, unreachable, unknown, on a landline.
DEAD = {"30003": False, "30005": True, "30006": True, "21610": True, "21211": True, "21614": True}


class Sms:
    """One text message to one number."""

    slug, name, provider = "sms", "SMS", "Twilio"
    address = Field("address", "Mobile number", kind="phone", required=True,
                    help="With country code, such as +4915112345678")
    can = frozenset({"verify", "reply", "status", "code", "loud"})
    settings = SETTINGS
    needs = SETTINGS
    callbacks = ("sms", "status")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand over one text; Twilio reports to our callback, which names the message."""
        form = {"To": number(address.value), "Body": text_message(message),
                "StatusCallback": f"{config['BASE_URL']}/plugins/twilio/callback/status?message={quote(message.id)}"}
        sender = config["TWILIO_FROM"]
        form["MessagingServiceSid" if sender.startswith("MG") else "From"] = sender
        url = f"{config['TWILIO_API_URL'].rstrip('/')}/2010-04-01/Accounts/{config['TWILIO_ACCOUNT_SID']}/Messages.json"
        answer = deliver(url, account=True, judge=judge, headers=authorized(config), data=form)
        return Receipt("sent", "twilio", str(answer.json()["sid"]))

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A text that came in, or what became of a message or call."""
        form = check(inbound, config)
        if inbound.purpose == "sms":
            return [read_reply(form.get("Body", ""), sender=form.get("From", ""), id=form.get("MessageSid", ""))]
        if "CallSid" in form:
            return heard(form)
        return _report(form)

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """The sentence goes back as a text. Twilio itself answers STOP, START and HELP."""
        said = [one.text for one in answers if not one.silent and one.text and one.reply.action not in ("stop", "start")]
        return twiml(*(("Message", text[:480]) for text in said))


def _report(form: Mapping[str, str]) -> list[Reply | Report]:
    status, code = form.get("MessageStatus", ""), form.get("ErrorCode", "")
    key = form.get("MessageSid", "")
    if status == "delivered":
        return [Report(key, "delivered")]
    if status in FAILED:
        return [Report(key, "failed", f"Twilio could not deliver it ({code or status})", refused=DEAD.get(code, False))]
    return []


class Voice:
    """One call to one number, with a menu: 1 acknowledge, 2 details, 9 escalate, * stop calls."""

    slug, name, provider = "voice", "Phone call", "Twilio"
    address = Field("address", "Phone number", kind="phone", required=True,
                    help="With country code, such as +4915112345678")
    can = frozenset({"verify", "reply", "status", "loud", "single"})
    settings = SETTINGS
    needs = SETTINGS
    callbacks = ("voice",)

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Ring for 30 seconds; who answers is looked at first, so that a voicemail counts as nobody."""
        back = f"{config['BASE_URL']}/plugins/twilio/callback"
        form = {"To": number(address.value), "From": config["TWILIO_FROM"], "Timeout": "30",
                "StatusCallback": f"{back}/status?message={quote(message.id)}", "StatusCallbackEvent": "completed"}
        if message.incident:
            form |= {"Url": f"{back}/voice?message={quote(message.id)}", "MachineDetection": "Enable"}
        else:
            form["Twiml"] = first_words(message)
        url = f"{config['TWILIO_API_URL'].rstrip('/')}/2010-04-01/Accounts/{config['TWILIO_ACCOUNT_SID']}/Calls.json"
        answer = deliver(url, account=True, judge=judge, headers=authorized(config), data=form)
        return Receipt("sent", "twilio", str(answer.json()["sid"]))

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """Somebody, or a machine, took the call, or pressed a key."""
        form = check(inbound, config)
        return heard(form, inbound.query.get("message", ""))

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """What the telephone says next."""
        back = f"{config['BASE_URL']}/plugins/twilio/callback/voice?message={quote(inbound.query.get('message', ''))}"
        return menu(answers, back)


@hookimpl
def channels() -> list[Sms | Voice]:
    """The ways out."""
    return [Sms(), Voice()]


@hookimpl
def settings() -> list[Setting]:
    """Written TWILIO_… in the environment, or entered on the page of the channel."""
    return [
        Setting("ACCOUNT_SID", help="Account SID of the console, begins with AC"),
        Setting("AUTH_TOKEN", help="Auth token; signs what Twilio calls here", secret=True),
        Setting("FROM", help="Sending number with country code, or a messaging service (MG…) for texts"),
        Setting("API_URL", "https://api.twilio.com", "Address of the API; a proxy or test double may stand in"),
    ]
