"""Ways in for mail: what the built-in receiver and the webhooks of mail providers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.fields import Field
from app.core.inbound import Inbound, Signal
from app.core.mail_reading import FIELDS, MOST_BYTES, Letter, signals_of


@dataclass(frozen=True)
class Posted:
    """A mail as it was handed over, and the part of its address after the plus."""

    letter: Letter
    tag: str = ""


def tag_of(address: str) -> str:
    """What stands after the plus of an address: disk of alerts+disk@example.com."""
    return address.rpartition("@")[0].partition("+")[2][:200]


@dataclass(frozen=True)
class MailSource:
    """An Integration made of one function that finds the mail in a request, or gives the reason why there is none.

    `proof` raises Rejected (unauthenticated) when the provider did not send it; `signs` makes the headers that it accepts.
    One Message-ID to one tag is one mail, whatever the relays wrote into it on the way.
    """

    slug: str
    name: str
    open: Callable[[Inbound], Posted]
    fields: Sequence[Field] = FIELDS
    proof: Callable[[Inbound, Mapping[str, Any]], None] | None = None
    signs: Callable[[bytes, Mapping[str, Any], datetime], dict[str, str]] | None = None
    can: frozenset[str] = frozenset({"open", "resolve"})
    settings: Sequence[str] = ("MAIL_FROM",)
    most: int = field(default=MOST_BYTES)
    category: str = "Mail"

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Check who sent it, and that it is a mail of somebody who may send."""
        if self.proof is not None:
            self.proof(inbound, config)
        self.normalize(inbound, config)

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The one signal of a mail."""
        posted = self.open(inbound)
        return signals_of(posted.letter, config, tag=self._tag(inbound, posted))

    def delivery_key(self, inbound: Inbound) -> str:
        """The mail's Message-ID, and the tag that it was sent to: one mail to two tags is about two problems."""
        posted = self.open(inbound)
        number, tag = posted.letter.message_id, self._tag(inbound, posted)
        return f"{number} +{tag}" if number and tag else number

    def same(self, inbound: Inbound) -> bytes:
        """What two requests about one mail have in common."""
        return self.delivery_key(inbound).encode() or inbound.body

    def _tag(self, inbound: Inbound, posted: Posted) -> str:
        return inbound.parts.get("tag", "") or posted.tag

    def sign(self, body: bytes, config: Mapping[str, Any], at: datetime) -> dict[str, str]:
        """The headers that prove a test."""
        return self.signs(body, config, at) if self.signs is not None else {}
