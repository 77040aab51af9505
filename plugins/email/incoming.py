"""Mail as the built-in receiver takes it, or as somebody posts it in its own format."""

from __future__ import annotations

from app.plugin_api import Inbound, MailSource, Posted, letter


def opened(inbound: Inbound) -> Posted:
    """The mail itself; the receiver has taken the part after the plus from the address."""
    return Posted(letter(inbound.body))


EMAIL_IN = MailSource("email", "E-mail", opened, category="Mail",
                      can=frozenset({"open", "resolve", "mail"}))
