"""The mail addresses that take answers: each counts for one message to one address."""

from __future__ import annotations

import hashlib
import hmac
import re

from flask import current_app

from app.notifications.models import Message

ADDRESS = re.compile(r"reply\+(?P<number>\d{1,18})-(?P<proof>[0-9a-f]{24})@(?P<domain>[^@\s]+)", re.IGNORECASE)


def address(message: Message) -> str:
    """Where an answer to this mail goes; "" where no mail is taken in."""
    domain = current_app.config.get("MAIL_IN_DOMAIN", "")
    return f"reply+{message.id}-{proof(message)}@{domain}" if domain and message.channel == "email" else ""


def parts(recipient: str) -> tuple[int, str]:
    """The message that an address names and its proof; (0, "") for an address of another kind."""
    found, domain = ADDRESS.fullmatch(recipient.strip()), current_app.config.get("MAIL_IN_DOMAIN", "")
    if found is None or not domain or found["domain"].lower() != domain.lower():
        return 0, ""
    return int(found["number"]), found["proof"].lower()


def proof(message: Message) -> str:
    """What only we can make of this message and its address; short and in lower case, since mail programs shout."""
    about = f"mail reply {message.id} {message.address.lower()}"
    return hmac.new(current_app.config["SECRET_KEY"].encode(), about.encode(), hashlib.sha256).hexdigest()[:24]
