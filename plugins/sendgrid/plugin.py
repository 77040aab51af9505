"""Mail that SendGrid received, posted by Inbound Parse, whole or in parts.

Source: https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from email import message_from_string
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

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
    moment,
    parse_json,
    plain_html,
    tag_of,
    text,
)

SIGNATURE, STAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
OLD_SECONDS, AHEAD_SECONDS = 300, 60
FIELDS = (Field("public_key", "Public key", help="Of the security policy, where requests are signed"), *MAIL_FIELDS)


def opened(inbound: Inbound) -> Posted:
    """The mail in the fields of a form."""
    said = inbound.form()
    tag = tag_of(recipient(said))
    if text(said.get("email")):
        return Posted(letter(text(said["email"]).encode()), tag)
    head = message_from_string(text(said.get("headers")))
    headers = {name.lower(): str(value) for name, value in reversed(head.items())}
    known = {"from": text(said.get("from")), "subject": text(said.get("subject")), "to": text(said.get("to"))}
    words = first(said.get("text"), plain_html(text(said.get("html"))))
    return Posted(letter_of({**headers, **{name: value for name, value in known.items() if value}}, text=words,
                            kind=head.get_content_type()), tag)


def recipient(said: dict[str, Any]) -> str:
    """The address that the mail came to."""
    try:
        envelope = mapping(parse_json(text(said.get("envelope")).encode()))
    except Rejected:
        envelope = {}
    to = envelope.get("to")
    return text(to[0]) if isinstance(to, list) and to else first(to, said.get("to"))


def proof(inbound: Inbound, config: Mapping[str, Any]) -> None:
    """An ECDSA signature over time and body."""
    key = text(config.get("public_key"))
    if not key:
        return
    said, stamp = inbound.headers.get(SIGNATURE, ""), inbound.headers.get(STAMP, "")
    if not said:
        raise Rejected(f"The signature is missing: there is no header {SIGNATURE}", unauthenticated=True)
    try:
        public = load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError
        public.verify(base64.b64decode(said), stamp.encode("utf-8", "replace") + inbound.body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise Rejected("The signature is wrong", unauthenticated=True) from None
    sent = moment(stamp)
    if sent is None or not -AHEAD_SECONDS <= (inbound.received_at - sent).total_seconds() <= OLD_SECONDS:
        raise Rejected("The signature is stale", unauthenticated=True)


@hookimpl
def integrations() -> list[MailSource]:
    """The way in."""
    return [MailSource("sendgrid", "SendGrid", opened, FIELDS, proof, can=frozenset({"open", "resolve", "proven"}),
                   category="Mail")]
