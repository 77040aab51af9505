"""Mail that Postmark received, posted by its inbound webhook.

Source: https://postmarkapp.com/developer/webhooks/inbound-webhook
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import (
    MAIL_FIELDS,
    Field,
    Inbound,
    MailSource,
    Posted,
    Rejected,
    first,
    hookimpl,
    letter,
    letter_of,
    mapping,
    plain_html,
    sequence,
    tag_of,
    text,
)

FIELDS = (Field("password", "Password", secret=True, help="As written into the webhook's address"), *MAIL_FIELDS)


def opened(inbound: Inbound) -> Posted:
    """The mail in an object, whole where that is switched on."""
    body = inbound.object()
    tag = first(body.get("MailboxHash"), tag_of(text(body.get("OriginalRecipient"))))
    if text(body.get("RawEmail")):
        return Posted(letter(text(body["RawEmail"]).encode()), tag)
    headers = {text(one.get("Name")).lower(): text(one.get("Value")) for one in
               map(mapping, reversed(sequence(body.get("Headers"))))}
    known = {"from": first(mapping(body.get("FromFull")).get("Email"), body.get("From")),
             "subject": text(body.get("Subject")), "to": text(body.get("To")), "date": text(body.get("Date"))}
    headers = {**headers, **{name: value for name, value in known.items() if value}}
    headers.setdefault("message-id", f"<{text(body.get('MessageID'))}@postmark>")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    words = first(body.get("TextBody"), plain_html(text(body.get("HtmlBody"))))
    return Posted(letter_of(headers, text=words, kind=kind), tag)


def proof(inbound: Inbound, config: Mapping[str, Any]) -> None:
    """The password of the webhook's address."""
    password, said = text(config.get("password")), inbound.headers.get("authorization", "")
    if not password:
        return
    if not said:
        raise Rejected("The password is missing: there is no header Authorization", unauthenticated=True)
    try:
        given = base64.b64decode(said.partition(" ")[2], validate=True).partition(b":")[2]
    except ValueError:
        given = b""
    if not hmac.compare_digest(given, password.encode()):
        raise Rejected("The password in Authorization is wrong", unauthenticated=True)


def signs(_body: bytes, config: Mapping[str, Any], _at: datetime) -> dict[str, str]:
    """The header that `proof` accepts."""
    password = text(config.get("password"))
    return {"Authorization": "Basic " + base64.b64encode(f"oncall:{password}".encode()).decode()} if password else {}


@hookimpl
def integrations() -> list[MailSource]:
    """The way in."""
    return [MailSource("postmark", "Postmark", opened, FIELDS, proof, signs, category="Mail")]
