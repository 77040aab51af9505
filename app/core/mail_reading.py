"""Mail that comes in, read leniently: what it says, which problem it is about, and whether it is one at all.

Sources: RFC 5322 (threads), RFC 3834 (Auto-Submitted), RFC 3464 (delivery reports).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Part
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

from app.core import matching
from app.core.fields import Field
from app.core.inbound import Signal, ignored
from app.core.reading import Rejected, severity_of, stable_key

MOST_BYTES = 10 * 1024 * 1024
LONGEST, SUBJECT = 65_536, 1_000
RESOLVE_ON = ["RESOLVED", "RECOVERED", "RECOVERY", "[OK]", "CLEARED"]
FIELDS = (
    Field("key_by", "One problem is", kind="choice", default="tag",
          choices=(("tag", "the +tag of the address, else the subject"), ("thread", "the conversation"),
                   ("subject", "the subject")),
          help="Mail about the same problem counts on one alert"),
    Field("resolve_on", "Words of a recovery", kind="lines", default=RESOLVE_ON,
          help="One on each line; a subject with one of them resolves. re:… is a pattern"),
    Field("senders", "Allowed senders", kind="lines", help="An address or @domain on each line; empty: everybody"),
)
# What a subject says about the state of a problem and not about which one it is.
STATES = frozenset(re.findall(r"\S+", """
    problem recovery recovered resolved ok firing alert alarm down up critical crit warning warn error fatal unknown high
    medium low p1 p2 p3 p4 p5 acknowledged acknowledgement new open opened closed cleared clear restored triggered
    re fwd fw aw wg"""))
MEASURES = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d(:\d\d)?|\d+([.,]\d+)?\s?(%|(ms|s|kb|mb|gb|tb)\b)", re.IGNORECASE)
LOUD = re.compile(r"\b(P[1-5]|SEV-?[0-5]|CRITICAL|CRIT|EMERGENCY|FATAL|DISASTER|HIGH|ERROR|MAJOR|WARNING|WARN|MINOR|LOW|"
                  r"INFO)\b")
REPLIES = ("x-autoreply", "x-autorespond", "x-autoresponse")


@dataclass(frozen=True)
class Letter:
    """One mail. `thread` is the oldest mail of its conversation; `automatic` says why it is no alert, else it is ""."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    thread: str
    service: str = ""
    automatic: str = ""
    at: datetime | None = None
    answers: tuple[str, ...] = ()


def letter(raw: bytes) -> Letter:
    """The mail in its own format. Raises Rejected when it is none."""
    try:
        mail = message_from_bytes(raw)
        said = {name.lower(): _decoded(value) for name, value in reversed(mail.items())}
        text = _body(mail)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as fault:
        raise Rejected(f"The mail can't be read: {type(fault).__name__}") from None
    return from_headers(said, text=text, kind=mail.get_content_type())


def from_headers(said: Mapping[str, str], *, text: str, kind: str = "") -> Letter:
    """The mail of decoded headers (names in lower case) and its text. Raises Rejected when nobody sent it."""
    sender = parseaddr(said.get("from", ""))[1].lower()
    if not sender:
        raise Rejected("The mail names no sender (From)")
    answers = tuple(_ids(said.get("references", "")) + _ids(said.get("in-reply-to", "")))
    own = next(iter(_ids(said.get("message-id", ""))), "")
    named = getaddresses([said[name] for name in ("to", "cc", "delivered-to") if said.get(name)])
    return Letter(
        sender, tuple(address.lower() for _, address in named if address),
        " ".join(said.get("subject", "").split())[:SUBJECT],
        text.replace("\0", "")[:LONGEST].strip(), own, answers[0] if answers else own, said.get("x-oncall-service", ""),
        _automatic(said, kind), _sent(said.get("date", "")), answers)


def _automatic(said: Mapping[str, str], kind: str) -> str:
    """Why nobody wrote it to tell of a problem: monitors do send what is generated, answers by machines tell of none."""
    submitted = said.get("auto-submitted", "").strip().lower()
    if submitted.startswith(("auto-replied", "auto-notified")) or any(said.get(name) for name in REPLIES):
        return "an automatic reply"
    if kind in ("multipart/report", "message/delivery-status") or said.get("return-path", "").strip() == "<>":
        return "a bounce"
    return ""


