"""Posts in Discord by the address of a webhook; a post is kept true as its incident moves on.

Sources: discord.com/developers/docs/resources/webhook (execute, edit), …/resources/message (embeds, allowed mentions).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from app.plugin_api import (
    Address,
    Answer,
    Field,
    Message,
    Receipt,
    Refused,
    deliver,
    hookimpl,
    mapping,
    one_line,
    web_link,
)

COLORS = {"critical": 0xC62828, "high": 0xE65100, "medium": 0xB28704, "low": 0x1565C0, "info": 0x607D8B}
RESOLVED = 0x2E7D32
SUBJECT, TEXT = 400, 3000
# Addresses stay as they are; every sign that formats or mentions is written with a backslash.
SPECIAL = re.compile(r"(?P<link>https?://[\w.\-/:?=&%#+,;]+)|(?P<sign>[\\`*_~|>#\[\]()<@-])")


def escaped(words: str, most: int) -> str:
    """Words that Discord shows as they are, cut to `most` signs."""
    safe = SPECIAL.sub(lambda found: found["link"] or f"\\{found['sign']}", words)
    return safe if len(safe) <= most else f"{safe[:most - 1].rstrip(chr(92))}…"


def content(message: Message) -> dict[str, Any]:
    """What Discord gets; nothing in it notifies anybody by name."""
    links = " · ".join(f"[{link.label}]({link.url})" for link in message.links if web_link(link.url))
    said = [escaped(message.standing, 200), escaped(message.text.strip(), TEXT), links]
    embed = {"description": "\n\n".join(part for part in said if part),
             "color": RESOLVED if message.status == "resolved" else COLORS.get(message.severity, COLORS["info"])}
    return {"content": escaped(one_line(message.subject), SUBJECT), "embeds": [embed], "allowed_mentions": {"parse": []}}


def judge(answer: Answer) -> Exception | None:
    """A webhook that was removed, or whose token is wrong, never comes back."""
    return Refused(f"Discord does not know this webhook ({answer.status})") if answer.status in (401, 403) else None


def place(address: str, message: str = "", **more: str) -> str:
    """The webhook's address, or that of a message it posted; what the address asks for (a thread) is kept."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/") + (f"/messages/{quote(message, safe='')}" if message else "")
    query = {name: value for name, value in parse_qsl(parts.query) if name != "wait"} | more
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))


class Discord:
    """One post by a webhook."""

    slug, name = "discord", "Discord"
    address = Field("address", "Webhook address", kind="url", required=True,
                    help="Copied from the room's settings, such as https://discord.com/api/webhooks/…")
    can = frozenset({"verify", "room", "update", "hook"})
    settings = ()

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post once, and ask for the post's id."""
        answer = deliver(place(address.value, wait="true"), json=content(message), judge=judge)
        try:
            made = str(mapping(answer.json()).get("id") or "")
        except ValueError:
            made = ""
        return Receipt("sent", "discord", made)

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> None:
        """Make the post agree with its incident."""
        deliver(place(address.value, receipt.provider_id), method="PATCH", json=content(message), judge=judge)


@hookimpl
def channels() -> list[Discord]:
    """The way out."""
    return [Discord()]
