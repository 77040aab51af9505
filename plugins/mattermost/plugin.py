"""Messages and posts by a Mattermost bot, with buttons whose answers come back, kept true as the incident moves on.

Sources: developers.mattermost.com/integrate/plugins/interactive-messages, …/message-attachments, api.mattermost.com (posts).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Address,
    Answer,
    Answered,
    Field,
    Inbound,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Rejected,
    Reply,
    Report,
    Retry,
    Setting,
    deliver,
    hookimpl,
    mapping,
    one_line,
    text,
    web_link,
)

SECRET = "MATTERMOST_SIGNING_SECRET"
BUTTONS = {"acknowledge": ("Acknowledge", "primary"), "resolve": ("Resolve", "good"), "escalate": ("Escalate", "default")}
COLORS = {"critical": "#C62828", "high": "#E65100", "medium": "#B28704", "low": "#1565C0"}
RESOLVED, OTHER = "#2E7D32", "#607D8B"
SUBJECT, TEXT = 400, 3000
SPECIAL = re.compile(r"(?P<link>https?://[\w.\-/:?=&%#+,;]+)|(?P<sign>[\\`*_{}\[\]()#+!>~|])|(?P<at>@)")


def escaped(words: str) -> str:
    """Words that Mattermost shows as they are: nothing formats, loads a picture or mentions anybody."""
    return SPECIAL.sub(lambda found: found["link"] or (f"\\{found['sign']}" if found["sign"] else "@\u2060"), words)


def token(secret: str, action: str, message: str) -> str:
    """What proves that a button was made here, for this action of this message."""
    return hmac.new(secret.encode(), f"{action}:{message}".encode(), hashlib.sha256).hexdigest()


def buttons(message: Message, config: Any) -> list[dict[str, Any]]:
    """One for everything that can be answered now; none while nothing could prove an answer."""
    secret, back = str(config.get(SECRET) or ""), f"{config['BASE_URL']}/plugins/mattermost/callback/interactive"
    return [{"id": action, "type": "button", "name": BUTTONS[action][0], "style": BUTTONS[action][1],
             "integration": {"url": back, "context": {"action": action, "message": message.id,
                                                      "token": token(secret, action, message.id)}}}
            for action in message.actions if secret and action in BUTTONS]


def content(message: Message, config: Any) -> dict[str, Any]:
    """The post: its subject as text, everything else attached."""
    actions = buttons(message, config)
    links = " · ".join(f"[{link.label}]({link.url})" for link in message.links
                       if web_link(link.url) and (link.action == "open" or not actions))
    said = [escaped(message.standing), escaped(message.text.strip()[:TEXT]), links]
    subject = escaped(one_line(message.subject)[:SUBJECT])
    attached = {"fallback": subject, "text": "\n\n".join(part for part in said if part), "actions": actions,
                "color": RESOLVED if message.status == "resolved" else COLORS.get(message.severity, OTHER)}
    return {"message": subject, "props": {"attachments": [attached]}}


def judge(answer: Answer) -> Exception | None:
    """What an error of Mattermost's means: the address, or our bot."""
    if answer.status == 401:
        return NoAccess("Mattermost does not accept the bot's token")
    if answer.status in (403, 404, 410):
        return Refused(f"Mattermost lets the bot not write there, or there is no such place ({answer.status})")
    return None


def call(config: Any, method: str, path: str, said: Any = None) -> dict[str, Any]:
    """One call as the bot; the object that comes back."""
    answer = deliver(f"{str(config['MATTERMOST_API_URL']).rstrip('/')}/api/v4/{path}", method=method, account=True,
                     judge=judge, json=said, headers={"Authorization": f"Bearer {config['MATTERMOST_BOT_TOKEN']}"})
    try:
        found = mapping(answer.json())
    except ValueError:
        found = {}
    if not text(found.get("id")):
        raise Retry("Mattermost's answer can't be read")
    return found


class Mattermost:
    """A direct message to a member, or a post in a room."""

    slug, name, provider = "mattermost", "Mattermost", "Mattermost"
    address = Field("address", "Member id", required=True,
                    help="26 letters and digits, shown by Mattermost in a profile; of a room, its id")
    can = frozenset({"verify", "reply", "room", "update"})
    settings = ("MATTERMOST_API_URL", "MATTERMOST_BOT_TOKEN", SECRET)
    needs = ("MATTERMOST_API_URL", "MATTERMOST_BOT_TOKEN")
    callbacks = ("interactive",)
    refusal = 401

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post once: Mattermost takes a repeat under the same pending id as the same post."""
        room = address.value if message.kind == "post" else self._direct(address.value, config)
        made = call(config, "POST", "posts", {"channel_id": room, "pending_post_id": f"oncall:{message.id}",
                                              **content(message, config)})
        return Receipt("sent", "mattermost", text(made["id"]))

    def _direct(self, member: str, config: Any) -> str:
        """The room of the bot and a member."""
        bot = text(call(config, "GET", "users/me")["id"])
        try:
            return text(call(config, "POST", "channels/direct", [bot, member])["id"])
        except Rejected:
            raise Refused("Mattermost knows no member with this id") from None

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> None:
        """Make the post agree with its incident."""
        call(config, "PUT", f"posts/{quote(receipt.provider_id, safe='')}/patch", content(message, config))

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A pressed button."""
        said = inbound.object()
        context, secret = mapping(said.get("context")), str(config.get(SECRET) or "")
        action, message = text(context.get("action")), text(context.get("message"))
        right = token(secret, action, message).encode()
        if not secret or not hmac.compare_digest(right, text(context.get("token")).encode("utf-8", "replace")):
            raise Rejected("The button's token is wrong", unauthenticated=True)
        sender = text(said.get("user_id"))
        if not sender or action not in BUTTONS:
            return []
        return [Reply(action, sender, message=message, id=text(said.get("trigger_id")),
                      sender_name=text(said.get("user_name")))]

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """The sentence, shown to nobody but who pressed."""
        said = [escaped(one.text) + (f" [Sign in and confirm]({one.link}) to be paged here." if one.link else "")
                for one in answers if one.text and not one.silent]
        body = {"ephemeral_text": "\n".join(said)} if said else {}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


@hookimpl
def channels() -> list[Mattermost]:
    """The way out."""
    return [Mattermost()]


@hookimpl
def settings() -> list[Setting]:
    """Written MATTERMOST_… in the environment, or entered on the page of the channel."""
    return [
        Setting("API_URL", help="Address of your Mattermost server, such as https://chat.example.com"),
        Setting("BOT_TOKEN", help="Access token of the bot account", secret=True),
        Setting("SIGNING_SECRET", help="Random words of your own that prove buttons; empty: no buttons", secret=True),
    ]