def _sent(said: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(said)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _ids(said: str) -> list[str]:
    return [found[:300] for found in re.findall(r"<[^<>\s]+>", said)]


def _decoded(value: object) -> str:
    """A header with its encoded words written out; what is broken stays as it is."""
    plain = str(value)
    try:
        return str(make_header(decode_header(plain)))
    except (ValueError, LookupError, TypeError):
        return plain.encode("utf-8", "replace").decode()


def _body(mail: Part) -> str:
    """The text part, else the HTML part as text; attachments are none."""
    html = ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.get_filename():
            continue
        raw = part.get_payload(decode=True)
        words = _worded(raw if isinstance(raw, bytes) else b"", part.get_content_charset() or "utf-8")
        if kind == "text/plain" and words.strip():
            return words
        html = html or words
    return plain_of(html)


def _worded(raw: bytes, charset: str) -> str:
    try:
        return raw[:LONGEST * 4].decode(charset, "replace")
    except LookupError:
        return raw[:LONGEST * 4].decode("utf-8", "replace")


class _Plain(HTMLParser):
    """Collects what a page says, without what it runs or how it looks."""

    silent = ("script", "style", "head", "title")
    breaks = ("p", "br", "div", "tr", "li", "h1", "h2", "h3", "table")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Blocks begin a new line."""
        self.hidden += tag in self.silent
        if tag in self.breaks:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """What was hidden ends."""
        self.hidden = max(0, self.hidden - (tag in self.silent))

    def handle_data(self, data: str) -> None:
        """What stands there."""
        if not self.hidden:
            self.words.append(" ".join(data.split()) and re.sub(r"\s+", " ", data))


def plain_of(html: str) -> str:
    """HTML as text."""
    reader = _Plain()
    reader.feed(html[:LONGEST * 2])
    kept = (" ".join(line.split()) for line in "".join(reader.words).splitlines())
    return "\n".join(line for line in kept if line)


def signals_of(mail: Letter, config: Mapping[str, Any], *, tag: str = "") -> list[Signal]:
    """The one signal of a mail. Raises Rejected for a sender who is not allowed; what is no alert changes nothing."""
    allowed = [one.lower().strip() for one in config.get("senders") or ()]
    if allowed and not any(mail.sender == one or mail.sender.endswith(f"@{one.lstrip('@')}") for one in allowed):
        raise Rejected(f"The sender {mail.sender[:100]} is not among those who are allowed")
    automatic = mail.automatic or ("an echo of our own mail" if _ours(mail, str(config.get("MAIL_FROM") or "")) else "")
    if automatic:
        return ignored(f"This is {automatic}, which opens nothing")
    words = [str(one) for one in config.get("resolve_on") or RESOLVE_ON]
    loud = LOUD.search(mail.subject)
    return [Signal(
        dedup_key=_key(mail, str(config.get("key_by") or "tag"), tag, words),
        status="resolved" if any(_fits(word, mail.subject) for word in words) else "firing", title=mail.subject,
        severity=severity_of(loud[0].replace("-", "")) if loud else "", body=mail.text, service_key=mail.service,
        labels={"sender": mail.sender, **({"tag": tag} if tag else {})}, happened_at=mail.at)]


def _ours(mail: Letter, sender: str) -> bool:
    """Whether we sent it, or it answers what we sent."""
    address = parseaddr(sender)[1].lower()
    domain = address.rpartition("@")[2]
    return bool(address) and (mail.sender == address or any(
        one.startswith("<thread-") and one.endswith(f"@{domain}>") for one in mail.answers))


def _fits(word: str, subject: str) -> bool:
    """Whether a word stands in the subject, or a pattern fits; a pattern that is none never does."""
    if word.startswith("re:"):
        try:
            return matching.compiled(word).fits([subject])
        except ValueError:
            return False
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", subject, re.IGNORECASE) is not None


def _key(mail: Letter, by: str, tag: str, resolve_on: Sequence[str]) -> str:
    if by == "thread" and mail.thread:
        return mail.thread
    if by == "tag" and tag:
        return f"+{tag.lower()}"
    over = {word.lower() for said in resolve_on for word in re.findall(r"\w+", said)}
    told = re.findall(r"[^\W_]+", MEASURES.sub(" ", mail.subject.lower()))
    return stable_key("mail", [word for word in told if word not in STATES | over] or told or mail.thread)
