"""Slack: direct messages and rooms with buttons, kept true; a command; everything Slack calls here is signed.

Sources: docs.slack.dev/reference/methods/chat.postMessage, …/chat.update, …/authentication/verifying-requests-from-slack,
…/interactivity/handling-user-interaction, …/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

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
)

from .blocks import body, escaped, note_dialog
from .heard import USAGE, button, command, payload_of, pressed
from .post import SlackPost
from .wire import ANSWER_SECONDS, call, check

SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL")
FAULTS = (Retry, Refused, Rejected, NoAccess)


class Slack:
    """One member or one channel of a workspace."""

    slug, name, provider, refusal = "slack", "Slack", "Slack", 401
    address = Field("address", "Member or channel id", required=True,
                    help="In Slack: your profile, More, Copy member ID; it begins with U. Channels begin with C")
    can = frozenset({"verify", "reply", "room", "update"})
    settings = SETTINGS
    needs = ("SLACK_BOT_TOKEN", "SLACK_API_URL")
    callbacks = ("interactive", "commands", "events")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post once; the receipt names channel and time, by which Slack knows the post later."""
        said = call("chat.postMessage", {"channel": address.value, **body(message)}, config)
        return Receipt("delivered", "slack", f"{said.get('channel') or address.value}/{said.get('ts', '')}")

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> None:
        """The same post as the incident stands now, with the buttons that still apply."""
        channel, _, moment = receipt.provider_id.partition("/")
        call("chat.update", {"channel": channel, "ts": moment, **body(message)}, config)

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A press, a dialog or a command; of events only the handshake is answered."""
        check(inbound, config)
        if inbound.purpose == "commands":
            return [command(inbound.form())]
        return [*pressed(payload_of(inbound))] if inbound.purpose == "interactive" else []

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """To who asked only: the sentence, or the way to connect this account."""
        if inbound.purpose == "events":
            return _json({"challenge": str(inbound.json().get("challenge", ""))[:500]})
        if inbound.purpose == "commands":
            said = _sentence(answers)
            return _json({"response_type": "ephemeral", "text": said}) if said else Answer(200, {}, b"")
        payload = payload_of(inbound)
        if payload.get("type") == "view_submission" and (refused := _sentence([one for one in answers if not one.done])):
            return _json({"response_action": "errors", "errors": {"note": refused[:500]}})
        if payload.get("type") == "block_actions":
            _after_press(payload, answers, config)
        return Answer(200, {}, b"")


def _json(said: Mapping[str, Any]) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(said).encode())


def _sentence(answers: list[Answered]) -> str:
    """What to say; the link is shown to nobody but who pressed."""
    said = []
    for one in answers:
        if one.silent:
            continue
        words = escaped(one.text, 2000)
        said.append(f"{words} <{one.link}|Connect this Slack account>" if one.link else words)
        if one.reply.action == "help" and not one.link:
            said.append(USAGE)
    return "\n".join(said)


def _after_press(payload: dict[str, Any], answers: list[Answered], config: Any) -> None:
    """Open the dialog for a note, or say what came of the press where nothing changed; a fault here undoes nothing."""
    pressed_, user = button(payload), payload.get("user") or {}
    refused = _sentence([one for one in answers if not one.done])
    try:
        if pressed_.get("action_id") == "note":
            view = note_dialog(str(pressed_.get("value", "")))
            call("views.open", {"trigger_id": payload.get("trigger_id"), "view": view}, config, timeout=ANSWER_SECONDS)
        elif refused and payload.get("response_url"):
            deliver(str(payload["response_url"]), timeout=ANSWER_SECONDS,
                    json={"response_type": "ephemeral", "replace_original": False, "text": refused})
        elif refused:
            call("chat.postEphemeral", {"channel": (payload.get("channel") or {}).get("id"), "user": user.get("id"),
                                        "text": refused}, config, timeout=ANSWER_SECONDS)
    except FAULTS:
        return


@hookimpl
def channels() -> list[Slack]:
    """The way out."""
    return [Slack()]


@hookimpl
def settings() -> list[Setting]:
    """Written SLACK_… in the environment, or entered on the page of the channel."""
    return [
        Setting("BOT_TOKEN", help="Bot token of the app, begins with xoxb-", secret=True),
        Setting("SIGNING_SECRET", help="Signing secret of the app; checks what Slack calls here", secret=True),
        Setting("API_URL", "https://slack.com/api", "Address of the API; a proxy or test double may stand in"),
    ]


@hookimpl
def workflow_actions() -> list[SlackPost]:
    """What workflows can order."""
    return [SlackPost()]
