"""E-mail by SMTP: text and HTML, one conversation for each incident, nothing that tracks.

Sources: RFC 5322 (threads), RFC 3834 (Auto-Submitted), RFC 3463 (status codes).
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jinja2

from app.plugin_api import Address, Field, Message, Receipt, Refused, Rejected, Retry, hookimpl, now, web_link

SECONDS = 10
SUBJECT_CHARACTERS = 250
ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
pages = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def composed(message: Message, recipient: str, sender: str) -> EmailMessage:
    """The mail of a message. Its Message-ID is equal over retries, its thread over all mail of one incident."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage()
    mail["Subject"] = one_line(message.subject)
    mail["From"], mail["To"] = sender, recipient
    mail["Date"] = formatdate(now().timestamp())
    mail["Message-ID"] = f"<{mark(message.id)}@{domain}>"
    if message.thread:
        mail["References"] = mail["In-Reply-To"] = f"<thread-{mark(message.thread)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.urgency == "high":
        mail["X-Priority"] = "1"
    links = [link for link in message.links if web_link(link.url)]
    page = pages.get_template("message.html").render(message=message, links=links)
    mail.set_content(storable("\n\n".join([message.text, *(f"{link.label}: {link.url}" for link in links)])))
    mail.add_alternative(storable(page), subtype="html")
    return mail


def storable(words: str) -> str:
    """Words without what UTF-8 can't hold."""
    return words.encode("utf-8", "replace").decode()


def one_line(words: str) -> str:
    """Words as a header may hold them: no line breaks, no control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:SUBJECT_CHARACTERS]


def mark(words: str) -> str:
    """A short text for an identifier; what has other signs than letters and digits is hashed."""
    plain = words.isascii() and words.replace("-", "").replace("_", "").isalnum() and len(words) <= 64
    return words if plain else hashlib.sha256(storable(words).encode()).hexdigest()[:32]


def connected(url: str) -> smtplib.SMTP:
    """A connection as SMTP_URL says: smtp or smtps, ?starttls=1, user and password in it."""
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=SECONDS)
    try:
        if parse_qs(parts.query).get("starttls", ["0"])[0] in ("1", "true", "yes"):
            server.starttls(context=context)
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
        return Retry(f"The mail server answered {code}")
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

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand one mail to the mail server."""
        if not config.get("SMTP_URL"):
            raise Rejected("SMTP_URL is not set")
        if not ADDRESS.fullmatch(address.value):
            raise Refused("This is not an e-mail address")
        mail = composed(message, address.value, config.get("MAIL_FROM") or "oncall@localhost")
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
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError):
            raise Retry("The mail server did not let us in") from None
        except smtplib.SMTPResponseException as fault:
            raise judged(fault.smtp_code, fault.smtp_error, recipient=False) from None
        except (OSError, smtplib.SMTPException) as fault:
            raise Retry(f"The mail server could not be reached ({type(fault).__name__})") from None


@hookimpl
def channels() -> list[Email]:
    """The way out."""
    return [Email()]
