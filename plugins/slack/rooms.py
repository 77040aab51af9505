"""A channel for one incident.

Sources: docs.slack.dev/reference/methods/conversations.create (names), …/conversations.invite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.plugin_api import Message, NoAccess, Refused, Rejected, Retry, mapping, text

from .wire import call

NAME, TRIES = 70, 3
PEOPLE = 100


def made(message: Message, config: Mapping[str, Any]) -> str:
    """A new public channel, `inc-142-disk-is-full`; a number is added where the name is taken."""
    words = re.sub(r"[^a-z0-9]+", "-", message.title.lower()).strip("-")
    name = f"inc-{message.incident}-{words}"[:NAME].strip("-")
    for number in range(1, TRIES + 1):
        try:
            said = call("conversations.create", {"name": name if number == 1 else f"{name}-{number}"}, config)
        except Rejected as fault:
            if "name_taken" not in fault.reason:
                raise
            continue
        return text(mapping(said.get("channel")).get("id"))
    raise Rejected("Slack has channels of this name already")


def invited(room: str, people: Sequence[str], config: Mapping[str, Any]) -> None:
    """Bring them in; who can't be invited finds it by its name."""
    if not people:
        return
    try:
        call("conversations.invite", {"channel": room, "users": ",".join(people[:PEOPLE]), "force": True}, config)
    except (Refused, Rejected, NoAccess, Retry):
        return
