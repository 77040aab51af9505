"""Answers by mail: whose answer one is, and what its first line says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailparser_reply import EmailReplyParser

from app.core import clock, secrets
from app.core.db import session, transaction
from app.core.mail_reading import Letter
from app.notifications import mail_addresses, replies
from app.notifications.models import Message
from app.plugin_api import Answered, Reply

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "cs"]
WORDS = {"ack": "acknowledge", "acknowledge": "acknowledge", "acknowledged": "acknowledge", "resolve": "resolve",
         "resolved": "resolve", "escalate": "escalate"}
SIGNATURE = re.compile(r"^--\s*$", re.MULTILINE)
NOTE = 10_000


def hear_mail(recipient: str, *, sender: str, text: str, message_id: str = "", ip: str = "") -> Answered | None:
    """Act on an answer as whoever the page was sent to, and say what came of it by mail; the same mail again acts once.

    None, and nothing happens, unless the address is one that we made, for this sender, in the last seven days.
    """
    named, proof = mail_addresses.parts(recipient)
    message = session.get(Message, named) if named else None
    known = (message is not None and secrets.same(proof, mail_addresses.proof(message))
             and message.address.lower() == sender.strip().lower() and message.queued_at > clock.now() - replies.PAGED)
    number = message.id if message is not None and known else 0
    session.remove()
    if not number:
        return None
    action, words = said(text)
    reply = Reply(action, sender.strip(), message=str(number), text=words, id=message_id)
    answered = replies.hear("email", reply, plugin="email", ip=ip)
    with transaction():
        replies.say_back("email", answered)
    return answered


def take(letter: Letter, recipients: Sequence[str] = (), *, ip: str = "") -> bool:
    """Whether a mail went to an address that takes answers (of these, or of those it names); if so it was heard, and what
    a machine answered by itself changed nothing."""
    ours = [one for one in recipients or letter.recipients if mail_addresses.parts(one)[0]]
    for recipient in ours[:1] if not letter.automatic else ():
        hear_mail(recipient, sender=letter.sender, text=letter.text, message_id=letter.message_id, ip=ip)
    return bool(ours)


def said(text: str) -> tuple[str, str]:
    """What an answer means and its words: the first line is `ack`, or begins with `resolve`; all else is a note. What is
    quoted, and what stands below a signature's dashes, does not count."""
    found = EmailReplyParser(languages=LANGUAGES).read(text=text[:NOTE * 4]).replies
    own = SIGNATURE.split(found[0].body if found else "")[0].strip()[:NOTE]
    first, _, rest = own.partition("\n")
    word, _, more = first.strip().partition(" ")
    action = WORDS.get(word.lower().strip(".,:!#"), "")
    if action == "resolve":
        return action, f"{more}\n{rest}".strip()[:2000]
    if action and not more:
        return action, ""
    return ("note", own) if own else ("help", "")
