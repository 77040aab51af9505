"""What people see: a message as blocks. Words of others are plain text, so that none of them becomes a command."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Message, web_link

BUTTONS = {"acknowledge": ("Acknowledge", "primary"), "resolve": ("Resolve", ""), "escalate": ("Escalate", ""),
           "note": ("Add note", "")}
MARKS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "🔵", "info": "⚪"}
HEADER, TEXT, FALLBACK = 150, 2900, 1000


def escaped(text: str, most: int) -> str:
    """At most so many signs, the three that Slack reads as commands written as entities."""
    def written(words: str) -> str:
        return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    words = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text).strip()
    if len(whole := written(words)) <= most:
        return whole
    kept = words[:most - 1]
    while len(written(kept)) > most - 1:
        kept = kept[:-1]
    return f"{written(kept).rstrip()}…"


def plain(text: str, most: int = TEXT) -> dict[str, Any]:
    """A text object in which nothing is markup."""
    return {"type": "plain_text", "text": escaped(text, most) or "–", "emoji": False}


def body(message: Message) -> dict[str, Any]:
    """What chat.postMessage and chat.update take besides their place: blocks, and a text for the notification."""
    return {"text": escaped(_head(message) if message.incident else message.subject, FALLBACK), "blocks": blocks(message),
            "mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def blocks(message: Message) -> list[dict[str, Any]]:
    """Number and title, what is known in pairs, how it stands, and a button for each thing that can be answered now."""
    if not message.incident:
        return [{"type": "section", "text": plain(message.text or message.subject)}, *_buttons(message)]
    shown: list[dict[str, Any]] = [{"type": "header", "text": plain(_head(message), HEADER)}]
    if not message.actions:
        shown.append({"type": "section", "text": plain(message.text)})
    shown.append({"type": "section", "fields": [plain(f"{name}: {value}", 500) for name, value in _pairs(message)]})
    if message.standing:
        shown.append({"type": "context", "elements": [plain(message.standing, 500)]})
    return [*shown, *_buttons(message)]


def _head(message: Message) -> str:
    mark = "✅" if message.status == "resolved" else MARKS.get(message.severity, "")
    return f"{mark} #{message.incident} {' '.join(message.title.split()) or 'No title'}".strip()


def _pairs(message: Message) -> list[tuple[str, str]]:
    pairs = [("Severity", message.severity.capitalize()), ("Service", message.service),
             ("Status", message.status.capitalize()), ("People", ", ".join(message.people))]
    return [(name, value) for name, value in pairs if value]


def _buttons(message: Message) -> list[dict[str, Any]]:
    found = [_button(action, message) for action in message.actions if action in BUTTONS]
    for link in message.links:
        if web_link(link.url) and (link.action == "open" or not found):
            name, label = ("open", "Open") if link.action == "open" else ("link", link.label)
            found.append({"type": "button", "action_id": name, "text": plain(label), "url": web_link(link.url)})
    return [{"type": "actions", "elements": found}] if found else []


def _button(action: str, message: Message) -> dict[str, Any]:
    label, style = BUTTONS[action]
    return {"type": "button", "action_id": action, "text": plain(label), "value": message.incident,
            **({"style": style} if style else {})}


def dialog(what: str, incident: str, *, words: str = "") -> dict[str, Any]:
    """The dialog that asks for a note: for the incident of a post, or (without one) for the number, too."""
    area = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 2000,
            **({"initial_value": words[:2000]} if words else {})}
    asked = [{"type": "input", "block_id": "note", "label": plain("What was it?" if what == "resolve" else "Note"),
              "element": area}]
    if not incident:
        asked.insert(0, {"type": "input", "block_id": "incident", "label": plain("Number of the incident"),
                         "element": {"type": "plain_text_input", "action_id": "text", "max_length": 16}})
    title = f"Resolve #{incident}" if what == "resolve" else f"Note on #{incident}" if incident else "Add to incident"
    return {"type": "modal", "callback_id": what, "private_metadata": incident, "title": plain(title, 24),
            "submit": plain("Resolve" if what == "resolve" else "Add note"), "close": plain("Cancel"), "blocks": asked}
