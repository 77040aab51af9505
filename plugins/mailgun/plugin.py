"""Mail that Mailgun received, forwarded by one of its routes.

Source: https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
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
    moment,
    parse_json,
    plain_html,
    sequence,
    tag_of,
    text,
)

# Mailgun tries one request again for eight hours.
OLD_SECONDS, AHEAD_SECONDS = 9 * 3600, 60
FIELDS = (Field("signing_key", "Webhook signing key", secret=True, help="Of the account; it signs what Mailgun sends"),
          *MAIL_FIELDS)


def opened(inbound: Inbound) -> Posted:
    """The mail in the fields of a form, whole or in parts."""
    said = inbound.form()
    tag = tag_of(text(said.get("recipient")))
    if text(said.get("body-mime")):
        return Posted(letter(text(said["body-mime"]).encode()), tag)
    try:
        listed = sequence(parse_json(text(said.get("message-headers")).encode()))
    except Rejected:
        listed = []
    headers = {text(pair[0]).lower(): text(pair[1]) for pair in reversed(listed) if isinstance(pair, list) and len(pair) > 1}
    known = {"from": first(said.get("from"), said.get("sender")), "subject": text(said.get("subject")),
             "message-id": text(said.get("Message-Id"))}
    words = first(said.get("body-plain"), plain_html(text(said.get("body-html"))))
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    said_there = {name: value for name, value in known.items() if value}
    return Posted(letter_of({**headers, **said_there}, text=words, kind=kind), tag)


def proof(inbound: Inbound, config: Mapping[str, Any]) -> None:
    """Mailgun signs time and token, not the mail."""
    key = text(config.get("signing_key"))
    if not key:
        return
    said = inbound.form()
    stamp, token, signature = (text(said.get(name)) for name in ("timestamp", "token", "signature"))
    if not signature:
        raise Rejected("The signature is missing: there is no field signature", unauthenticated=True)
    right = hmac.new(key.encode(), f"{stamp}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), signature.lower().encode("utf-8", "replace")):
        raise Rejected("The signature is wrong", unauthenticated=True)
    sent = moment(stamp)
    if sent is None or not -AHEAD_SECONDS <= (inbound.received_at - sent).total_seconds() <= OLD_SECONDS:
        raise Rejected("The signature is stale", unauthenticated=True)


@hookimpl
def integrations() -> list[MailSource]:
    """The way in."""
    return [MailSource("mailgun", "Mailgun", opened, FIELDS, proof, can=frozenset({"open", "resolve", "proven"}),
                   category="Mail")]
