"""What Teams tells the bot and what it means: a pressed action, words, and that somebody added it.

Sources: learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-activities, …/universal-actions-for-
adaptive-cards/work-with-universal-actions-for-adaptive-cards (invoke adaptiveCard/action).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.plugin_api import Reply, mapping, text

ACTIONS = frozenset({"acknowledge", "resolve", "escalate", "note"})
WORDS = {"ack": "acknowledge", "acknowledge": "acknowledge", "resolve": "resolve", "escalate": "escalate", "note": "note"}
COMMAND = re.compile(r"/?(?P<word>[a-z]+)\s+#?(?P<number>\d{1,15})(?:\s+(?P<rest>.+))?", re.IGNORECASE | re.DOTALL)
MENTION = re.compile(r"<at>[^<]{0,200}</at>", re.IGNORECASE)
TAG = re.compile(r"<[^<>]{0,500}>")
NOTE = 2000
USAGE = ("list: what is open for you\n\nack 142: acknowledge\n\nresolve 142 what it was: resolve\n\n"
         "escalate 142: page the next level now\n\nnote 142 words: add a note")


def is_press(said: Mapping[str, Any]) -> bool:
    """Whether an answer is waited for in the card itself."""
    return said.get("type") == "invoke" and said.get("name") == "adaptiveCard/action"


def is_private(said: Mapping[str, Any]) -> bool:
    """Whether only who wrote it reads the answer."""
    return mapping(said.get("conversation")).get("conversationType") == "personal"


def heard(said: Mapping[str, Any]) -> list[Reply]:
    """The reply in what arrived; none for what asks nothing of us."""
    person, key = mapping(said.get("from")), text(said.get("id"))
    where = text(mapping(said.get("conversation")).get("id"))  # an activity's id is its own within one conversation only
    by = {"sender": text(person.get("id")), "sender_name": text(person.get("name")), "id": f"{where} {key}" if key else ""}
    if not by["sender"]:
        return []
    if is_press(said):
        action = mapping(mapping(said.get("value")).get("action"))
        return _pressed(text(action.get("verb")), mapping(action.get("data")), by)
    if said.get("type") == "message":
        form = mapping(said.get("value"))
        return _pressed(text(form.get("verb")), form, by) if form else [_written(text(said.get("text")), by)]
    if said.get("type") == "installationUpdate" and said.get("action") == "add" and is_private(said):
        return [Reply("help", **by)]
    return []


def _pressed(verb: str, data: Mapping[str, Any], by: dict[str, str]) -> list[Reply]:
    number = text(data.get("incident"))
    if verb not in ACTIONS or not number:
        return []
    return [Reply(verb, incident=number, text=text(data.get("note")).strip()[:NOTE], **by)]


def _written(said: str, by: dict[str, str]) -> Reply:
    """Words to the bot. Anything not understood asks for help; no number is guessed."""
    words = TAG.sub(" ", MENTION.sub(" ", said)).replace("&nbsp;", " ").strip()
    if words.lower().lstrip("/") == "list":
        return Reply("list", **by)
    found = COMMAND.fullmatch(words)
    if found and (action := WORDS.get(found["word"].lower())):
        return Reply(action, incident=found["number"], text=(found["rest"] or "").strip()[:NOTE], **by)
    return Reply("help", **by)
