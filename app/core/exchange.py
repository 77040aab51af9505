"""What channels and the house exchange: messages, receipts, reports, replies, and the ways to fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.core.reading import Severity

MessageState = Literal["sent", "delivered", "failed"]


class Retry(Exception):
    """Not now: try again later. `after` is the sender's wish in seconds, None for the usual waits.

    `address`: the fault is of this address (a full mailbox), so it says nothing about the provider. `made`: what stands
    there already of a post; the next try updates that instead of making another.
    """

    def __init__(self, reason: str, *, after: float | None = None, address: bool = False,
                 made: Receipt | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after, self.address, self.made = reason, after, address, made


class Refused(Exception):
    """Never will work: this address is dead. Its method is disabled and its owner told by the others."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoAccess(Exception):
    """The provider does not accept our account: it is left out at once, admins are told, the next one is used."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Link:
    """One thing the reader can do: `action` is "open", "acknowledge" or "resolve"; `url` is absolute."""

    action: str
    label: str
    url: str


@dataclass(frozen=True)
class Message:
    """What a channel carries. `id` stays equal over retries, `thread` over all messages of one incident.

    `title`, `service`, `status` and `standing` ("Acknowledged by Ana by SMS") say how the incident stands; `actions` is
    what the reader can answer now (acknowledge, resolve, escalate, note); `code` names the incident in a text message,
    `reply_to` is the mail address that takes answers; `unsubscribe` ends by one POST what the reader asked for.
    """

    id: str
    kind: str
    subject: str
    text: str
    urgency: Literal["high", "low"] = "high"
    severity: Severity | Literal[""] = ""
    incident: str = ""
    thread: str = ""
    links: tuple[Link, ...] = ()
    title: str = ""
    service: str = ""
    status: str = ""
    standing: str = ""
    actions: tuple[str, ...] = ()
    code: str = ""
    people: tuple[str, ...] = ()
    reply_to: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True)
class Address:
    """Where a message goes: the address as typed, and what the channel stored with it (push keys, tokens)."""

    value: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Address(…)"


@dataclass(frozen=True)
class Receipt:
    """The provider took the message: `state` is "sent", or "delivered" when its answer proves arrival.

    `provider_id` is what reports and updates name it by later.
    """

    state: Literal["sent", "delivered"] = "sent"
    provider: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class Report:
    """What became of a message later, by the provider's word. `refused`: the address is dead, as Refused says.

    `again`: seconds after which the same provider tries the same address once more, as with a line that was busy.
    """

    provider_id: str
    state: MessageState
    reason: str = ""
    refused: bool = False
    again: int = 0


@dataclass(frozen=True)
class Reply:
    """What somebody answered. `action`: acknowledge, resolve, escalate, note, details, stop, start, help, or a word of
    its own that the house knows; `text` is the note or the rest of what was said.

    `sender` is who, as the channel addresses people; without one it is the person whom `message` (a Message's id) was
    sent to, as with a telephone call. The incident is named by `incident`, `code` or `message`. `id` is the vendor's name
    for this reply: the same again acts once. `sender_name` serves those whom nobody has linked yet. `post` is the receipt's
    name of a post below which it was written; where that is none of ours, or the writer nobody's, nothing is said back.
    """

    action: str
    sender: str = ""
    message: str = ""
    incident: str = ""
    code: str = ""
    text: str = ""
    id: str = ""
    sender_name: str = ""
    post: str = ""


@dataclass(frozen=True)
class Answered:
    """What came of a reply: whether it took effect, a sentence for who replied, and the message as it stands now.

    `link` is where an unknown sender, signed in, makes this address their own. `silent`: say nothing back. `ask` is what
    is missing and can be asked for: "note".
    """

    reply: Reply
    done: bool
    text: str
    message: Message | None = None
    link: str = ""
    silent: bool = False
    ask: str = ""


@dataclass(frozen=True)
class Connection:
    """An account that an admin connected at the vendor's: its name there, and the settings that it brings."""

    name: str
    values: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Connection({self.name!r}, …)"
