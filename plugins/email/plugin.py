"""E-mail by SMTP, both ways.

Source: RFC 3463 (status codes).
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from app.plugin_api import (
    Address,
    Field,
    MailSource,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Rejected,
    Retry,
    hookimpl,
    is_mail_address,
    mail_of,
    one_line,
)

from .incoming import EMAIL_IN

__all__ = ["channels", "integrations"]
SECONDS = 10


@cache
def _trusted() -> ssl.SSLContext:
    """Whom the system trusts, read once: it takes longer than a mail."""
    return ssl.create_default_context()


def connected(url: str) -> smtplib.SMTP:
    """A connection as SMTP_URL says: smtp or smtps, ?starttls=1, user and password in it."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=_trusted())
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=SECONDS)
    try:
        if parse_qs(parts.query).get("starttls", ["0"])[0] in ("1", "true", "yes"):
            server.starttls(context=_trusted())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def judged(code: int, said: bytes | str, *, recipient: bool) -> Exception:
    """The outcome that an SMTP answer means: 4xx passes; 5xx on the address is for good, unless it is policy (5.7)."""
    words = one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)[:200]
    if code < 500:
        return Retry(f"The mail server answered {code}", address=recipient)
    if recipient and not words.startswith("5.7."):
        return Refused(f"The mail server does not know this address ({code})")
    return Rejected(f"The mail server refused the message ({code} {words})")


class Email:
    """Mail to one person."""

    slug = "email"
    name = "E-mail"
    address = Field("address", "E-mail address", required=True)
    can = frozenset({"verify"})
    settings = ("SMTP_URL", "MAIL_FROM")
    needs = ("SMTP_URL",)
    provider = "SMTP"

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand one mail to the mail server."""
        if not config.get("SMTP_URL"):
            raise Rejected("SMTP_URL is not set")
        if not is_mail_address(address.value):
            raise Refused("This is not an e-mail address")
        mail = mail_of(message, address.value, config.get("MAIL_FROM") or "oncall@localhost")
        self._hand_over(mail, address.value, config["SMTP_URL"])
        return Receipt("sent", "smtp", mail["Message-ID"])

    def _hand_over(self, mail: EmailMessage, recipient: str, url: str) -> None:
        try:
            with connected(url) as server:
                server.send_message(mail, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as fault:
            code, said = next(iter(fault.recipients.values()))
            raise judged(code, said, recipient=True) from None
        except smtplib.SMTPNotSupportedError:
            raise Rejected("The mail server can't take this address or these settings") from None
        except smtplib.SMTPAuthenticationError:
            raise NoAccess("The mail server does not accept our user and password") from None
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError):
            raise Retry("The mail server did not let us in") from None
        except smtplib.SMTPResponseException as fault:
            raise judged(fault.smtp_code, fault.smtp_error, recipient=False) from None
        except (OSError, smtplib.SMTPException) as fault:
            raise Retry(f"The mail server could not be reached ({type(fault).__name__})") from None


@hookimpl
def channels() -> list[Email]:
    """The way out."""
    return [Email()]


@hookimpl
def integrations() -> list[MailSource]:
    """The way in."""
    return [EMAIL_IN]
