"""Text messages and spoken ones: what fits into one SMS, what a short answer means, what a telephone says."""

from __future__ import annotations

import re
import unicodedata

from app.core.exchange import Message, Reply

ONE_PART = 160
SPOKEN = 400
# The GSM 7-bit alphabet and its extension, whose signs count twice (3GPP TS 23.038, 6.2.1).
GSM = frozenset("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
                "abcdefghijklmnopqrstuvwxyzäöñüà")
TWICE = frozenset("^{}\\[~]|€\f")
PLAIN = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\t": " "}
MARKS = {"critical": "CRIT", "high": "HIGH", "medium": "MED", "low": "LOW", "info": "INFO"}
WORDS = {"a": "acknowledge", "ack": "acknowledge", "acknowledge": "acknowledge", "r": "resolve", "resolve": "resolve",
         "res": "resolve", "e": "escalate", "esc": "escalate", "escalate": "escalate", "stop": "stop",
         "unsubscribe": "stop", "start": "start", "unstop": "start", "help": "help", "list": "list"}
ANSWER = re.compile(r"(?P<word>[a-z]+)\s*#?\s*(?P<code>\d{1,9})?(?P<rest>\s+.*)?", re.IGNORECASE | re.DOTALL)


def gsm(text: str) -> str:
    """`text` in signs that one SMS can carry 160 of; others are transliterated, or written as a question mark."""
    return "".join(_sign(sign) for sign in text)


def _sign(sign: str) -> str:
    if sign in GSM or sign in TWICE:
        return sign
    if sign in PLAIN:
        return PLAIN[sign]
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return plain if plain and plain.isprintable() else ("?" if sign.isprintable() else " ")


def _length(text: str) -> int:
    return sum(2 if sign in TWICE else 1 for sign in text)


def _cut(text: str, room: int) -> str:
    """As much of the text as has room, with dots where something is missing."""
    if _length(text) <= room:
        return text
    while text and _length(text) > room - 3:
        text = text[:-1]
    return f"{text.rstrip()}..." if room >= 3 else ""


def text_message(message: Message) -> str:
    """The message as one SMS: what it is about, its number, and the codes that answer it."""
    if not message.incident or message.kind not in ("page", "request"):
        link = next((f" {link.url}" for link in message.links if link.action == "acknowledge"), "")
        words = " ".join(gsm(message.subject if message.kind != "reply" else message.text).split())
        return f"{_cut(words, ONE_PART - _length(link))}{link}"
    mark = f"[{MARKS.get(message.severity, 'INFO')}] "
    where = _cut(" ".join(gsm(message.service).split()), 30)
    answer = f" Reply A{message.code} ack R{message.code} resolve" if message.code else ""
    tail = f" #{message.incident}{answer}"
    head = f"{mark}{where}: " if where else mark
    title = " ".join(gsm(message.title or "no title").split())
    return f"{head}{_cut(title, ONE_PART - _length(head) - _length(tail))}{tail}"


def read_reply(text: str, *, sender: str, id: str = "") -> Reply:
    """What a short text means: `A17`, `ack 17`, `"r 17."`, `resolve`, STOP, START, HELP, or `17 some words` as a note."""
    said = " ".join(text.strip().strip("\"'“”„‘’.!? ").split())
    if said[:1].isdigit() and (note := re.fullmatch(r"(\d{1,9})\s+(.+)", said, re.DOTALL)):
        return Reply("note", sender, code=note[1], text=note[2], id=id)
    found = ANSWER.fullmatch(said)
    action = WORDS.get(found["word"].lower(), "") if found else ""
    if not found or not action:
        return Reply("help", sender, text=text[:500], id=id)
    return Reply(action, sender, code=found["code"] or "", text=(found["rest"] or "").strip(), id=id)


def spoken(message: Message) -> str:
    """What a telephone says of it, at most 400 characters; symbols that nobody can pronounce are left out."""
    words = message.text if not message.incident else (
        f"{message.severity or 'An'} incident {message.incident}"
        f"{f' in {message.service}' if message.service else ''}: {message.title or 'no title'}. {message.standing}")
    return " ".join(re.sub(r"[<>{}\[\]|\\^~*_`#]", " ", words).split())[:SPOKEN]
