"""What Slack calls here and what it means: a pressed button, a filled dialog, a command."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from app.plugin_api import Inbound, Reply, mapping, parse_json, sequence, text

from .blocks import BUTTONS

MARKUP = re.compile(r"<(?:https?://[^|>]*\|)?(?P<shown>[^<>]{0,2000})>")

NOTE = 2000
WORDS = {"ack": "acknowledge", "acknowledge": "acknowledge", "resolve": "resolve", "escalate": "escalate", "note": "note"}
COMMAND = re.compile(r"(?P<word>[a-z]+)\s+#?(?P<number>\d{1,15})(?:\s+(?P<rest>.+))?", re.IGNORECASE | re.DOTALL)
USAGE = ("`/oncall list` what is open for you\n`/oncall ack 142` acknowledge\n`/oncall resolve 142 what it was` resolve\n"
         "`/oncall escalate 142` page the next level now\n`/oncall note 142 words` add a note\n"
         "`/oncall help` this text")


def payload_of(inbound: Inbound) -> dict[str, Any]:
    """What was pressed: JSON in the field `payload` of a form."""
    return dict(mapping(parse_json(str(inbound.form().get("payload", "")).encode())))


def pressed(payload: dict[str, Any]) -> list[Reply]:
    """The reply in a press or a dialog; none for a link, and for what only opens a dialog."""
    user = mapping(payload.get("user"))
    by = {"sender": text(user.get("id")), "sender_name": text(user.get("username") or user.get("name"))}
    if payload.get("type") == "view_submission":
        view = mapping(payload.get("view"))
        number = text(view.get("private_metadata")) or _entered(view, "incident").lstrip("#").strip()
        return [Reply("resolve" if view.get("callback_id") == "resolve" else "note", incident=number or "?",
                      text=_entered(view, "note"), id=f"view {text(view.get('id'))} {text(view.get('hash'))}", **by)]
    action = button(payload)
    if payload.get("type") != "block_actions" or action.get("action_id") not in set(BUTTONS) - {"note"}:
        return []
    once = f"{by['sender']} {text(payload.get('trigger_id'))} {text(action.get('action_ts'))} {action['action_id']}"
    return [Reply(text(action["action_id"]), incident=text(action.get("value")), id=f"press {once}", **by)]


def button(payload: dict[str, Any]) -> dict[str, Any]:
    """The button that was pressed; empty for what is none."""
    return dict(mapping(next(iter(sequence(payload.get("actions"))), {})))


def _entered(view: Any, field: str) -> str:
    values = mapping(mapping(view.get("state")).get("values"))
    return text(mapping(mapping(values.get(field)).get("text")).get("value"))


def written(said: dict[str, Any]) -> list[Reply]:
    """What somebody wrote below a post: a note. Bots, edits and what stands elsewhere are nothing."""
    event = mapping(said.get("event"))
    thread, sender = text(event.get("thread_ts")), text(event.get("user"))
    ours = event.get("type") == "message" and event.get("subtype") in (None, "thread_broadcast") and not event.get("bot_id")
    if said.get("type") != "event_callback" or not ours or not sender or not thread or thread == text(event.get("ts")):
        return []
    return [Reply("note", sender, text=plain_of(text(event.get("text")))[:NOTE], id=f"event {text(said.get('event_id'))}",
                  post=f"{text(event.get('channel'))}/{thread}")]


def plain_of(said: str) -> str:
    """Slack's way of writing links, names and signs, as people read it."""
    return MARKUP.sub(lambda found: found["shown"], said).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def team_of(inbound: Inbound) -> str:
    """The workspace that calls."""
    if inbound.purpose == "events":
        return text(inbound.object().get("team_id"))
    if inbound.purpose == "commands":
        return text(inbound.form().get("team_id"))
    return text(mapping(payload_of(inbound).get("team")).get("id"))


def command(form: dict[str, Any]) -> Reply:
    """What was typed behind the command. Anything not understood asks for help; no number is guessed."""
    said = str(form.get("text", "")).strip()
    by = {"sender": str(form.get("user_id", "")), "sender_name": str(form.get("user_name", ""))}
    once = f"command {form.get('trigger_id', '')} {hashlib.sha256(said.encode()).hexdigest()[:16]}"
    if said.lower() == "list":
        return Reply("list", **by)
    found = COMMAND.fullmatch(said)
    if found and (action := WORDS.get(found["word"].lower())):
        return Reply(action, incident=found["number"], text=(found["rest"] or "").strip(), id=once, **by)
    return Reply("help", **by)
