"""A message as a mail: text and HTML, one conversation for each incident, nothing that tracks.

Sources: RFC 5322 (threads), RFC 3834 (Auto-Submitted), RFC 8058 (List-Unsubscribe-Post).
"""

from __future__ import annotations

import hashlib
import re
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path

import jinja2

from app.core.clock import now
from app.core.exchange import Message
from app.core.reading import web_link

SUBJECT_CHARACTERS = 250
ANSWER = "Or answer this mail: ack, resolve and what it was, or a note."
ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,255}")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "messages"
pages = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)


def is_mail_address(text: str) -> bool:
    """Whether mail can be sent there: one address, and nothing that a header or command could mean otherwise."""
    return ADDRESS.fullmatch(text) is not None


def mail_of(message: Message, recipient: str, sender: str) -> EmailMessage:
    """The mail of a message. Its Message-ID is equal over retries, its thread over all mail of one incident."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage()
    mail["Subject"] = one_line(message.subject)
    mail["From"], mail["To"] = sender, recipient
    if message.reply_to:
        mail["Reply-To"] = message.reply_to
    mail["Date"] = formatdate(now().timestamp())
    mail["Message-ID"] = f"<{mark(message.id)}@{domain}>"
    if message.thread:
        mail["References"] = mail["In-Reply-To"] = f"<thread-{mark(message.thread)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.urgency == "high":
        mail["X-Priority"] = "1"
    links = [link for link in message.links if web_link(link.url)]
    page = pages.get_template("mail.html").render(message=message, links=links, answer=ANSWER)
    said = [message.text, *(f"{link.label}: {link.url}" for link in links), *([ANSWER] if message.reply_to else [])]
    mail.set_content(_storable("\n\n".join(said)))
    mail.add_alternative(_storable(page), subtype="html")
    return mail


def _storable(words: str) -> str:
    """Words without what UTF-8 can't hold."""
    return words.encode("utf-8", "replace").decode()


def one_line(words: str) -> str:
    """Words as a header may hold them: no line breaks, no control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:SUBJECT_CHARACTERS]


def mark(words: str) -> str:
    """A short text for an identifier; what has other signs than letters and digits is hashed."""
    plain = words.isascii() and words.replace("-", "").replace("_", "").isalnum() and len(words) <= 64
    return words if plain else hashlib.sha256(_storable(words).encode()).hexdigest()[:32]
