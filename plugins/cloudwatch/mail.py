"""Mail that Amazon SES received, published to an SNS topic by a receipt rule.

Source: https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    MAIL_FIELDS,
    Inbound,
    Letter,
    MailSource,
    Posted,
    Rejected,
    Signal,
    first,
    ignored,
    letter,
    mapping,
    parse_json,
    sequence,
    tag_of,
    text,
)

from .topic import CERTIFICATE, TOPIC, Topic, message


def told(body: dict[str, Any]) -> dict[str, Any]:
    """What SES says; nothing when the message is another's."""
    try:
        return mapping(parse_json(text(body.get("Message")).encode()))
    except Rejected:
        return {}


def letter_in(said: dict[str, Any]) -> Letter | None:
    """The mail, as it is or in base64, as the rule was set."""
    content = said.get("content")
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else b""
    if not raw.strip():
        return None
    action = mapping(mapping(said.get("receipt")).get("action"))
    if first(action.get("encoding")).upper() == "BASE64" or b":" not in raw[:200]:
        try:
            raw = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            raise Rejected("The content of the mail is not base64") from None
    return letter(raw)


class SesMail(Topic):
    """A topic to which SES publishes mail."""

    slug = "ses"
    name = "Amazon SES mail"
    category = "Mail"
    can = frozenset({"resolve"})
    settings = ("CLOUDWATCH_SNS_URL", "MAIL_FROM")
    fields = (TOPIC, CERTIFICATE, *MAIL_FIELDS)

    def delivery_key(self, inbound: Inbound) -> str:
        """The mail's Message-ID, where there is a mail."""
        body = message(inbound)
        found = letter_in(told(body))
        return found.message_id if found else text(body.get("MessageId"))

    def same(self, inbound: Inbound) -> bytes:
        """What two messages about one mail have in common."""
        return self.delivery_key(inbound).encode()

    def read(self, body: dict[str, Any], inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The mail's signal."""
        said = told(body)
        found = letter_in(said)
        if found is None:
            return ignored("SNS brought no mail: the rule of SES must publish it with its content")
        to = sequence(mapping(said.get("receipt")).get("recipients"))
        posted = Posted(found, tag_of(text(to[0])) if to else "")
        return MailSource("ses", self.name, lambda _inbound: posted).normalize(inbound, config)
