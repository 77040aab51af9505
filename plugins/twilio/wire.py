"""How Twilio is spoken to and how it signs."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from app.plugin_api import Answer, Inbound, NoAccess, Refused, Rejected, Retry

E164 = re.compile(r"\+[1-9]\d{6,14}")
NEVER = {21211, 21214, 21217, 21610, 21612, 21614}


def number(text: str) -> str:
    """The number as E.164 writes it. Raises Refused when it is none."""
    plain = re.sub(r"[\s()./-]", "", text)
    if not E164.fullmatch(plain):
        raise Refused("This is not a phone number with country code, such as +4915112345678")
    return plain


def authorized(config: Mapping[str, Any]) -> dict[str, str]:
    """The header that names our account."""
    pair = f"{config['TWILIO_ACCOUNT_SID']}:{config['TWILIO_AUTH_TOKEN']}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def judge(answer: Answer) -> Exception | None:
    """What an error of Twilio's means: the number, our account, or this message."""
    if 200 <= answer.status < 300:
        return None if "sid" in _said(answer) else Retry("Twilio's answer holds no sid")
    said = _said(answer)
    code = said.get("code")
    if code in NEVER:
        return Refused(f"Twilio can't reach this number ({code})")
    if code in (20003, 20005) or answer.status == 401:
        return NoAccess("Twilio does not accept our account SID and auth token")
    return Rejected(f"Twilio refused it ({code or answer.status})") if answer.status in (400, 403, 404) else None


def _said(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def check(inbound: Inbound, config: Mapping[str, Any]) -> dict[str, str]:
    """The form of a request that Twilio signed: HMAC-SHA1 over the address and the sorted fields. Raises Rejected."""
    form = {name: str(value) for name, value in inbound.form().items()} if inbound.body else {}
    signed = inbound.url + "".join(f"{name}{form[name]}" for name in sorted(form))
    right = b64encode(hmac.new(config["TWILIO_AUTH_TOKEN"].encode(), signed.encode(), hashlib.sha1).digest())
    if not hmac.compare_digest(right, inbound.headers.get("x-twilio-signature", "").encode()):
        raise Rejected("Twilio's signature is wrong", unauthenticated=True)
    return form


def twiml(*verbs: tuple[str, str] | str) -> Answer:
    """An answer in TwiML: pairs of verb and text, or verbs as written."""
    body = "".join(verb if isinstance(verb, str) else f"<{verb[0]}>{plain(verb[1])}</{verb[0]}>" for verb in verbs)
    return Answer(200, {"Content-Type": "application/xml"},
                  f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>'.encode())


def plain(text: str) -> str:
    """Text as XML may hold it."""
    return escape("".join(sign if sign.isprintable() else " " for sign in text))


def attribute(text: str) -> str:
    """A value of an XML attribute, with its quotes."""
    return quoteattr(text)
