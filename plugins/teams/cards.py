"""What people see: one adaptive card that desktop, web and telephone show alike. Words of others are runs of plain text.

Sources: adaptivecards.io/explorer (RichTextBlock: no Markdown; Action.Execute), learn.microsoft.com/microsoftteams/platform/
task-modules-and-cards/cards/universal-actions-for-adaptive-cards/overview.
"""

from __future__ import annotations

from typing import Any

from app.plugin_api import Message, one_line, web_link

CARD = "application/vnd.microsoft.card.adaptive"
TITLE, TEXT, WORD = 300, 3000, 300
NOTE = 2000
COLORS = {"critical": "attention", "high": "attention", "medium": "warning", "low": "accent"}
ASKING = {"resolve": ("Resolve…", "Resolve", "What was it?", False), "note": ("Add note…", "Add note", "Note", True)}
PRESSES = {"acknowledge": ("Acknowledge", "positive"), "escalate": ("Escalate", "default")}


def card(message: Message, *, links_only: bool = False) -> dict[str, Any]:
    """Number and title, what is known, how it stands, and an action for everything that can be answered now."""
    head = f"#{message.incident} {one_line(message.title) or 'No title'}" if message.incident else message.subject
    color = "good" if message.status == "resolved" else COLORS.get(message.severity, "default")
    body = [_words(head, TITLE, weight="bolder", size="large", color=color)]
    if known := _known(message):
        body.append(_words(known, WORD * 4, isSubtle=True))
    if message.standing:
        body.append(_words(message.standing, WORD, weight="bolder"))
    if not message.incident or message.text.strip():
        body.append(_words(message.text.strip(), TEXT))
    answers = () if links_only else message.actions
    return {"type": "AdaptiveCard", "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "version": "1.4",
            "msteams": {"width": "Full"}, "body": body,
            "actions": [*(_action(one, message) for one in answers if one in PRESSES or one in ASKING),
                        *_links(message, answered=bool(answers))]}


def attached(message: Message, *, links_only: bool = False) -> dict[str, Any]:
    """The card as what is said in a conversation or to an incoming webhook; `summary` is what a notification shows."""
    return {"type": "message", "summary": one_line(message.subject)[:TITLE],
            "attachments": [{"contentType": CARD, "contentUrl": None, "content": card(message, links_only=links_only)}]}


def _words(said: str, most: int, **look: Any) -> dict[str, Any]:
    kept = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in said)
    kept = kept if len(kept) <= most else f"{kept[:most - 1].rstrip()}…"
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": kept or "–", **look}]}


def _known(message: Message) -> str:
    pairs = [("Severity", message.severity.capitalize()), ("Service", one_line(message.service)[:WORD]),
             ("Status", message.status.capitalize()), ("People", ", ".join(message.people)[:WORD])]
    return "\n".join(f"{name}: {value}" for name, value in pairs if value)


def _action(action: str, message: Message) -> dict[str, Any]:
    if action in PRESSES:
        label, style = PRESSES[action]
        return _execute(action, label, message, style=style)
    label, press, asks, needed = ASKING[action]
    field = {"type": "Input.Text", "id": "note", "label": asks, "isMultiline": True, "maxLength": NOTE, "isRequired": needed,
             **({"errorMessage": "Write something"} if needed else {})}
    return {"type": "Action.ShowCard", "title": label, "card": {
        "type": "AdaptiveCard", "version": "1.4", "body": [field], "actions": [_execute(action, press, message)]}}


def _execute(verb: str, label: str, message: Message, **look: Any) -> dict[str, Any]:
    """A press; a client that knows no Action.Execute sends the same as a submitted form."""
    data = {"verb": verb, "incident": message.incident, "message": message.id}
    return {"type": "Action.Execute", "title": label, "verb": verb, "data": data, **look,
            "fallback": {"type": "Action.Submit", "title": label, "data": data}}


def _links(message: Message, *, answered: bool) -> list[dict[str, Any]]:
    return [{"type": "Action.OpenUrl", "title": link.label, "url": link.url} for link in message.links
            if web_link(link.url) and (link.action == "open" or not answered)]
