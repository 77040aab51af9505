"""Writes messages into the log of the machine: for trying things out, and where nothing may leave."""

from __future__ import annotations

import logging
from typing import Any

from app.plugin_api import Address, Field, Message, Receipt, hookimpl

written = logging.getLogger("oncall.messages")


class Log:
    """A channel that reaches whoever reads the log. Links are left out: they would act for anybody who finds them."""

    slug = "log"
    name = "Log"
    address = Field("address", "Name in the log", required=True, help="Whatever tells readers of the log whom it is for")
    can: frozenset[str] = frozenset()
    settings: tuple[str, ...] = ()

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """One line with the subject; it has arrived once it is written."""
        written.info("message %s for %s: %s", message.id, address.value, message.subject)
        return Receipt("delivered", provider="log", provider_id=message.id)


@hookimpl
def channels() -> list[Log]:
    """The way out that does not leave the machine."""
    return [Log()]
