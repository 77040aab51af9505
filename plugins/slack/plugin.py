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
    Connection,
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

from .blocks import body, dialog, escaped
from .heard import USAGE, button, command, payload_of, plain_of, pressed, team_of, written
from .post import SlackPost
from .rooms import invited, made
from .wire import ANSWER_SECONDS, authorization, call, check, exchanged

SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_TEAM_ID",
            "SLACK_THREAD_NOTES", "SLACK_API_URL", "SLACK_LOGIN_URL")
FAULTS = (Retry, Refused, Rejected, NoAccess)


class Slack:
    """One member or one channel of a workspace."""

    slug, name, provider, refusal = "slack", "Slack", "Slack", 401
    address = Field("address", "Member or channel id", required=True,
                    help="In Slack: your profile, More, Copy member ID; it begins with U. Channels begin with C")
    can = frozenset({"verify", "reply", "room", "update", "thread", "own"})
    settings = SETTINGS
    needs = ("SLACK_BOT_TOKEN", "SLACK_API_URL")
    callbacks = ("interactive", "commands", "events")

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Post once; the receipt names channel and time, by which Slack knows the post later."""
        said = call("chat.postMessage", {"channel": address.value, **body(message)}, config)
        return Receipt("delivered", "slack", f"{said.get('channel') or address.value}/{said.get('ts', '')}")

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> Receipt | None:
        """The same post as the incident stands now, with the buttons that still apply; in a room without one, the first."""
        channel, _, moment = receipt.provider_id.partition("/")
        if not moment:
            return self.send(message, Address(channel), config)
        call("chat.update", {"channel": channel, "ts": moment, **body(message)}, config)
        return None

    def say(self, lines: list[str], receipt: Receipt, config: Any) -> None:
        """In the thread of a post, each as it was written."""
        channel, _, moment = receipt.provider_id.partition("/")
        for line in lines:
            call("chat.postMessage", {"channel": channel, "thread_ts": moment, "text": escaped(line, 3000), "mrkdwn": False,
                                      "parse": "none", "link_names": False, "unfurl_links": False}, config)

    def open(self, message: Message, people: list[str], config: Any) -> Receipt:
        """A channel called after the incident, with its people, and the post in it."""
        room = made(message, config)
        invited(room, people, config)
        try:
            return self.send(message, Address(room), config)
        except Retry as later:
            raise Retry(later.reason, after=later.after, made=Receipt("sent", "slack", f"{room}/")) from None

    def authorize(self, callback: str, state: str, config: Any) -> str:
        """Where an admin chooses the workspace."""
        return authorization(callback, state, config)

    def connected(self, inbound: Inbound, callback: str, config: Any) -> Connection:
        """The workspace that was chosen, with its token."""
        return exchanged(inbound, callback, config)

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A press, a dialog, a command, or a line below a post; the handshake says nothing."""
        check(inbound, config)
        if config.get("SLACK_TEAM_ID") and (team := team_of(inbound)) and team != config["SLACK_TEAM_ID"]:
            raise Rejected("This is another workspace's", unauthenticated=True)
        if inbound.purpose == "commands":
            return [command(inbound.form())]
        if inbound.purpose == "events":
            return [*written(inbound.object())] if config.get("SLACK_THREAD_NOTES") != "no" else []
        return [*pressed(payload_of(inbound))]

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """To who asked only: the sentence, or the way to connect this account."""
        if inbound.purpose == "events" and inbound.object().get("type") != "url_verification":
            return Answer(200, {}, b"")
        if inbound.purpose == "events":
            return _json({"challenge": str(inbound.json().get("challenge", ""))[:500]})
        if inbound.purpose == "commands":
            said = _sentence(answers)
            return _json({"response_type": "ephemeral", "text": said}) if said else Answer(200, {}, b"")
        payload = payload_of(inbound)
        if payload.get("type") == "view_submission" and (refused := _sentence([one for one in answers if not one.done])):
            return _json({"response_action": "errors", "errors": {"note": refused[:500]}})
        if payload.get("type") in ("block_actions", "message_action"):
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
    user, view = payload.get("user") or {}, _wanted(payload, answers)
    refused = _sentence([one for one in answers if not one.done])
    try:
        if view is not None:
            call("views.open", {"trigger_id": payload.get("trigger_id"), "view": view}, config, timeout=ANSWER_SECONDS)
        elif refused and payload.get("response_url"):
            deliver(str(payload["response_url"]), timeout=ANSWER_SECONDS,
                    json={"response_type": "ephemeral", "replace_original": False, "text": refused})
        elif refused:
            call("chat.postEphemeral", {"channel": (payload.get("channel") or {}).get("id"), "user": user.get("id"),
                                        "text": refused}, config, timeout=ANSWER_SECONDS)
    except FAULTS:
        return


def _wanted(payload: dict[str, Any], answers: list[Answered]) -> dict[str, Any] | None:
    """The dialog that a press opens: for a note, or where resolving needs one."""
    press = button(payload)
    if payload.get("type") == "message_action":
        return dialog("note", "", words=plain_of(str((payload.get("message") or {}).get("text", ""))))
    if press.get("action_id") == "note":
        return dialog("note", str(press.get("value", "")))
    if any(one.ask == "note" for one in answers):
        return dialog("resolve", str(press.get("value", "")))
    return None


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
        Setting("CLIENT_ID", help="Client ID of the app; with it workspaces are connected from the page"),
        Setting("CLIENT_SECRET", help="Client secret of the app", secret=True),
        Setting("TEAM_ID", help="The workspace whose calls this account answers; empty: any that is signed"),
        Setting("THREAD_NOTES", "yes", "Whether what people write below a post becomes a note: yes or no"),
        Setting("LOGIN_URL", "https://slack.com", "Where a workspace is chosen; a test double may stand in"),
        Setting("API_URL", "https://slack.com/api", "Address of the API; a proxy or test double may stand in"),
    ]


@hookimpl
def workflow_actions() -> list[SlackPost]:
    """What workflows can order."""
    return [SlackPost()]
