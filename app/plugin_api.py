"""Everything a plugin may import from the application: hooks, frozen dataclasses, errors, HTTP and form fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol, runtime_checkable

import pluggy

from app.core.clock import now
from app.core.fields import Field, Setting
from app.core.http import Answer, ForbiddenAddress, Unreachable, request
from app.core.inbound import (
    AlertView,
    Ask,
    Door,
    Inbound,
    Integration,
    Signal,
    SignalStatus,
    Told,
    Wanted,
    as_group,
    ignored,
    noted,
)
from app.core.reading import (
    Rejected,
    Severity,
    filled,
    first,
    labels,
    labels_but,
    lines,
    mapping,
    meaning,
    moment,
    parse_json,
    read_each,
    sequence,
    severity_of,
    stable_key,
    text,
    web_link,
    words,
)
from app.core.signatures import sign
from app.core.sources import Signature, Source, check_signature

__all__ = [
    "API_VERSION", "Address", "AlertView", "Answer", "Ask", "Channel", "Door", "EventView", "Field", "ForbiddenAddress",
    "Inbound", "Integration", "Link", "Message", "Receipt", "Refused", "Rejected", "Retry", "Setting", "Severity",
    "Signal", "SignalStatus", "Signature", "Source", "Told",
    "Unreachable", "Wanted", "as_group", "check_signature", "deliver", "filled", "first", "hookimpl",
    "ignored", "labels", "labels_but", "lines", "mapping", "meaning", "moment", "noted", "now", "parse_json",
    "read_each", "request", "sequence", "severity_of", "sign", "stable_key", "text", "web_link", "words",
]

API_VERSION = 1
hookimpl = pluggy.HookimplMarker("oncall")


class Retry(Exception):
    """Not now: try again later. `after` is the sender's wish in seconds, None for the usual waits."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class Refused(Exception):
    """Never will work: this address is dead. Its method is disabled and its owner told by the others."""

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
    """What a channel carries. `id` stays equal over retries, `thread` over all messages of one incident."""

    id: str
    kind: str
    subject: str
    text: str
    urgency: Literal["high", "low"] = "high"
    severity: Severity | Literal[""] = ""
    incident: str = ""
    thread: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Address:
    """Where a message goes: the address as typed, and what the channel stored with it (push keys, tokens)."""

    value: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Address(…)"


@dataclass(frozen=True)
class Receipt:
    """The provider took the message: `state` is "sent", or "delivered" when its answer proves arrival."""

    state: Literal["sent", "delivered"] = "sent"
    provider: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class EventView:
    """A committed fact, read-only, as plugins hear it."""

    id: int
    kind: str
    at: datetime
    actor: str
    subject: str
    data: Mapping[str, Any]


@runtime_checkable
class Channel(Protocol):
    """A way to reach somebody. `can`: verify, reply, status, room, loud, update. `settings` names what it reads."""

    slug: str
    name: str
    address: Field
    can: frozenset[str]
    settings: Sequence[str]

    def send(self, message: Message, address: Address, config: Mapping[str, Any]) -> Receipt:
        """Hand the message to the provider once. Raises Retry, Refused, or Rejected when this message never
        will be taken although the address is good; anything else counts as a fault of ours."""


def deliver(url: str, *, method: str = "POST", **call: Any) -> Answer:
    """Call a provider (as `request` does) and turn what is not 2xx into Retry, Refused or Rejected."""
    try:
        answer = request(method, url, **call)
    except ForbiddenAddress as fault:
        raise Rejected(fault.reason) from None
    except Unreachable as fault:
        raise Retry(fault.reason) from None
    if 200 <= answer.status < 300:
        return answer
    said = f"The answer was {answer.status}"
    if answer.status in (404, 410):
        raise Refused(f"{said}: the address does not exist")
    if answer.status in (408, 429) or not 400 <= answer.status < 500:
        raise Retry(said, after=_retry_after(answer))
    raise Rejected(said)


def _retry_after(answer: Answer) -> float | None:
    """The wait in seconds that the header Retry-After asks for, as a number or a date (RFC 9110, 10.2.3)."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal() and said.isascii():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - now()).total_seconds())
    except (TypeError, ValueError):
        return None
