"""A channel that can do everything: it keeps what it is given, and its callbacks are signed by a password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.plugin_api import (
    Address,
    Answer,
    Answered,
    Field,
    Inbound,
    Message,
    Receipt,
    Rejected,
    Reply,
    Report,
)


@dataclass
class Pigeon:
    """`faults` are raised by the next sends, in turn."""

    slug: str = "pigeon"
    name: str = "Pigeon"
    address: Field = field(default_factory=lambda: Field("address", "Loft", required=True))
    can: frozenset[str] = frozenset({"verify", "reply", "status", "code", "room", "update"})
    settings: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ("talk",)
    sent: list[tuple[Message, str]] = field(default_factory=list)
    updates: list[tuple[Message, str, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def send(self, message: Message, address: Address, config: Mapping[str, Any]) -> Receipt:
        """Keep it."""
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append((message, address.value))
        return Receipt("sent", self.name.lower(), f"p{len(self.sent)}")

    def update(self, message: Message, address: Address, receipt: Receipt, config: Mapping[str, Any]) -> None:
        """Keep that, too."""
        if self.faults:
            raise self.faults.pop(0)
        self.updates.append((message, address.value, receipt.provider_id))

    def receive(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Reply | Report]:
        """Replies and reports as JSON, under a password."""
        if inbound.headers.get("x-password") != "coo":
            raise Rejected("The password is wrong")
        said: dict[str, Any] = inbound.json()
        kind: Callable[..., Reply | Report] = Report if "state" in said else Reply
        return [kind(**said)]

    def respond(self, inbound: Inbound, answers: list[Answered], config: Mapping[str, Any]) -> Answer:
        """The sentences."""
        return Answer(200, {}, " ".join(one.text for one in answers if not one.silent).encode())
