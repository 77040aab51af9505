"""Microsoft Teams: cards with actions to people and channels by a bot, kept true; or cards with links by a webhook.

Sources: learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference, learn.microsoft.com/
microsoftteams/platform/bots/how-to/conversations/send-proactive-messages, …/webhooks-and-connectors/how-to/.
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
    mapping,
    text,
)

from .cards import CARD, attached, card
from .heard import USAGE, heard, is_press, is_private
from .post import TeamsPost
from .trust import check
from .wire import call, conversation, in_conversation

FAULTS = (Retry, Refused, Rejected, NoAccess)
SAID = "application/vnd.microsoft.activity.message"
BOT = ("TEAMS_APP_ID", "TEAMS_APP_PASSWORD", "TEAMS_TENANT_ID")


class Teams:
    """One member or one channel of a tenant, or the address of an incoming webhook."""

    slug, name, provider, refusal = "teams", "Microsoft Teams", "Microsoft Teams", 401
    address = Field("address", "Member id", required=True,
                    help="Write hello to the bot, and it tells the way. A channel: its id (19:…), or a webhook's address")
    can = frozenset({"verify", "reply", "room", "update", "hook"})
    settings = (*BOT, "TEAMS_SERVICE_URL", "TEAMS_LOGIN_URL", "TEAMS_OPENID_URL")
    needs = BOT
    callbacks = ("messages",)

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Say it once; the receipt names conversation and activity, by which Teams knows it later."""
        place = address.value
        if _is_webhook(place):
            return _posted(message, place)
        if place.startswith("19:"):
            made = call(config, "POST", "conversations", {
                "isGroup": True, "bot": {"id": f"28:{config['TEAMS_APP_ID']}"}, "activity": attached(message),
                "channelData": {"channel": {"id": place}, "tenant": {"id": config["TEAMS_TENANT_ID"]}}})
            return _receipt(text(made.get("id")), text(made.get("activityId")))
        where = conversation(config, place)
        alert = {"channelData": {"notification": {"alert": message.urgency == "high"}}}
        made = call(config, "POST", in_conversation(where), {**attached(message), **alert})
        return _receipt(where, text(made.get("id")))

    def update(self, message: Message, address: Address, receipt: Receipt, config: Any) -> None:
        """The same card as the incident stands now; a webhook can change nothing, so it posts how it stands."""
        if _is_webhook(address.value):
            _posted(message, address.value)
            return
        where, _, activity = receipt.provider_id.rpartition(" ")
        call(config, "PUT", in_conversation(where, activity), {**attached(message), "id": activity})

    def receive(self, inbound: Inbound, config: Any) -> list[Reply | Report]:
        """A pressed action, or words to the bot."""
        check(inbound, config)
        return [*heard(inbound.object())]

    def respond(self, inbound: Inbound, answers: list[Answered], config: Any) -> Answer:
        """In the card for who pressed; as an answer for who wrote. The way to connect is told to nobody else."""
        said = inbound.object()
        if is_press(said):
            return _json(_in_card(answers))
        words = "\n\n".join(_sentence(one, private=is_private(said)) for one in answers if not one.silent)
        where = text(mapping(said.get("conversation")).get("id"))
        if words and where:
            _quietly(config, in_conversation(where, text(said.get("id"))), {"type": "message", "textFormat": "plain",
                                                                           "text": words})
        return Answer(200)


def _is_webhook(place: str) -> bool:
    return place.startswith(("https://", "http://"))


def _posted(message: Message, url: str) -> Receipt:
    deliver(url, json=attached(message, links_only=True))
    return Receipt("sent", "teams", "webhook")


def _receipt(where: str, activity: str) -> Receipt:
    if not where or not activity:
        raise Retry("The answer of Teams can't be read")
    return Receipt("sent", "teams", f"{where} {activity}")


def _in_card(answers: list[Answered]) -> dict[str, Any]:
    """The card as it is now for a press that did something, else the reason."""
    done = next((one for one in answers if one.done and one.message is not None), None)
    if done is not None and done.message is not None:
        return {"statusCode": 200, "type": CARD, "value": card(done.message)}
    words = " ".join(_sentence(one, private=True) for one in answers if not one.silent)
    return {"statusCode": 200, "type": SAID, "value": words or "Nothing was changed."}


def _sentence(one: Answered, *, private: bool) -> str:
    if one.link:
        way = f"Sign in and confirm here, and pages reach you by Teams: {one.link}" if private else (
            "Write hello to me in a chat of our own to connect your account.")
        return f"{one.text} {way}"
    return f"{one.text}\n\n{USAGE}" if one.reply.action == "help" else one.text


def _json(said: Mapping[str, Any]) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(said).encode())


def _quietly(config: Any, path: str, said: Mapping[str, Any]) -> None:
    """That it can't be said changes nothing about what was done."""
    try:
        call(config, "POST", path, said)
    except FAULTS:
        return


@hookimpl
def channels() -> list[Teams]:
    """The way out."""
    return [Teams()]


@hookimpl
def settings() -> list[Setting]:
    """Written TEAMS_… in the environment, or entered on the page of the channel."""
    return [
        Setting("APP_ID", help="Microsoft App ID of the bot"),
        Setting("APP_PASSWORD", help="Client secret of the bot", secret=True),
        Setting("TENANT_ID", help="Directory (tenant) ID of your organisation"),
        Setting("SERVICE_URL", "https://smba.trafficmanager.net/teams", "Where Teams takes messages; other clouds differ"),
        Setting("LOGIN_URL", "https://login.microsoftonline.com", "Where the bot signs in"),
        Setting("OPENID_URL", "https://login.botframework.com/v1/.well-known/openidconfiguration",
                "Where the keys are named by which Teams signs what it calls here"),
    ]


@hookimpl
def workflow_actions() -> list[TeamsPost]:
    """What workflows can order."""
    return [TeamsPost()]
