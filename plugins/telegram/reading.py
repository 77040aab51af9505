"""What people say to the bot: buttons, commands, and answers to what it said about an incident.

Source: core.telegram.org/bots/api, objects CallbackQuery and Message.
"""

from __future__ import annotations

import re
from typing import Any

from app.plugin_api import Reply, mapping, text

ACTIONS = frozenset({"acknowledge", "resolve", "escalate"})
WORDS = {"ack": "acknowledge", "acknowledge": "acknowledge", "resolve": "resolve", "escalate": "escalate", "note": "note",
         "details": "details", "list": "list", "help": "help", "start": "start", "stop": "stop"}
COMMAND = re.compile(r"/?(?P<word>[a-z]+)(?:@\w+)?(?:\s+#?(?P<number>\d{1,18}))?(?:\s+(?P<rest>.*))?", re.I | re.S)
# The beginning of what the bot wrote: "[High] #142 checkout: …".
ABOUT = re.compile(r"(?:\[\w+\] )?#(?P<number>\d{1,18})\b")
NOTE = 2000


def name_of(person: dict[str, Any]) -> str:
    """How Telegram calls somebody."""
    return " ".join(part for part in (text(person.get("first_name")), text(person.get("last_name"))) if part)


def pressed(query: dict[str, Any]) -> Reply | None:
    """A pressed button: what it does and the message it hung on."""
    person = mapping(query.get("from"))
    action, _, message = text(query.get("data")).partition(":")
    if action not in ACTIONS or not text(person.get("id")):
        return None
    return Reply(action, text(person.get("id")), message=message, id=f"query:{text(query.get('id'))}",
                 sender_name=name_of(person))


def written(message: dict[str, Any], bot: str) -> Reply | None:
    """Words to the bot. In a group only commands it knows and answers to its own messages are meant for it."""
    person, chat, said = mapping(message.get("from")), mapping(message.get("chat")), text(message.get("text"))
    sender = text(person.get("id"))
    if not said or not sender or person.get("is_bot") is True:
        return None
    about = _about(mapping(message.get("reply_to_message")), bot)
    found = COMMAND.fullmatch(said)
    action = WORDS.get(found["word"].lower(), "") if found else ""
    private = chat.get("type") == "private"
    once = f"{text(chat.get('id'))}:{text(message.get('message_id'))}"
    if found and action and (said.startswith("/") or (private and not about)):
        return Reply(action, sender, incident=found["number"] or about, text=(found["rest"] or "")[:NOTE], id=once,
                     sender_name=name_of(person))
    if about:
        return Reply("note", sender, incident=about, text=said[:NOTE], id=once, sender_name=name_of(person))
    return Reply("help", sender, text=said[:500], id=once, sender_name=name_of(person)) if private else None


def _about(quoted: dict[str, Any], bot: str) -> str:
    """The incident of the bot's own message that is answered; "" for anything else."""
    ours = text(mapping(quoted.get("from")).get("id")) == bot
    found = ABOUT.match(text(quoted.get("text"))) if ours else None
    return found["number"] if found else ""
